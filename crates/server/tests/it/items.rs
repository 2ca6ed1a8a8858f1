//! Projects, tickets and tasks: made from conversations and by hand, linked, followed, and erased with the person.

use deskbell_protocol::http::{AgentEdit, SiteEdit};
use deskbell_protocol::*;
use deskbell_server::operations::Person;
use serde_json::{Value, json};

use crate::desk::*;

/// Makes an item, and says what it is.
async fn made(desk: &TestDesk, who: &http::SignedIn, body: Value) -> Item {
    let (status, item) = ask(desk, who, "POST", "/v1/items", body).await;
    assert_eq!(status, 201, "{item}");
    serde_json::from_value(item).unwrap()
}

/// Changes an item or what is linked to it, and says what it is now.
async fn changed(desk: &TestDesk, who: &http::SignedIn, method: &str, path: &str, body: Value) -> Item {
    let (status, item) = ask(desk, who, method, path, body).await;
    assert_eq!(status, 200, "{item}");
    serde_json::from_value(item).unwrap()
}

async fn numbers(desk: &TestDesk, who: &http::SignedIn, query: &str) -> Vec<i64> {
    let (status, page) = ask(desk, who, "GET", &format!("/v1/items?{query}"), Value::Null).await;
    assert_eq!(status, 200, "{page}");
    serde_json::from_value::<ItemPage>(page).unwrap().items.iter().map(|item| item.number).collect()
}

/// Vic writes these texts; her conversation, and who she is.
async fn vic(desk: &TestDesk, texts: &[&str]) -> Conversation {
    let (mut panel, _) = desk.visitor().await;
    panel.command(&reply(None, texts[0])).await.unwrap();
    let (conversation, _) = panel.conversation(|_| true).await;
    for text in &texts[1..] {
        panel.command(&reply(Some(conversation.id), text)).await.unwrap();
    }
    // To a visitor their contact is not told.
    let mut ann = desk.agent(&desk.ann, None).await;
    ann.welcome().await;
    let rows = ann.snapshot().await;
    let found = rows.iter().filter_map(decode).find_map(|row| match row {
        Entity::Conversation(found) if found.id == conversation.id => Some(found),
        _ => None,
    });
    found.unwrap()
}

#[tokio::test]
async fn od_18_od_20_od_21_od_22_a_ticket_is_filled_in_from_a_chat_made_and_linked_to_it() {
    let desk = TestDesk::start().await;
    let chat = vic(&desk, &["\nThe lid is broken\nIt came like that.", "Order 77"]).await;
    let (status, draft) =
        ask(&desk, &desk.ben, "GET", &format!("/v1/conversations/{}/ticket", chat.id), Value::Null).await;
    assert_eq!(status, 200, "{draft}");
    assert_eq!(draft["title"], "The lid is broken");
    assert_eq!(draft["description"], "\nThe lid is broken\nIt came like that.\n\nOrder 77");
    let ticket = made(&desk, &desk.ben, draft).await;
    assert_eq!((ticket.number, ticket.kind, ticket.state), (1, ItemKind::Ticket, ItemState::Open));
    assert_eq!((ticket.contact, ticket.site), (Some(chat.contact), Some(chat.site)));
    assert_eq!((ticket.conversations.as_slice(), ticket.created_by), (&[chat.id][..], Some(desk.ben.agent.id)));
    assert_eq!(numbers(&desk, &desk.ann, &format!("conversation={}", chat.id)).await, [1]);

    // The chat is about one item at most: a task takes it over, and gives it back.
    let task = made(&desk, &desk.ann, json!({"kind": "task", "title": "Send a lid", "conversation": chat.id})).await;
    assert_eq!((task.number, task.contact), (2, None), "a task is the team's, not the customer's");
    let path = format!("/v1/items/{}", ticket.id);
    assert_eq!(changed(&desk, &desk.ann, "GET", &path, Value::Null).await.conversations, []);
    let link = format!("{path}/conversations/{}", chat.id);
    assert_eq!(changed(&desk, &desk.ann, "PUT", &link, Value::Null).await.conversations, [chat.id]);
    let again = changed(&desk, &desk.ann, "PUT", &link, Value::Null).await;
    assert_eq!(changed(&desk, &desk.ann, "GET", &path, Value::Null).await, again, "what is so already changes nothing");
    assert_eq!(changed(&desk, &desk.ann, "DELETE", &link, Value::Null).await.conversations, []);
    assert_eq!(numbers(&desk, &desk.ann, &format!("conversation={}", chat.id)).await, Vec::<i64>::new());
}

