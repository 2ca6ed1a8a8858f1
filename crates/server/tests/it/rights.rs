//! Who sees what, and that this changes at once when rights change.

use deskbell_protocol::http::{AgentEdit, AuditPage, FoundMessages, SiteEdit, TeamEdit};
use deskbell_protocol::*;

use crate::desk::*;

async fn search(desk: &TestDesk, who: &http::SignedIn, words: &str) -> usize {
    let request = reqwest().get(desk.url("/v1/search")).query(&[("q", words)]).bearer_auth(&who.access_token);
    request.send().await.unwrap().json::<FoundMessages>().await.unwrap().messages.len()
}

fn reqwest() -> ::reqwest::Client {
    crate::desk::http()
}

/// Keeps Ben from the shop's customers.
async fn close_to_ben(desk: &TestDesk) {
    let edit = SiteEdit { members_only: Some(true), ..SiteEdit::default() };
    desk.desk.administer().put_site(Some(desk.site.id), edit).await.unwrap();
}

#[tokio::test]
async fn od_49_who_is_no_member_of_a_site_sees_nothing_of_it_in_any_way() {
    let desk = TestDesk::start().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "A secret teapot")).await.unwrap();
    close_to_ben(&desk).await;
    let mut ann = desk.agent(&desk.ann, None).await;
    ann.welcome().await;
    let seen = ann.snapshot().await;
    let conversation = seen.iter().find(|row| row.entity == EntityKind::Conversation).unwrap().id;
    // The snapshot of Ben has people and texts, and nothing of the shop.
    let mut ben = desk.agent(&desk.ben, None).await;
    ben.welcome().await;
    let rows = ben.snapshot().await;
    let kinds: std::collections::BTreeSet<EntityKind> = rows.iter().map(|row| row.entity).collect();
    assert_eq!(kinds, [EntityKind::Agent, EntityKind::CannedText].into());
    // Neither history nor search nor a command leads there.
    let page = ben.history(ConversationId(conversation), 10, 10).await;
    assert!(page.messages.is_empty() && page.to == 0);
    assert_eq!((search(&desk, &desk.ann, "secret").await, search(&desk, &desk.ben, "secret").await), (1, 0));
    let refused = ben.command(&reply(Some(ConversationId(conversation)), "Hello?")).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotFound);
    // A delta moves his cursor over what he may not see; presence and typing do not reach him either.
    vic.command(&reply(None, "More of it")).await.unwrap();
    ann.message("More of it").await;
    let head = ann.command(&reply(Some(ConversationId(conversation)), "Yes")).await.unwrap().seq;
    let done = ben.command(&command(Command::Start { visitor: VisitorId(1) })).await.unwrap_err();
    assert_eq!(done.code, ErrorCode::NotFound);
    drop(ben);
    let cursor = Cursor { epoch: desk_epoch(&desk).await, seq: Seq(1) };
    let mut ben = desk.agent(&desk.ben, Some(cursor)).await;
    ben.welcome().await;
    while ben.cursor.as_ref().unwrap().seq < head {
        let Some(ServerFrame::Delta(delta)) = ben.next().await else { continue };
        assert!(delta.changes.iter().all(|change| !matches!(
            change.entity,
            EntityKind::Message
                | EntityKind::Conversation
                | EntityKind::Contact
                | EntityKind::Visitor
                | EntityKind::ReadMark
        )));
    }
}

async fn desk_epoch(desk: &TestDesk) -> String {
    let mut ann = desk.agent(&desk.ann, None).await;
    ann.welcome().await.epoch
}

#[tokio::test]
async fn od_49_a_right_that_is_lost_is_forgotten_live_and_one_that_is_won_is_shown_live() {
    let desk = TestDesk::start().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "A secret teapot")).await.unwrap();
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    close_to_ben(&desk).await;
    let forgotten = loop {
        let delta = ben.delta().await;
        if let Some(change) = delta.changes.into_iter().find(|change| change.kind == ChangeKind::Forget) {
            break change;
        }
    };
    assert_eq!((forgotten.entity, forgotten.id), (EntityKind::Site, desk.site.id.0));
    vic.command(&reply(None, "Not for Ben")).await.unwrap();
    // A team lets him in again: a snapshot with everything follows on the same connection.
    let administration = desk.desk.administer();
    let edit = TeamEdit { name: Some("Tea".into()), members: Some(vec![desk.ben.agent.id]), ..TeamEdit::default() };
    let team = administration.put_team(None, edit).await.unwrap();
    let edit = SiteEdit { teams: Some(vec![team.id]), ..SiteEdit::default() };
    administration.put_site(Some(desk.site.id), edit).await.unwrap();
    assert_eq!(ben.reset().await, ResetReason::Rights);
    let rows = ben.snapshot().await;
    let texts: Vec<String> = rows
        .iter()
        .filter(|row| row.entity == EntityKind::Message)
        .map(|row| field(row, "text").as_str().unwrap().to_owned())
        .collect();
    assert_eq!(texts, ["A secret teapot", "Not for Ben"]);
    vic.command(&reply(None, "Now for Ben too")).await.unwrap();
    ben.message("Now for Ben too").await;
    // Whoever was away for all of it is told the same.
    let edit = TeamEdit { members: Some(Vec::new()), ..TeamEdit::default() };
    administration.put_team(Some(team.id), edit).await.unwrap();
    let mut away = desk.agent(&desk.ben, Some(Cursor { epoch: desk_epoch(&desk).await, seq: Seq(1) })).await;
    away.welcome().await;
    let delta = away.delta().await;
    assert!(delta.changes.iter().any(|change| change.kind == ChangeKind::Forget));
}

