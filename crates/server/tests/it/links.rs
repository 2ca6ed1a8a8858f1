//! Links that are handed on: invitations, and new passwords.

use deskbell_protocol::http::{
    AgentEdit, Invitation, Invited, LinkKind, LinkSeen, NewCannedText, PasswordLink, SignedIn, SiteEdit, TeamEdit,
};
use deskbell_protocol::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::crash::{make, run, serve};
use crate::desk::*;

const NEW_PASSWORD: &str = "a teapot of her own";

async fn ask(desk: &TestDesk, method: Method, path: &str, who: Option<&SignedIn>, body: Value) -> (u16, Value) {
    let request = http().request(method, desk.url(path)).json(&body);
    let request = match who {
        Some(who) => request.bearer_auth(&who.access_token),
        None => request,
    };
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

async fn invite(desk: &TestDesk, who: &SignedIn, body: Value) -> Invited {
    let (status, answer) = ask(desk, Method::POST, "/v1/invitations", Some(who), body).await;
    assert_eq!(status, 201, "{answer}");
    serde_json::from_value(answer).unwrap()
}

/// A link to a new password of Ben's.
async fn password_link(desk: &TestDesk, by: &SignedIn) -> PasswordLink {
    let path = format!("/v1/agents/{}/password-link", desk.ben.agent.id);
    let (status, answer) = ask(desk, Method::POST, &path, Some(by), Value::Null).await;
    assert_eq!(status, 201, "{answer}");
    serde_json::from_value(answer).unwrap()
}

fn token(link: &str) -> &str {
    link.strip_prefix("/link#").unwrap_or_else(|| panic!("no link: {link}"))
}

async fn look(desk: &TestDesk, link: &str) -> Result<LinkSeen, ErrorCode> {
    let (status, answer) = ask(desk, Method::POST, "/v1/links/look", None, json!({"token": token(link)})).await;
    if status == 200 { Ok(serde_json::from_value(answer).unwrap()) } else { Err(code(answer)) }
}

async fn open(desk: &TestDesk, link: &str, name: &str, password: &str) -> Result<(), Value> {
    let body = json!({"token": token(link), "name": name, "password": password});
    let (status, answer) = ask(desk, Method::POST, "/v1/links/use", None, body).await;
    if status == 204 { Ok(()) } else { Err(answer) }
}

fn code(refusal: Value) -> ErrorCode {
    serde_json::from_value::<Refusal>(refusal).unwrap().code
}

async fn sign_in(desk: &TestDesk, email: &str, password: &str) -> Result<SignedIn, ErrorCode> {
    let body = json!({"email": email, "password": password, "device": "phone"});
    let (status, answer) = ask(desk, Method::POST, "/v1/session", None, body).await;
    if status == 200 { Ok(serde_json::from_value(answer).unwrap()) } else { Err(code(answer)) }
}

/// Makes all links as old as they may get.
fn age(desk: &TestDesk) {
    let database = desk.database();
    database.execute_batch("UPDATE invitation SET expires_at = 1; UPDATE password_link SET expires_at = 1").unwrap();
}

async fn audited(desk: &TestDesk, count: usize) -> Vec<String> {
    let entries = desk.desk.administer().audit(None, 100).await.unwrap();
    entries
        .into_iter()
        .take(count)
        .map(|entry| format!("{}: {} {}", entry.actor_name, entry.action, entry.kind))
        .collect()
}

#[tokio::test]
async fn dk_01_cleo_is_invited_chooses_her_password_and_answers_where_she_was_meant_to() {
    let desk = TestDesk::start().await;
    let administration = desk.desk.administer();
    let edit = SiteEdit { members_only: Some(true), ..SiteEdit::default() };
    administration.put_site(Some(desk.site.id), edit).await.unwrap();
    let edit = TeamEdit { name: Some("Tea".into()), ..TeamEdit::default() };
    let team = administration.put_team(None, edit).await.unwrap();
    let body = json!({"email": "cleo@desk.example", "role": "agent", "teams": [team.id], "sites": [desk.site.id]});
    let Invited { invitation, link } = invite(&desk, &desk.ann, body).await;
    assert_eq!(invitation.expires_at - invitation.created_at, 7 * 24 * 60 * 60 * 1_000);
    assert_eq!(invitation.invited_by, Some(desk.ann.agent.id));
    let (_, listed) = ask(&desk, Method::GET, "/v1/invitations", Some(&desk.ann), Value::Null).await;
    assert!(!listed.to_string().contains(token(&link)), "the list gives no token away");
    assert_eq!(serde_json::from_value::<Vec<Invitation>>(listed).unwrap(), [invitation]);

    let seen = look(&desk, &link).await.unwrap();
    assert_eq!(
        (seen.kind, seen.desk.as_str(), seen.email.as_str()),
        (LinkKind::Invitation, "Tea desk", "cleo@desk.example")
    );
    // What is wrong with a field can be put right with the same link.
    for (name, password, field) in [("Cleo", "short", "password"), ("", NEW_PASSWORD, "name")] {
        assert_eq!(open(&desk, &link, name, password).await.unwrap_err()["field"], field);
    }
    open(&desk, &link, "Cleo", NEW_PASSWORD).await.unwrap();
    let cleo = sign_in(&desk, "CLEO@desk.example", NEW_PASSWORD).await.unwrap();
    assert_eq!((cleo.agent.name.as_str(), cleo.agent.role), ("Cleo", Role::Agent));
    let teams = administration.teams().await.unwrap();
    assert_eq!(teams[0].members, [cleo.agent.id]);
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Is the teapot in stock?")).await.unwrap();
    let mut screen = desk.agent(&cleo, None).await;
    screen.welcome().await;
    assert_eq!(texts(&screen.snapshot().await), ["Is the teapot in stock?"], "she is a member of the shop");

    // The link worked once, and the list is empty.
    assert_eq!(look(&desk, &link).await.unwrap_err(), ErrorCode::NotFound);
    assert_eq!(code(open(&desk, &link, "Eve", "another password").await.unwrap_err()), ErrorCode::NotFound);
    assert!(administration.invitations().await.unwrap().is_empty());
    let told = audited(&desk, 3).await;
    assert_eq!(told, ["Cleo: use invitation agent", "Ann: add agent", "Ann: add invitation"]);
}

#[tokio::test]
async fn dk_01_an_invitation_that_is_old_revoked_replaced_or_of_somebody_without_the_right_opens_nothing() {
    let desk = TestDesk::start().await;
    let cleo = || json!({"name": "Cleo", "email": "cleo@desk.example", "role": "agent"});
    let first = invite(&desk, &desk.ann, cleo()).await;
    let second = invite(&desk, &desk.ann, json!({"email": "CLEO@desk.example", "role": "agent"})).await;
    assert_eq!(look(&desk, &first.link).await.unwrap_err(), ErrorCode::NotFound, "the newer link is the one");
    look(&desk, &second.link).await.unwrap();
    let path = format!("/v1/invitations/{}", second.invitation.id);
    assert_eq!(ask(&desk, Method::DELETE, &path, Some(&desk.ann), Value::Null).await.0, 204);
    assert_eq!(ask(&desk, Method::DELETE, &path, Some(&desk.ann), Value::Null).await.0, 404);
    assert_eq!(look(&desk, &second.link).await.unwrap_err(), ErrorCode::NotFound);

    let old = invite(&desk, &desk.ann, cleo()).await;
    age(&desk);
    assert_eq!(look(&desk, &old.link).await.unwrap_err(), ErrorCode::NotFound);
    assert_eq!(code(open(&desk, &old.link, "Cleo", NEW_PASSWORD).await.unwrap_err()), ErrorCode::NotFound);
    assert!(desk.desk.administer().invitations().await.unwrap().is_empty());

    // Ben, an admin, makes no owners; and what he was allowed to give is worth nothing once he is no admin.
    let role = |role| AgentEdit { role: Some(role), ..AgentEdit::default() };
    let administration = desk.desk.administer();
    administration.edit_agent(desk.ben.agent.id, role(Role::Admin)).await.unwrap();
    let owner = json!({"email": "eve@desk.example", "role": "owner"});
    let (status, refusal) = ask(&desk, Method::POST, "/v1/invitations", Some(&desk.ben), owner).await;
    assert_eq!((status, &refusal["field"]), (400, &json!("role")));
    let by_ben = invite(&desk, &desk.ben, cleo()).await;
    administration.edit_agent(desk.ben.agent.id, role(Role::Agent)).await.unwrap();
    assert_eq!(code(open(&desk, &by_ben.link, "Cleo", NEW_PASSWORD).await.unwrap_err()), ErrorCode::NotFound);
    assert_eq!(administration.agents().await.unwrap().len(), 2);
    // Nobody is invited who is there.
    let ben = json!({"email": "ben@desk.example", "role": "agent"});
    let (status, refusal) = ask(&desk, Method::POST, "/v1/invitations", Some(&desk.ann), ben).await;
    assert_eq!((status, &refusal["field"]), (400, &json!("email")));
}

#[tokio::test]
async fn dk_01_ben_forgot_his_password_and_a_link_from_ann_gives_him_a_new_one_and_ends_every_session() {
    let desk = TestDesk::start().await;
    let mut screen = desk.agent(&desk.ben, None).await.synced().await;
    let older = password_link(&desk, &desk.ann).await;
    let PasswordLink { link, .. } = password_link(&desk, &desk.ann).await;
    assert_eq!(look(&desk, &older.link).await.unwrap_err(), ErrorCode::NotFound);
    let seen = look(&desk, &link).await.unwrap();
    assert_eq!((seen.kind, seen.name.as_str()), (LinkKind::NewPassword, "Ben"));
    for database in ["desk.db", "desk.db-wal"] {
        let bytes = std::fs::read(desk.data.path().join(database)).unwrap();
        assert!(!bytes.windows(43).any(|window| window == token(&link).as_bytes()), "{database} has the link");
    }
    open(&desk, &link, "", NEW_PASSWORD).await.unwrap();
    assert_eq!(screen.bye().await, ByeCode::Auth);
    assert_eq!(sign_in(&desk, "ben@desk.example", PASSWORD).await.unwrap_err(), ErrorCode::WrongPassword);
    sign_in(&desk, "ben@desk.example", NEW_PASSWORD).await.unwrap();
    assert_eq!(code(open(&desk, &link, "", PASSWORD).await.unwrap_err()), ErrorCode::NotFound, "it worked once");
    assert_eq!(audited(&desk, 2).await, ["Ben: use password link agent", "Ann: make password link agent"]);

    let old = password_link(&desk, &desk.ann).await;
    age(&desk);
    assert_eq!(code(open(&desk, &old.link, "", PASSWORD).await.unwrap_err()), ErrorCode::NotFound);
    let late = password_link(&desk, &desk.ann).await;
    let edit = AgentEdit { active: Some(false), ..AgentEdit::default() };
    desk.desk.administer().edit_agent(desk.ben.agent.id, edit).await.unwrap();
    assert_eq!(look(&desk, &late.link).await.unwrap_err(), ErrorCode::NotFound, "Ben has left");
}

#[tokio::test]
async fn dk_01_a_new_password_needs_the_old_one_and_ends_the_other_sessions() {
    let desk = TestDesk::start().await;
    let phone = sign_in(&desk, "ben@desk.example", PASSWORD).await.unwrap();
    let mut laptop = desk.agent(&desk.ben, None).await.synced().await;
    let link = password_link(&desk, &desk.ann).await.link;
    let change = |old: &str, new: &str| json!({"old": old, "new": new});
    for (body, status) in [(change("wrong", NEW_PASSWORD), 401), (change(PASSWORD, "short"), 400)] {
        assert_eq!(ask(&desk, Method::PUT, "/v1/password", Some(&phone), body).await.0, status);
    }
    let (status, _) = ask(&desk, Method::PUT, "/v1/password", Some(&phone), change(PASSWORD, NEW_PASSWORD)).await;
    assert_eq!(status, 204);
    assert_eq!(laptop.bye().await, ByeCode::Auth);
    desk.agent(&phone, None).await.welcome().await;
    sign_in(&desk, "ben@desk.example", NEW_PASSWORD).await.unwrap();
    assert_eq!(look(&desk, &link).await.unwrap_err(), ErrorCode::NotFound, "nor does an older link change it back");
    assert_eq!(audited(&desk, 1).await, ["Ben: change password agent"]);
}

#[tokio::test]
async fn dk_01_whoever_guesses_at_links_soon_has_to_wait_and_makes_no_password_be_hashed() {
    let desk = TestDesk::start_with(|settings| settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]).await;
    let link = password_link(&desk, &desk.ann).await.link;
    let from = |address: &'static str, token: String| {
        let body = json!({"token": token, "password": NEW_PASSWORD});
        let request = http().post(desk.url("/v1/links/use")).header("x-forwarded-for", address).json(&body);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    let mut answers = Vec::new();
    for guess in 0..110 {
        answers.push(from("203.0.113.9", format!("{guess:043}")).await);
    }
    assert_eq!(answers[..100], [404; 100]);
    assert_eq!(answers[100..], [429; 10]);
    assert_eq!(from("203.0.113.77", token(&link).to_owned()).await, 429, "the whole network waits, right or wrong");
    assert_eq!(from("198.51.100.1", token(&link).to_owned()).await, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_01_whoever_runs_the_desk_makes_links_on_the_command_line() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    make(&data);
    let data = data.to_str().unwrap();
    let (mut process, address) = serve(data);
    let (done, said, wrong) = run(&["agent", "invite", "--data", data, "--email", "cleo@desk.example"], "");
    assert!(done, "{wrong}");
    let link = said.split_whitespace().find(|word| word.contains("/link#")).unwrap();
    let token = link.split_once('#').unwrap().1;
    let use_link = |token: String, name: &'static str| {
        let body = json!({"token": token, "name": name, "password": NEW_PASSWORD});
        let request = http().post(format!("http://{address}/v1/links/use")).json(&body);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(use_link(token.to_owned(), "Cleo").await, 204);
    let (done, said, wrong) = run(&["agent", "password-link", "--data", data, "--email", "Cleo@desk.example"], "");
    assert!(done, "{wrong}");
    let token = said.split_whitespace().find_map(|word| word.split_once("/link#")).unwrap().1;
    assert_eq!(use_link(token.to_owned(), "").await, 204);
    process.kill().unwrap();
    process.wait().unwrap();
}

#[tokio::test]
async fn tv_05_who_is_invited_into_a_team_has_its_prepared_texts() {
    let desk = TestDesk::start().await;
    let administration = desk.desk.administer();
    let edit = TeamEdit { name: Some("Tea".into()), ..TeamEdit::default() };
    let team = administration.put_team(None, edit).await.unwrap().id;
    let text = NewCannedText {
        owner: TextOwner::Team { team },
        shortcut: "tea".to_owned(),
        title: "Tea".to_owned(),
        text: "With milk?".to_owned(),
        attachments: Vec::new(),
    };
    let text = administration.add_canned_text(text).await.unwrap();
    let body = json!({"name": "Cleo", "email": "cleo@desk.example", "role": "agent", "teams": [team]});
    let Invited { link, .. } = invite(&desk, &desk.ann, body).await;
    open(&desk, &link, "", NEW_PASSWORD).await.unwrap();
    let cleo = sign_in(&desk, "cleo@desk.example", NEW_PASSWORD).await.unwrap();
    let mut screen = desk.agent(&cleo, None).await;
    screen.welcome().await;
    let rows = screen.snapshot().await;
    assert!(rows.iter().any(|row| row.entity == EntityKind::CannedText && row.id == text.id.0), "{rows:?}");
}

#[tokio::test]
async fn dk_01_a_link_to_a_new_password_is_worth_nothing_once_its_maker_may_not_give_it_any_more() {
    let desk = TestDesk::start().await;
    let administration = desk.desk.administer();
    let mallory = administration.add_agent("Mallory", "mallory@desk.example", PASSWORD, Role::Admin).await.unwrap();
    let mallorys = administration.sign_in_locally(mallory.id, "A computer").await.unwrap();
    let edit = |agent: AgentId, edit: AgentEdit| administration.edit_agent(agent, edit);
    let role = |role| AgentEdit { role: Some(role), ..AgentEdit::default() };

    // Ben becomes an owner, whom no admin changes.
    let PasswordLink { link, .. } = password_link(&desk, &mallorys).await;
    edit(desk.ben.agent.id, role(Role::Owner)).await.unwrap();
    assert_eq!(look(&desk, &link).await.unwrap_err(), ErrorCode::NotFound);
    assert_eq!(code(open(&desk, &link, "", NEW_PASSWORD).await.unwrap_err()), ErrorCode::NotFound);
    edit(desk.ben.agent.id, role(Role::Agent)).await.unwrap();
    look(&desk, &link).await.unwrap();
    // Mallory becomes an agent like all others, and is put out of service.
    let out_of_service = AgentEdit { active: Some(false), ..AgentEdit::default() };
    for lost in [role(Role::Supervisor), AgentEdit { role: Some(Role::Admin), ..out_of_service }] {
        edit(mallory.id, lost).await.unwrap();
        assert_eq!(look(&desk, &link).await.unwrap_err(), ErrorCode::NotFound);
        assert_eq!(code(open(&desk, &link, "", NEW_PASSWORD).await.unwrap_err()), ErrorCode::NotFound);
    }
    sign_in(&desk, "ben@desk.example", PASSWORD).await.expect("his password is the one he had");
}