#[tokio::test]
async fn od_05_od_07_lists_show_what_is_open_unanswered_ones_own_and_of_a_project_in_pages() {
    let desk = TestDesk::start().await;
    let chat = vic(&desk, &["Hello"]).await;
    let project = made(&desk, &desk.ann, json!({"kind": "project", "title": "Sale"})).await;
    let ticket = made(&desk, &desk.ann, json!({"kind": "ticket", "title": "A lid", "project": project.id})).await;
    let task = made(&desk, &desk.ann, json!({"kind": "task", "title": "Pack", "assignee": desk.ben.agent.id})).await;
    assert_eq!(numbers(&desk, &desk.ben, "").await, [3, 2, 1]);
    assert_eq!(numbers(&desk, &desk.ben, "limit=2").await, [3, 2]);
    assert_eq!(numbers(&desk, &desk.ben, &format!("limit=2&before={}", ticket.id)).await, [1]);
    assert_eq!(numbers(&desk, &desk.ben, &format!("project={}", project.id)).await, [2]);
    assert_eq!(numbers(&desk, &desk.ben, "kind=task").await, [3]);
    assert_eq!(numbers(&desk, &desk.ann, &format!("assignee={}", desk.ben.agent.id)).await, [3]);

    // Ben does the task, and follows the ticket.
    assert_eq!(numbers(&desk, &desk.ben, "mine=true").await, [3]);
    let follows = format!("/v1/items/{}/followers/{}", ticket.id, desk.ben.agent.id);
    assert_eq!(changed(&desk, &desk.ben, "PUT", &follows, Value::Null).await.followers, [desk.ben.agent.id]);
    assert_eq!(numbers(&desk, &desk.ben, "mine=true").await, [3, 2]);
    assert_eq!(changed(&desk, &desk.ben, "DELETE", &follows, Value::Null).await.followers, []);

    assert_eq!(numbers(&desk, &desk.ann, "unanswered=true&kind=ticket").await, [2]);
    let link = format!("/v1/items/{}/conversations/{}", ticket.id, chat.id);
    changed(&desk, &desk.ann, "PUT", &link, Value::Null).await;
    assert_eq!(numbers(&desk, &desk.ann, "unanswered=true&kind=ticket").await, Vec::<i64>::new());
    let path = format!("/v1/items/{}", task.id);
    changed(&desk, &desk.ann, "PATCH", &path, json!({"state": "closed", "assignee": null})).await;
    assert_eq!(numbers(&desk, &desk.ann, "").await, [2, 1]);
    assert_eq!(numbers(&desk, &desk.ann, "closed=true").await, [3]);
}

