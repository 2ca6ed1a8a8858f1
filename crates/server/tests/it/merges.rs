//! Two entries of one person become one.

use deskbell_protocol::http::SignedIn;
use deskbell_protocol::*;
use serde_json::{Value, json};

use crate::desk::*;
use crate::visitors::visitor_at;

async fn merge(desk: &TestDesk, who: &SignedIn, stays: ContactId, gone: ContactId) -> (u16, Value) {
    ask(desk, who, "POST", &format!("/v1/contacts/{stays}/merge"), json!({ "contact": gone })).await
}

fn edit(contact: ContactId, name: &str, email: &str, notes: &str) -> CommandFrame {
    let (name, email, phone, notes) = (name.to_owned(), email.to_owned(), String::new(), notes.to_owned());
    command(Command::EditContact { contact, name, email, phone, notes })
}

#[tokio::test]
async fn two_entries_of_vic_become_one_on_every_computer_and_the_old_number_means_the_one_that_stays() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut phone, _) = desk.visitor().await;
    let (mut laptop, token) = desk.visitor().await;
    phone.command(&reply(None, "From my phone")).await.unwrap();
    let (first, _) = ann.conversation(|_| true).await;
    laptop.command(&reply(None, "From my laptop")).await.unwrap();
    let (second, _) = ann.conversation(|head| head.id != first.id).await;
    let (stays, gone) = (first.contact, second.contact);
    ann.command(&edit(stays, "Vic", "", "likes tea")).await.unwrap();
    ann.command(&edit(gone, "Victor", "vic@example.com", "VIP")).await.unwrap();

    let ticket = json!({"kind": "ticket", "title": "A lid", "conversation": second.id});
    assert_eq!(ask(&desk, &desk.ann, "POST", "/v1/items", ticket).await.0, 201);

    assert_eq!(merge(&desk, &desk.ben, stays, gone).await.0, 404, "an agent may not");
    let (status, answer) = merge(&desk, &desk.ann, stays, gone).await;
    assert_eq!(status, 200, "{answer}");
    let known: Contact = serde_json::from_value(answer).unwrap();
    assert_eq!((known.name.as_str(), known.email.as_str()), ("Vic", "vic@example.com"));
    assert_eq!(known.notes, "likes tea\nVIP\nVictor");
    // Whoever is connected hears of it in one delta, which ends with the one that is gone.
    let mut told = (false, false, false);
    while told != (true, true, true) {
        for change in ann.delta().await.changes {
            match (decode(&change), change.kind) {
                (Some(Entity::Contact(contact)), _) if contact == known => told.0 = true,
                (Some(Entity::Conversation(head)), _) if head.id == second.id && head.contact == stays => told.1 = true,
                (_, ChangeKind::Delete) if change.entity == EntityKind::Contact && change.id == gone.0 => told.2 = true,
                _ => {}
            }
        }
    }
    // Whoever comes later sees the same, and nothing of the one that is gone.
    let mut ben = desk.agent(&desk.ben, None).await;
    ben.welcome().await;
    let rows = ben.snapshot().await;
    // A person comes once with each conversation.
    let mut people = rows.iter().filter(|row| row.entity == EntityKind::Contact).map(|row| row.id);
    assert!(people.all(|id| id == stays.0), "nobody else is there any more");

    // Done twice it is done once; the old number means the one that stays, also in what was queued before.
    assert_eq!(merge(&desk, &desk.ann, stays, gone).await, (200, serde_json::to_value(&known).unwrap()));
    ann.command(&edit(gone, "Vic the Great", "vic@example.com", "")).await.unwrap();
    let person = http().get(desk.url(&format!("/v1/person?contact={gone}"))).bearer_auth(&desk.ann.access_token);
    let person = person.send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(person["contact"]["name"], "Vic the Great");
    assert_eq!(person["conversations"].as_array().unwrap().len(), 2);
    assert_eq!(person["items"][0]["title"], "A lid");
    // Vic goes on where they were.
    let mut laptop = desk.panel(Some(&token), None, None).await;
    laptop.welcome().await;
    laptop.snapshot().await;
    laptop.command(&reply(None, "Still me")).await.unwrap();
    assert_eq!(ann.message("Still me").await.0.conversation, second.id);
}

