//! The stage itself: a real desk, people on both sides, and a bad network.
#![allow(clippy::unwrap_used, clippy::panic)]

use deskbell_protocol::{Author, ChangeKind, Command, ConversationId, Entity, Message, MessageKind, ServerFrame};
use deskbell_testkit::proxy::{FaultProxy, Way};
use deskbell_testkit::{ANN, AgentSocket, BEN, TestDesk, Visitor};

/// The next message that reaches an agent.
async fn heard(agent: &mut AgentSocket) -> Message {
    loop {
        let ServerFrame::Delta(delta) = agent.next().await else { continue };
        for change in delta.changes {
            if change.kind == ChangeKind::Put
                && let Some(Entity::Message(message)) = Entity::decode(change.entity, &change.data.unwrap()).unwrap()
            {
                return message;
            }
        }
    }
}

async fn answer(agent: &mut AgentSocket, conversation: ConversationId, kind: MessageKind, text: &str) {
    let (conversation, text, attachments) = (Some(conversation), text.to_owned(), Vec::new());
    agent
        .command(Command::Send {
            conversation,
            kind,
            text,
            attachments,
            mentions: Vec::new(),
            article: None,
            choice: None,
        })
        .await;
}

#[tokio::test]
async fn od_33_what_either_side_writes_appears_on_the_other() {
    let desk = TestDesk::start().await;
    let (mut ann, mut ben) = (AgentSocket::connect(&desk, &ANN).await, AgentSocket::connect(&desk, &BEN).await);
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Is the teapot still there?").await;
    let question = heard(&mut ann).await;
    assert_eq!((question.text.as_str(), &question.author), ("Is the teapot still there?", &Author::Visitor));
    assert_eq!(heard(&mut ben).await, question);
    answer(&mut ann, question.conversation, MessageKind::Reply, "Yes, one is left.").await;
    let reply = vic.read("Yes, one is left.").await;
    assert_eq!(reply.author, Author::Agent { id: desk.ann.id, name: "Ann".into() });
}

#[tokio::test]
async fn tv_13_a_note_reaches_the_team_and_never_the_visitor() {
    let desk = TestDesk::start().await;
    let (mut ann, mut ben) = (AgentSocket::connect(&desk, &ANN).await, AgentSocket::connect(&desk, &BEN).await);
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Hello?").await;
    let question = heard(&mut ann).await;
    heard(&mut ben).await;
    answer(&mut ann, question.conversation, MessageKind::Note, "He asked last week, too.").await;
    assert_eq!(heard(&mut ben).await.text, "He asked last week, too.");
    answer(&mut ann, question.conversation, MessageKind::Reply, "Good morning!").await;
    vic.read("Good morning!").await;
    assert!(vic.messages.values().all(|message| message.kind != MessageKind::Note), "{:?}", vic.messages);
}

#[tokio::test]
async fn visitors_do_not_see_each_other() {
    let desk = TestDesk::start().await;
    let mut ann = AgentSocket::connect(&desk, &ANN).await;
    let (mut vic, mut wen) = (Visitor::arrive(&desk, "Vic").await, Visitor::arrive(&desk, "Wen").await);
    vic.write("I am Vic.").await;
    wen.write("I am Wen.").await;
    let (first, second) = (heard(&mut ann).await, heard(&mut ann).await);
    assert_ne!(first.conversation, second.conversation);
    answer(&mut ann, second.conversation, MessageKind::Reply, "Hello, Wen.").await;
    wen.read("Hello, Wen.").await;
    answer(&mut ann, first.conversation, MessageKind::Reply, "Hello, Vic.").await;
    vic.read("Hello, Vic.").await;
    assert!(vic.messages.values().all(|message| message.conversation == first.conversation));
}

#[tokio::test]
async fn a_desk_that_starts_again_has_everything_it_acknowledged() {
    let mut desk = TestDesk::start().await;
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Do not forget me.").await;
    desk.start_again().await;
    let ann = AgentSocket::connect(&desk, &ANN).await;
    let texts = ann.snapshot.into_iter().filter_map(|change| match Entity::decode(change.entity, &change.data?) {
        Ok(Some(Entity::Message(message))) => Some(message.text),
        _ => None,
    });
    assert_eq!(texts.collect::<Vec<_>>(), ["Do not forget me."]);
}

#[tokio::test]
async fn a_lost_answer_leaves_the_message_on_the_desk() {
    let desk = TestDesk::start().await;
    let proxy = FaultProxy::start(desk.socket_address()).await.unwrap();
    let mut ann = AgentSocket::connect(&desk, &ANN).await;
    let mut vic = Visitor::arrive_through(&desk, &proxy.address(), "Vic").await;
    proxy.freeze(Way::ToClient);
    let client_id = vic.send("Can you hear me?").await;
    assert_eq!(heard(&mut ann).await.client_id.as_ref(), Some(&client_id));
    proxy.heal();
    vic.answer(&client_id).await.unwrap();
}