#[tokio::test]
async fn dk_25_an_item_about_customers_is_seen_by_those_who_see_them_alone() {
    let desk = TestDesk::start().await;
    let chat = vic(&desk, &["Hello"]).await;
    let free = made(&desk, &desk.ben, json!({"kind": "task", "title": "Sweep", "assignee": desk.ben.agent.id})).await;
    let about = made(&desk, &desk.ben, json!({"kind": "ticket", "title": "A lid", "conversation": chat.id})).await;
    let edit = SiteEdit { members_only: Some(true), ..SiteEdit::default() };
    desk.desk.administer().put_site(Some(desk.site.id), edit).await.unwrap();
    let path = format!("/v1/items/{}", about.id);
    for (method, path) in [("GET", path.clone()), ("GET", format!("/v1/conversations/{}/ticket", chat.id))] {
        assert_eq!(ask(&desk, &desk.ben, method, &path, Value::Null).await.0, 404, "{path}");
    }
    assert_eq!(ask(&desk, &desk.ben, "PATCH", &path, json!({"title": "Mine"})).await.0, 404);
    assert_eq!(numbers(&desk, &desk.ben, "").await, [free.number]);
    assert_eq!(numbers(&desk, &desk.ann, "").await, [about.number, free.number]);
    // Nobody is given, or follows, what they may not see; nor does what they do come to be about it.
    let refused = async |method: &str, path: &str, body: Value| {
        let (status, answer) = ask(&desk, &desk.ann, method, path, body).await;
        assert_eq!(status, 400, "{answer}");
        answer["field"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused("PATCH", &path, json!({"assignee": desk.ben.agent.id})).await, "assignee");
    let follow = format!("{path}/followers/{}", desk.ben.agent.id);
    assert_eq!(refused("PUT", &follow, Value::Null).await, "agent");
    let link = format!("/v1/items/{}/conversations/{}", free.id, chat.id);
    assert_eq!(refused("PUT", &link, Value::Null).await, "assignee");
    assert_eq!(changed(&desk, &desk.ann, "GET", &path, Value::Null).await, about, "what was refused changed nothing");
}

#[tokio::test]
async fn od_21_what_breaks_a_rule_is_named_and_what_changed_meanwhile_is_not_overwritten() {
    let desk = TestDesk::start().await;
    let task = made(&desk, &desk.ann, json!({"kind": "task", "title": "Pack"})).await;
    let leave = AgentEdit { active: Some(false), ..AgentEdit::default() };
    desk.desk.administer().edit_agent(desk.ben.agent.id, leave).await.unwrap();
    for (body, field) in [
        (json!({"kind": "task", "title": " \n"}), "title"),
        (json!({"kind": "task", "title": "x".repeat(ITEM_TITLE_MAX + 1)}), "title"),
        (json!({"kind": "task", "title": "Tea", "description": "x".repeat(ITEM_DESCRIPTION_MAX + 1)}), "description"),
        (json!({"kind": "task", "title": "Tea", "assignee": desk.ben.agent.id}), "assignee"),
        (json!({"kind": "task", "title": "Tea", "project": task.id}), "project"),
        (json!({"kind": "project", "title": "Tea", "project": task.id}), "project"),
    ] {
        let (status, answer) = ask(&desk, &desk.ann, "POST", "/v1/items", body).await;
        assert_eq!((status, answer["field"].as_str()), (400, Some(field)), "{answer}");
    }
    assert_eq!(ask(&desk, &desk.ann, "POST", "/v1/items", json!({"kind": "task", "tittle": "Tea"})).await.0, 400);
    let path = format!("/v1/items/{}", task.id);
    let now = changed(&desk, &desk.ann, "PATCH", &path, json!({"title": "Pack it", "if_rev": 1})).await;
    assert_eq!((now.rev, now.number), (2, 1), "what was refused has no number");
    let (status, answer) = ask(&desk, &desk.ann, "PATCH", &path, json!({"title": "Send it", "if_rev": 1})).await;
    assert_eq!((status, answer["code"].as_str()), (409, Some("conflict")));
    assert_eq!(changed(&desk, &desk.ann, "GET", &path, Value::Null).await, now);
}

#[tokio::test]
async fn dc_01_a_person_is_told_of_the_tickets_about_them_and_takes_them_along_when_erased() {
    let desk = TestDesk::start().await;
    let chat = vic(&desk, &["My lid is broken"]).await;
    let task = made(&desk, &desk.ann, json!({"kind": "task", "title": "Sweep"})).await;
    let ticket = made(&desk, &desk.ann, json!({"kind": "ticket", "title": "A lid", "conversation": chat.id})).await;
    let follows = format!("/v1/items/{}/followers/{}", ticket.id, desk.ben.agent.id);
    changed(&desk, &desk.ann, "PUT", &follows, Value::Null).await;
    let known = desk.desk.administer().known(Person::Contact(chat.contact)).await.unwrap();
    assert_eq!(known.items.iter().map(|item| item.id).collect::<Vec<_>>(), [ticket.id]);
    desk.desk.administer().erase(Person::Contact(chat.contact)).await.unwrap();
    assert_eq!(ask(&desk, &desk.ann, "GET", &format!("/v1/items/{}", ticket.id), Value::Null).await.0, 404);
    assert_eq!(numbers(&desk, &desk.ann, "").await, [task.number]);
    let dust = made(&desk, &desk.ann, json!({"kind": "task", "title": "Dust"})).await;
    assert_eq!(dust.number, 3, "a number that was given is not given again");
}

/// The item that the next delta with one tells of.
async fn told(agent: &mut Client, number: i64) -> Item {
    loop {
        for change in agent.delta().await.changes {
            if let Some(Entity::Item(item)) = decode(&change)
                && item.number == number
            {
                return item;
            }
        }
    }
}

/// The items of a snapshot by their numbers.
async fn shown(desk: &TestDesk, who: &http::SignedIn) -> Vec<i64> {
    let mut agent = desk.agent(who, None).await;
    agent.welcome().await;
    let rows = agent.snapshot().await;
    let mut numbers: Vec<i64> = rows
        .iter()
        .filter_map(decode)
        .filter_map(|row| if let Entity::Item(item) = row { Some(item.number) } else { None })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[tokio::test]
async fn od_18_od_22_every_change_of_an_item_reaches_the_agents_and_a_snapshot_has_those_that_matter() {
    let desk = TestDesk::start().await;
    let chat = vic(&desk, &["The lid is broken"]).await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let ticket = made(&desk, &desk.ann, json!({"kind": "ticket", "title": "A lid", "conversation": chat.id})).await;
    assert_eq!(told(&mut ben, 1).await, ticket);
    let path = format!("/v1/items/{}", ticket.id);
    let closed = changed(&desk, &desk.ann, "PATCH", &path, json!({"state": "closed"})).await;
    assert_eq!(told(&mut ben, 1).await, closed);
    let follows = format!("{path}/followers/{}", desk.ben.agent.id);
    let followed = changed(&desk, &desk.ben, "PUT", &follows, Value::Null).await;
    assert_eq!(told(&mut ben, 1).await, followed);

    // A task takes the chat over: the ticket is about nothing any more, and says so to whoever compares.
    let task = made(&desk, &desk.ann, json!({"kind": "task", "title": "Send a lid", "conversation": chat.id})).await;
    let (mut before, mut after) = (None, None);
    while before.is_none() || after.is_none() {
        for item in ben.delta().await.changes.iter().filter_map(decode) {
            match item {
                Entity::Item(item) if item.number == 1 => before = Some((item.conversations, item.rev > followed.rev)),
                Entity::Item(item) => after = Some(item),
                _ => {}
            }
        }
    }
    assert_eq!((before, after), (Some((Vec::new(), true)), Some(task)));
    let (status, stale) = ask(&desk, &desk.ann, "PATCH", &path, json!({"title": "B", "if_rev": followed.rev})).await;
    assert_eq!((status, stale["code"].as_str()), (409, Some("conflict")));

    // What is done and no conversation is about is asked for when it is wanted.
    made(&desk, &desk.ann, json!({"kind": "project", "title": "Sale"})).await;
    assert_eq!(shown(&desk, &desk.ben).await, [2, 3]);
    let link = format!("{path}/conversations/{}", chat.id);
    changed(&desk, &desk.ann, "PUT", &link, Value::Null).await;
    assert_eq!(shown(&desk, &desk.ben).await, [1, 2, 3]);
}

/// What comes of items, and whether it is of this one, until another one is put.
async fn told_of(agent: &mut Client, id: ItemId) -> Vec<(ChangeKind, bool)> {
    let mut told = Vec::new();
    while !told.contains(&(ChangeKind::Put, false)) {
        let changes = agent.delta().await.changes;
        let items = changes.iter().filter(|change| change.entity == EntityKind::Item);
        told.extend(items.map(|change| (change.kind, change.id == id.0)));
    }
    told
}

#[tokio::test]
async fn od_18_an_item_that_is_made_about_customers_is_not_spoken_of_to_whoever_may_not_see_them() {
    let desk = TestDesk::start().await;
    let chat = vic(&desk, &["Hello"]).await;
    let edit = SiteEdit { members_only: Some(true), ..SiteEdit::default() };
    desk.desk.administer().put_site(Some(desk.site.id), edit).await.unwrap();
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let ticket = made(&desk, &desk.ann, json!({"kind": "ticket", "title": "A lid", "conversation": chat.id})).await;
    made(&desk, &desk.ann, json!({"kind": "task", "title": "Last"})).await;
    assert_eq!(told_of(&mut ben, ticket.id).await, [(ChangeKind::Put, false)]);
}

#[tokio::test]
async fn od_18_an_item_that_comes_to_be_about_customers_is_forgotten_by_whoever_may_not_see_them() {
    let desk = TestDesk::start().await;
    let chat = vic(&desk, &["Hello"]).await;
    let edit = SiteEdit { members_only: Some(true), ..SiteEdit::default() };
    desk.desk.administer().put_site(Some(desk.site.id), edit).await.unwrap();
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let task = made(&desk, &desk.ann, json!({"kind": "task", "title": "Sweep"})).await;
    assert_eq!(told(&mut ben, 1).await, task);
    let link = format!("/v1/items/{}/conversations/{}", task.id, chat.id);
    changed(&desk, &desk.ann, "PUT", &link, Value::Null).await;
    made(&desk, &desk.ann, json!({"kind": "task", "title": "Last"})).await;
    let told = told_of(&mut ben, task.id).await;
    assert_eq!(told, [(ChangeKind::Forget, true), (ChangeKind::Put, false)]);
    assert_eq!(shown(&desk, &desk.ben).await, [2]);
    assert_eq!(shown(&desk, &desk.ann).await, [1, 2]);

    // A right that is won shows it again.
    let edit = SiteEdit { members_only: Some(false), ..SiteEdit::default() };
    desk.desk.administer().put_site(Some(desk.site.id), edit).await.unwrap();
    assert_eq!(ben.reset().await, ResetReason::Rights);
    let rows = ben.snapshot().await;
    assert!(rows.iter().any(|row| row.entity == EntityKind::Item && row.id == task.id.0));
}

#[tokio::test]
async fn od_18_erasure_and_merging_reach_the_items_in_every_cache() {
    let desk = TestDesk::start().await;
    let chat = vic(&desk, &["Hello"]).await;
    let other = vic(&desk, &["It is me again"]).await;
    let ticket = made(&desk, &desk.ann, json!({"kind": "ticket", "title": "A lid", "conversation": other.id})).await;
    let task = made(&desk, &desk.ann, json!({"kind": "task", "title": "Pack", "conversation": chat.id})).await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    desk.desk.administer().merge(chat.contact, other.contact).await.unwrap();
    assert_eq!(told(&mut ben, 1).await.contact, Some(chat.contact));

    desk.desk.administer().erase(Person::Contact(chat.contact)).await.unwrap();
    let (mut erased, mut left) = (false, None);
    while !erased || left.is_none() {
        for change in ben.delta().await.changes.into_iter().filter(|change| change.entity == EntityKind::Item) {
            erased |= (change.id, change.kind) == (ticket.id.0, ChangeKind::Erase);
            if let Some(Entity::Item(item)) = decode(&change) {
                left = Some((item.number, item.conversations));
            }
        }
    }
    assert_eq!(left, Some((task.number, Vec::new())), "what the team has to do stays");
}

#[tokio::test]
async fn od_18_one_item_is_about_so_many_conversations_and_no_more() {
    let desk = TestDesk::start().await;
    let task = made(&desk, &desk.ann, json!({"kind": "task", "title": "Pack"})).await;
    let link = |chat: ConversationId| format!("/v1/items/{}/conversations/{chat}", task.id);
    for _ in 0..ITEM_CONVERSATIONS_MAX {
        let (mut panel, _) = desk.visitor().await;
        panel.command(&reply(None, "Hello")).await.unwrap();
        let (chat, _) = panel.conversation(|_| true).await;
        assert_eq!(ask(&desk, &desk.ann, "PUT", &link(chat.id), Value::Null).await.0, 200);
    }
    let one_more = vic(&desk, &["Hello"]).await;
    let (status, refused) = ask(&desk, &desk.ann, "PUT", &link(one_more.id), Value::Null).await;
    assert_eq!((status, refused["field"].as_str()), (400, Some("conversation")));
}

#[tokio::test]
async fn od_21_a_ticket_has_what_was_written_beside_the_desks_own_answers_and_ends_at_an_agents() {
    let desk = TestDesk::start().await;
    let rule = json!({"when": {"kind": "first_message"}, "texts": {"en": "Hello, this is the desk"}});
    assert_eq!(ask(&desk, &desk.ann, "POST", "/v1/auto-answers", rule).await.0, 201);
    let chat = vic(&desk, &["The lid is broken", "Order 77"]).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    ann.command(&reply(Some(chat.id), "We send a new one")).await.unwrap();
    let path = format!("/v1/conversations/{}/ticket", chat.id);
    let (_, draft) = ask(&desk, &desk.ben, "GET", &path, Value::Null).await;
    assert_eq!(draft["description"], "The lid is broken\n\nOrder 77");
}

#[tokio::test]
async fn od_18_what_somebody_does_who_left_can_be_closed_and_given_to_nobody_else_who_is_gone() {
    let desk = TestDesk::start().await;
    let task = made(&desk, &desk.ann, json!({"kind": "task", "title": "Pack", "assignee": desk.ben.agent.id})).await;
    let leave = AgentEdit { active: Some(false), ..AgentEdit::default() };
    desk.desk.administer().edit_agent(desk.ben.agent.id, leave).await.unwrap();
    let path = format!("/v1/items/{}", task.id);
    let closed = changed(&desk, &desk.ann, "PATCH", &path, json!({"state": "closed"})).await;
    assert_eq!((closed.state, closed.assignee), (ItemState::Closed, Some(desk.ben.agent.id)));
    changed(&desk, &desk.ann, "PATCH", &path, json!({"assignee": null})).await;
    let (status, answer) = ask(&desk, &desk.ann, "PATCH", &path, json!({"assignee": desk.ben.agent.id})).await;
    assert_eq!((status, answer["field"].as_str()), (400, Some("assignee")));
}

#[tokio::test]
async fn dk_25_whoever_takes_part_in_a_chat_takes_it_from_no_item_that_they_may_not_change() {
    let desk = TestDesk::start().await;
    let chat = vic(&desk, &["Hello"]).await;
    let about = made(&desk, &desk.ann, json!({"kind": "ticket", "title": "A lid", "conversation": chat.id})).await;
    let own = made(&desk, &desk.ben, json!({"kind": "task", "title": "Sweep"})).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (add, remove) = (vec![desk.ben.agent.id], Vec::new());
    ann.command(&command(Command::ChangeParticipants { conversation: chat.id, add, remove })).await.unwrap();
    let edit = SiteEdit { members_only: Some(true), ..SiteEdit::default() };
    desk.desk.administer().put_site(Some(desk.site.id), edit).await.unwrap();
    let link = format!("/v1/items/{}/conversations/{}", own.id, chat.id);
    assert_eq!(ask(&desk, &desk.ben, "PUT", &link, Value::Null).await.0, 404);
    let new = json!({"kind": "task", "title": "Mine", "conversation": chat.id});
    assert_eq!(ask(&desk, &desk.ben, "POST", "/v1/items", new).await.0, 404);
    for item in [about, own] {
        let path = format!("/v1/items/{}", item.id);
        assert_eq!(changed(&desk, &desk.ann, "GET", &path, Value::Null).await, item, "nothing has changed");
    }
}

#[tokio::test]
async fn od_18_a_guest_of_a_chat_reads_no_ticket_of_a_site_that_they_do_not_see() {
    let desk = TestDesk::start().await;
    let chat = vic(&desk, &["Hello"]).await;
    made(&desk, &desk.ann, json!({"kind": "ticket", "title": "A lid", "conversation": chat.id})).await;
    let edit = SiteEdit { members_only: Some(true), ..SiteEdit::default() };
    desk.desk.administer().put_site(Some(desk.site.id), edit).await.unwrap();
    let of_chat = format!("conversation={}", chat.id);
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (add, remove) = (vec![desk.ben.agent.id], Vec::new());
    ann.command(&command(Command::ChangeParticipants { conversation: chat.id, add, remove })).await.unwrap();
    assert_eq!(numbers(&desk, &desk.ben, &of_chat).await, Vec::<i64>::new());
    assert_eq!(numbers(&desk, &desk.ann, &of_chat).await, [1]);
}
