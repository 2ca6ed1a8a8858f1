//! Colleagues whom a note mentions, and agents who follow a conversation though others answer.

use deskbell_protocol::http::{SignedIn, SiteEdit};
use deskbell_protocol::*;
use deskbell_server::operations::Person;
use serde_json::json;

use crate::desk::*;

/// A message that mentions colleagues.
fn mentioning(conversation: ConversationId, kind: MessageKind, text: &str, mentions: &[AgentId]) -> CommandFrame {
    let (text, mentions) = (text.to_owned(), mentions.to_vec());
    command(Command::Send {
        conversation: Some(conversation),
        kind,
        text,
        attachments: Vec::new(),
        mentions,
        article: None,
        choice: None,
    })
}

fn note(conversation: ConversationId, text: &str, mentions: &[AgentId]) -> CommandFrame {
    mentioning(conversation, MessageKind::Note, text, mentions)
}

fn follow(conversation: ConversationId, following: bool) -> CommandFrame {
    command(Command::Follow { conversation, following })
}

/// One more of the team.
async fn colleague(desk: &TestDesk, name: &str, role: Role) -> SignedIn {
    let administration = desk.desk.administer();
    let email = format!("{}@desk.example", name.to_lowercase());
    let agent = administration.add_agent(name, &email, PASSWORD, role).await.unwrap();
    administration.sign_in_locally(agent.id, "A computer").await.unwrap()
}

/// Vic, who has written, as one of the team sees them.
async fn vic_writes(desk: &TestDesk, agent: &mut Client) -> (Client, String, Message) {
    let (mut vic, token) = desk.visitor().await;
    vic.command(&reply(None, "Hello")).await.unwrap();
    let message = agent.message("Hello").await.0;
    (vic, token, message)
}

/// A conversation and its messages as a computer has them that knows nothing yet.
async fn fresh(desk: &TestDesk, who: &SignedIn, id: ConversationId) -> (Conversation, Vec<Message>) {
    let mut client = desk.agent(who, None).await;
    client.welcome().await;
    let rows = client.snapshot().await;
    let head = rows.iter().filter_map(decode).find_map(|entity| match entity {
        Entity::Conversation(head) if head.id == id => Some(head),
        _ => None,
    });
    (head.unwrap(), rows.iter().filter_map(as_message).filter(|message| message.conversation == id).collect())
}

#[tokio::test]
async fn od_27_whom_a_note_mentions_is_told_and_follows_until_they_do_no_more() {
    let desk = TestDesk::start().await;
    let (ann_id, ben_id) = (desk.ann.agent.id, desk.ben.agent.id);
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (_vic, _, hello) = vic_writes(&desk, &mut ann).await;
    let id = hello.conversation;

    let said = ann.command(&note(id, "@Ben, is it dishwasher safe?", &[ben_id, ben_id])).await.unwrap();
    let (message, _) = ben.message("@Ben, is it dishwasher safe?").await;
    assert_eq!((message.kind, message.mentions.as_slice()), (MessageKind::Note, &[ben_id][..]), "each once");
    let (head, rev) = ann.conversation(|head| !head.followers.is_empty()).await;
    assert_eq!((head.followers, head.assignee), (vec![ben_id], None), "to follow is not to have");
    let (head, messages) = fresh(&desk, &desk.ben, id).await;
    assert_eq!((head.followers, &messages[1].mentions), (vec![ben_id], &vec![ben_id]));

    // Ann follows by herself; whoever follows already changes nothing.
    ann.command(&follow(id, true)).await.unwrap();
    assert_eq!(ben.conversation(|head| head.followers.len() == 2).await.0.followers, [ann_id, ben_id]);
    let again = ann.command(&follow(id, true)).await.unwrap();
    ben.command(&follow(id, false)).await.unwrap();
    let (head, unfollowed) = ann.conversation(|head| head.followers == [ann_id]).await;
    assert_eq!(again.seq.0 + 1, unfollowed.0, "the second time was no change");
    let stale = CommandFrame { if_rev: Some(rev), ..follow(id, true) };
    assert_eq!(ben.command(&stale).await.unwrap_err().code, ErrorCode::Conflict);

    // What is edited mentions whom it mentioned; what is deleted, nobody.
    let message = MessageId(said.id.unwrap());
    ann.command(&command(Command::EditMessage { conversation: id, message, text: "@Ben?".into() })).await.unwrap();
    assert_eq!(ben.message("@Ben?").await.0.mentions, [ben_id]);
    ann.command(&command(Command::DeleteMessage { conversation: id, message })).await.unwrap();
    let (again, messages) = fresh(&desk, &desk.ben, id).await;
    assert_eq!((again.followers, messages[1].mentions.len()), (head.followers, 0), "nor does it follow again");

    // Who is erased leaves nobody who follows or was mentioned behind, and nothing stands in the way.
    ann.command(&note(id, "@Ben, the next one", &[ben_id])).await.unwrap();
    desk.desk.administer().erase(Person::Visitor(again.visitor)).await.unwrap();
}