#[tokio::test]
async fn od_03_without_the_flag_nothing_of_customers_is_seen_not_even_by_the_owner() {
    let desk = TestDesk::start().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello")).await.unwrap();
    let edit = AgentEdit { customer_facing: Some(false), ..AgentEdit::default() };
    desk.desk.administer().edit_agent(desk.ann.agent.id, edit).await.unwrap();
    let mut ann = desk.agent(&desk.ann, None).await;
    ann.welcome().await;
    let rows = ann.snapshot().await;
    assert!(rows.iter().all(|row| matches!(row.entity, EntityKind::Agent | EntityKind::CannedText)), "{rows:?}");
    assert_eq!(search(&desk, &desk.ann, "hello").await, 0);
}

#[tokio::test]
async fn tv_04_a_conversation_is_given_to_a_team_and_only_to_who_sees_it() {
    let desk = TestDesk::start().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello")).await.unwrap();
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let started = ann.command(&command(Command::Start { visitor: vic_of(&desk).await })).await.unwrap();
    let conversation = ConversationId(started.id.unwrap());
    let administration = desk.desk.administer();
    let edit = TeamEdit { name: Some("Tea".into()), members: Some(vec![desk.ben.agent.id]), ..TeamEdit::default() };
    let team = administration.put_team(None, edit).await.unwrap().id;
    let assign = |agent, team| command(Command::Assign { conversation, agent, team, from: None });
    let done = ann.command(&assign(None, Some(team))).await.unwrap();
    // The sender's place is known; a second transfer on top of it that knows only an older one is refused.
    let late = CommandFrame { if_rev: Some(Seq(done.seq.0 - 2)), ..assign(Some(desk.ann.agent.id), None) };
    assert_eq!(ann.command(&late).await.unwrap_err().code, ErrorCode::Conflict);
    close_to_ben(&desk).await;
    for refused in [assign(Some(desk.ben.agent.id), None), assign(None, Some(TeamId(1)))] {
        assert_eq!(ann.command(&refused).await.unwrap_err().code, ErrorCode::Invalid);
    }
    ann.command(&assign(Some(desk.ann.agent.id), None)).await.unwrap();
    assert_eq!(ann.command(&assign(None, Some(team))).await.unwrap_err().code, ErrorCode::Invalid);
}

async fn vic_of(desk: &TestDesk) -> VisitorId {
    let mut ann = desk.agent(&desk.ann, None).await;
    ann.welcome().await;
    let rows = ann.snapshot().await;
    VisitorId(rows.iter().find(|row| row.entity == EntityKind::Visitor).unwrap().id)
}