#[tokio::test]
async fn a_blocked_entry_takes_its_block_along_and_people_of_two_sites_stay_two() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut phone, token) = desk.visitor().await;
    let (mut laptop, _) = desk.visitor().await;
    phone.command(&reply(None, "One")).await.unwrap();
    let (first, _) = ann.conversation(|_| true).await;
    laptop.command(&reply(None, "Two")).await.unwrap();
    let (second, _) = ann.conversation(|head| head.id != first.id).await;
    let blocked = http::Blocked::Contact { contact: second.contact };
    let new = http::NewBlock { blocked, reason: String::new(), expires_at: None };
    desk.desk.administer().block(new).await.unwrap();
    assert_eq!(merge(&desk, &desk.ann, first.contact, second.contact).await.0, 200);
    let mut again = desk.panel(Some(&token), None, None).await;
    let bye = |frame: &ServerFrame| if let ServerFrame::Bye(bye) = frame { Some(bye.code) } else { None };
    assert_eq!(again.until(bye).await, ByeCode::Blocked, "it is one person now");

    let outlet = desk.desk.administer().add_site("Outlet", &[SHOP.to_owned()]).await.unwrap();
    let mut wen = Client::open(desk.address, None, Some(&desk.own_origin())).await;
    let mut hello = desk.page_hello(&presence(), "");
    (hello.site, hello.part, hello.presence, hello.page) = (outlet.key, VisitorPart::Panel, None, None);
    wen.hello(None, Some(hello)).await;
    wen.welcome().await;
    wen.snapshot().await;
    wen.command(&reply(None, "Elsewhere")).await.unwrap();
    let (third, _) = ann.conversation(|head| head.site == outlet.id).await;
    let (status, refusal) = merge(&desk, &desk.ann, first.contact, third.contact).await;
    assert_eq!((status, refusal["field"].as_str()), (400, Some("contact")), "{refusal}");
    assert_eq!(merge(&desk, &desk.ann, first.contact, ContactId(1)).await.0, 404);
}

#[tokio::test]
async fn dk_03_a_messenger_opens_on_a_page_that_was_merged_with_its_person_before() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, token) = desk.visitor().await;
    vic.command(&reply(None, "Hello")).await.unwrap();
    let (chat, _) = ann.conversation(|_| true).await;
    // The same browser under another name of the loader.
    let name = presence();
    let mut page = desk.page(Some(SHOP), &name, "https://shop.example/cups").await;
    page.welcome().await;
    let looks = visitor_at(&mut ann, |visitor| !visitor.pages.is_empty()).await;
    assert_eq!(merge(&desk, &desk.ann, chat.contact, looks.contact).await.0, 200);
    let mut vic = desk.panel(Some(&token), Some(&name), None).await;
    assert_eq!(vic.welcome().await.visitor.unwrap().conversation, Some(chat.id));
    vic.snapshot().await;
    let joined = visitor_at(&mut ann, |visitor| visitor.id == chat.visitor && !visitor.pages.is_empty()).await;
    assert_eq!(joined.contact, chat.contact);

    // Wen's page is an entry of somebody who has another browser besides: it stays one.
    let (mut wen, token) = desk.visitor().await;
    wen.command(&reply(None, "Hello as well")).await.unwrap();
    let (wens, _) = ann.conversation(|head| head.id != chat.id).await;
    let mut pages = Vec::new();
    for url in ["https://shop.example/pots", "https://shop.example/lids"] {
        let name = presence();
        let mut page = desk.page(Some(SHOP), &name, url).await;
        page.welcome().await;
        let looks = visitor_at(&mut ann, |visitor| visitor.pages.first().is_some_and(|page| page.url == url)).await;
        pages.push((name, page, looks));
    }
    assert_eq!(merge(&desk, &desk.ann, pages[0].2.contact, pages[1].2.contact).await.0, 200);
    let mut wen = desk.panel(Some(&token), Some(&pages[0].0), None).await;
    assert_eq!(wen.welcome().await.visitor.unwrap().conversation, Some(wens.id));
}