#[tokio::test]
async fn od_27_whoever_does_not_see_a_conversation_is_not_mentioned_and_the_refusal_names_them() {
    let desk = TestDesk::start().await;
    let administration = desk.desk.administer();
    let edit = SiteEdit { members_only: Some(true), ..SiteEdit::default() };
    administration.put_site(Some(desk.site.id), edit).await.unwrap();
    let cid = colleague(&desk, "Cid", Role::Agent).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (_vic, _, hello) = vic_writes(&desk, &mut ann).await;
    let id = hello.conversation;

    let asked = note(id, "@Cid, can you?", &[cid.agent.id]);
    let refused = ann.command(&asked).await.unwrap_err();
    assert_eq!((refused.code, refused.field.as_deref()), (ErrorCode::Invalid, Some("mentions")));
    assert_eq!(refused.message, "mentions: Cid does not see this conversation; let them take part in it first.");
    let (head, messages) = fresh(&desk, &desk.ann, id).await;
    assert_eq!((head.followers.len(), messages.len()), (0, 1), "nothing of it is there");
    ann.command(&command(Command::ChangeParticipants { conversation: id, add: vec![cid.agent.id], remove: vec![] }))
        .await
        .unwrap();
    ann.command(&asked).await.unwrap();
    assert_eq!(fresh(&desk, &cid, id).await.0.followers, [cid.agent.id]);

    // Who works here no more is no agent.
    let path = format!("/v1/agents/{}", cid.agent.id);
    assert_eq!(ask(&desk, &desk.ann, "PATCH", &path, json!({"active": false})).await.0, 200);
    let many: Vec<AgentId> = (1..=21).map(AgentId).collect();
    for (mentions, rule) in [
        (vec![cid.agent.id], "mentions: names somebody who is no agent."),
        (vec![AgentId(1)], "mentions: names somebody who is no agent."),
        (many, "mentions: at most 20."),
    ] {
        assert_eq!(ann.command(&note(id, "Who?", &mentions)).await.unwrap_err().message, rule);
    }
}

#[tokio::test]
async fn od_27_among_the_team_those_are_mentioned_who_take_part_and_nobody_follows() {
    let desk = TestDesk::start().await;
    let ben_id = desk.ben.agent.id;
    let cid = colleague(&desk, "Cid", Role::Owner).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let begin = Command::StartInternal { agents: vec![ben_id], title: "Returns".into(), text: "Forty".into() };
    let id = ConversationId(ann.command(&command(begin)).await.unwrap().id.unwrap());

    ann.command(&note(id, "@Ben, all broken?", &[ben_id])).await.unwrap();
    assert_eq!(ben.message("@Ben, all broken?").await.0.mentions, [ben_id]);
    assert!(fresh(&desk, &desk.ben, id).await.0.followers.is_empty());
    let refused = ann.command(&note(id, "@Cid, look", &[cid.agent.id])).await.unwrap_err();
    assert_eq!(refused.message, "mentions: Cid does not see this conversation; let them take part in it first.");
    let refused = ben.command(&follow(id, true)).await.unwrap_err();
    assert_eq!((refused.code, refused.field.as_deref()), (ErrorCode::Invalid, Some("conversation")));
}

#[tokio::test]
async fn od_27_no_mention_and_no_follower_reaches_a_visitor_by_any_way() {
    let desk = TestDesk::start().await;
    let ben_id = desk.ben.agent.id;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, token, hello) = vic_writes(&desk, &mut ann).await;
    let id = hello.conversation;

    // In a reply, `@` is text like any other, and nobody is told by it.
    for who in [&mut ann, &mut vic] {
        let asked = mentioning(id, MessageKind::Reply, "Ask @Ben", &[ben_id]);
        let refused = who.command(&asked).await.unwrap_err();
        assert_eq!(refused.message, "mentions: stand in notes alone; in a reply `@` is plain text.");
    }
    assert_eq!(vic.command(&follow(id, true)).await.unwrap_err().code, ErrorCode::NotFound);
    ann.command(&note(id, "@Ben, he never pays", &[ben_id])).await.unwrap();
    ann.command(&follow(id, true)).await.unwrap();
    ann.command(&reply(Some(id), "Good day, says @Ben")).await.unwrap();

    // Neither the socket that is open, nor a new one, nor requests, nor the history bring a trace of it.
    let mut heard = Vec::new();
    loop {
        let delta = vic.delta().await;
        heard.push(format!("{delta:?}"));
        if texts(&delta.changes).iter().any(|text| text == "Good day, says @Ben") {
            break;
        }
    }
    heard.push(format!("{:?}", vic.history(id, 100, 100).await));
    let mut back = desk.panel(Some(&token), None, None).await;
    back.welcome().await;
    heard.push(format!("{:?}", back.snapshot().await));
    let pulled = desk.pulled(&token).await;
    assert!(pulled.contains("Good day"), "{pulled}");
    heard.push(pulled);
    let mut away = desk.panel(Some(&token), None, Some(Cursor { seq: Seq(1), ..vic.cursor.clone().unwrap() })).await;
    away.welcome().await;
    heard.push(format!("{:?}", away.delta().await));
    let traces = ["never pays".to_owned(), ben_id.to_string(), "mentions".to_owned(), "followers: [A".to_owned()];
    for heard in heard {
        for trace in &traces {
            let heard = heard.replace("mentions: []", "");
            assert!(!heard.contains(trace), "{trace}: {heard}");
        }
    }
}