#[tokio::test]
async fn dk_25_people_are_administered_over_http_and_every_change_is_written_down() {
    let desk = TestDesk::start().await;
    let ask = |method: &str, path: String, who: &http::SignedIn, body: serde_json::Value| {
        let method = ::reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = reqwest().request(method, desk.url(&path)).bearer_auth(&who.access_token);
        let request = if body.is_null() { request } else { request.json(&body) };
        async move {
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            (status, response.json::<serde_json::Value>().await.unwrap())
        }
    };
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let (status, cleo) = ask(
        "POST",
        "/v1/agents".into(),
        &desk.ann,
        json(r#"{"name":"Cleo","email":"cleo@desk.example","password":"a long enough one","role":"light"}"#),
    )
    .await;
    assert_eq!((status, cleo["role"].as_str()), (201, Some("light")));
    // Ben is no admin: the address does not exist for him.
    let (status, _) = ask("POST", "/v1/agents".into(), &desk.ben, json("{}")).await;
    assert_eq!(status, 404);
    let (status, _) = ask("GET", "/v1/audit".into(), &desk.ben, serde_json::Value::Null).await;
    assert_eq!(status, 404);
    // The last owner stays one, and a rule names its field.
    let ann = format!("/v1/agents/{}", desk.ann.agent.id);
    for (body, field) in
        [(r#"{"role":"agent"}"#, "role"), (r#"{"active":false}"#, "active"), (r#"{"email":"x"}"#, "email")]
    {
        let (status, refusal) = ask("PATCH", ann.clone(), &desk.ann, json(body)).await;
        assert_eq!((status, refusal["field"].as_str()), (400, Some(field)));
    }
    let (status, _) = ask("PATCH", ann, &desk.ann, json(r#"{"colour":"red"}"#)).await;
    assert_eq!(status, 400, "an unknown field is no silent success");
    // Who is put out of service is signed out, and stays in the list.
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let path = format!("/v1/agents/{}", desk.ben.agent.id);
    let (status, _) = ask("PATCH", path, &desk.ann, json(r#"{"active":false}"#)).await;
    assert_eq!((status, ben.bye().await), (200, ByeCode::Revoked));
    let (_, agents) = ask("GET", "/v1/agents".into(), &desk.ann, serde_json::Value::Null).await;
    assert_eq!(agents.as_array().unwrap().len(), 3);
    let (_, page) = ask("GET", "/v1/audit?limit=2".into(), &desk.ann, serde_json::Value::Null).await;
    let page: AuditPage = serde_json::from_value(page).unwrap();
    let told: Vec<_> = page.entries.iter().map(|entry| (entry.actor_name.as_str(), entry.detail.as_str())).collect();
    assert_eq!(told, [("Ann", "active: true -> false"), ("Ann", "cleo@desk.example Light")]);
    assert_eq!(page.entries[0].address, "127.0.0.1");
    let database = desk.database();
    assert!(database.execute("DELETE FROM audit", []).is_err(), "it is only ever added to");
}

#[tokio::test]
async fn dc_01_a_person_is_handed_out_and_erased_over_http_and_it_is_written_down() {
    let desk = TestDesk::start().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "A secret teapot")).await.unwrap();
    let mut ann = desk.agent(&desk.ann, None).await;
    ann.welcome().await;
    let rows = ann.snapshot().await;
    let contact = ContactId(rows.iter().find(|row| row.entity == EntityKind::Contact).unwrap().id);
    let edit = Command::EditContact {
        contact,
        name: "Vic".to_owned(),
        email: "vic@home.example".to_owned(),
        phone: String::new(),
        notes: "Likes teapots".to_owned(),
    };
    ann.command(&command(edit)).await.unwrap();
    let ask = |method: ::reqwest::Method, query: &str, who: &http::SignedIn| {
        let request = reqwest().request(method, desk.url(&format!("/v1/person?{query}")));
        let request = request.bearer_auth(&who.access_token);
        async move {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.json::<serde_json::Value>().await.unwrap())
        }
    };
    use ::reqwest::Method;
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(ask(method.clone(), &format!("contact={contact}"), &desk.ben).await.0, 404, "Ben is no admin");
        for (query, field) in [("", "query"), ("contact=1&visitor=1", "query"), ("contact=x", "contact")] {
            let (status, refusal) = ask(method.clone(), query, &desk.ann).await;
            assert_eq!((status, refusal["field"].as_str()), (400, Some(field)), "{query}: {refusal}");
        }
        assert_eq!(ask(method, "email=wen@home.example", &desk.ann).await.0, 404);
    }

    let (status, known) = ask(Method::GET, "email=VIC@home.example", &desk.ann).await;
    assert_eq!(status, 200);
    assert_eq!(known["contact"]["notes"], "Likes teapots");
    assert_eq!(known["conversations"][0]["messages"][0]["text"], "A secret teapot");
    let (status, erased) = ask(Method::DELETE, &format!("contact={contact}"), &desk.ann).await;
    assert_eq!((status, &erased["messages"], &erased["visitors"]), (200, &1.into(), &1.into()));
    assert_eq!(ask(Method::GET, "email=vic@home.example", &desk.ann).await.0, 404);
    assert_eq!(search(&desk, &desk.ann, "teapot").await, 0);

    let entries = desk.desk.administer().audit(None, 10).await.unwrap();
    let told: Vec<_> = entries.iter().take(2).map(|entry| (&*entry.actor_name, &*entry.action, entry.object)).collect();
    assert_eq!(told, [("Ann", "erase", Some(contact.0)), ("Ann", "export", Some(contact.0))]);
    assert!(entries.iter().all(|entry| !entry.detail.contains("vic@")), "the log of changes brings nobody back");
}
