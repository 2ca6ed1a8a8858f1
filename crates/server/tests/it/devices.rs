//! Where agents are signed in, and how that ends: by themselves, by a colleague, or by a token that was stolen.

use deskbell_protocol::http::{AgentEdit, Device, Refresh, Revoked, SignIn, SignedIn};
use deskbell_protocol::*;
use deskbell_server::Which;
use reqwest::Method;

use crate::desk::*;

async fn ask<T: serde::de::DeserializeOwned>(
    desk: &TestDesk,
    (method, path): (Method, String),
    who: &SignedIn,
) -> Result<T, (u16, Refusal)> {
    let response = http().request(method, desk.url(&path)).bearer_auth(&who.access_token).send().await.unwrap();
    let status = response.status();
    if status.is_success() {
        Ok(response.json().await.unwrap())
    } else {
        Err((status.as_u16(), response.json().await.unwrap()))
    }
}

fn of(who: &SignedIn) -> String {
    format!("/v1/agents/{}/devices", who.agent.id)
}

async fn devices(desk: &TestDesk, of_whom: &SignedIn, who: &SignedIn) -> Vec<Device> {
    ask(desk, (Method::GET, of(of_whom)), who).await.unwrap()
}

/// Ann signs in on one more computer.
async fn laptop(desk: &TestDesk) -> SignedIn {
    let (email, password) = ("ann@desk.example".to_owned(), PASSWORD.to_owned());
    let body = SignIn { email, password, code: None, device: "Ann's laptop".to_owned(), system: "Linux".to_owned() };
    http().post(desk.url("/v1/session")).json(&body).send().await.unwrap().json().await.unwrap()
}

async fn refresh(desk: &TestDesk, token: &str) -> Result<SignedIn, ErrorCode> {
    let body = Refresh { refresh_token: token.to_owned() };
    let response = http().post(desk.url("/v1/session/refresh")).json(&body).send().await.unwrap();
    if response.status().is_success() {
        return Ok(response.json().await.unwrap());
    }
    Err(response.json::<Refusal>().await.unwrap().code)
}

/// Ann only answers from now on, and Ben runs the desk.
async fn ben_in_charge(desk: &TestDesk) {
    let administration = desk.desk.administer();
    for (who, role) in [(&desk.ben, Role::Owner), (&desk.ann, Role::Agent)] {
        let edit = AgentEdit { role: Some(role), ..AgentEdit::default() };
        administration.edit_agent(who.agent.id, edit).await.unwrap();
    }
}

fn expire_everything(desk: &TestDesk) {
    let database = desk.database();
    database.execute("UPDATE token SET expires_at = 1", []).unwrap();
}

#[tokio::test]
async fn dk_01_ann_sees_where_she_is_signed_in_and_nobody_without_the_right_does() {
    let desk = TestDesk::start().await;
    let laptop = laptop(&desk).await;
    let connected = desk.agent(&laptop, None).await.synced().await;
    let found = devices(&desk, &desk.ann, &desk.ann).await;
    let told: Vec<_> =
        found.iter().map(|device| (device.name.as_str(), device.system.as_str(), device.online)).collect();
    assert_eq!(told, [("Ann's computer", "", false), ("Ann's laptop", "Linux", true)]);
    assert!(found[0].current && !found[1].current);
    assert!(found.iter().all(|device| device.region.local && device.last_seen_at >= device.signed_in_at));
    // Ben has no right to it, and may not end it either; an owner sees everybody's.
    for (method, path) in [
        (Method::GET, of(&desk.ann)),
        (Method::DELETE, of(&desk.ann)),
        (Method::DELETE, format!("{}/{}", of(&desk.ann), found[1].id)),
    ] {
        let (status, refusal) = ask::<Revoked>(&desk, (method, path), &desk.ben).await.unwrap_err();
        assert_eq!((status, refusal.code), (404, ErrorCode::NotFound));
    }
    assert_eq!(devices(&desk, &desk.ben, &desk.ann).await[0].name, "Ben's computer");
    // A device is named together with whose it is.
    let path = format!("{}/{}", of(&desk.ben), found[1].id);
    let (status, _) = ask::<Revoked>(&desk, (Method::DELETE, path), &desk.ben).await.unwrap_err();
    assert_eq!((status, devices(&desk, &desk.ann, &desk.ann).await.len()), (404, 2));
    drop(connected);
}

#[tokio::test]
async fn dk_01_ann_loses_her_laptop_and_ben_signs_it_out_at_once() {
    let desk = TestDesk::start().await;
    ben_in_charge(&desk).await;
    let laptop = laptop(&desk).await;
    let mut lost = desk.agent(&laptop, None).await.synced().await;
    let mut kept = desk.agent(&desk.ann, None).await.synced().await;
    let id = devices(&desk, &desk.ann, &desk.ben).await[1].id;
    let path = format!("{}/{id}", of(&desk.ann));
    let gone: Revoked = ask(&desk, (Method::DELETE, path.clone()), &desk.ben).await.unwrap();
    assert_eq!(gone.devices, [id]);
    assert_eq!(lost.bye().await, ByeCode::Revoked, "its socket closes and says why");
    let (status, refusal) = ask::<Vec<Device>>(&desk, (Method::GET, of(&desk.ann)), &laptop).await.unwrap_err();
    assert_eq!((status, refusal.code), (401, ErrorCode::Revoked));
    // Ann's other computer goes on, and the laptop is told the same after years.
    assert_eq!(devices(&desk, &desk.ann, &desk.ann).await.len(), 1);
    kept.send(&ClientFrame::Hb(ClientHeartbeat { time: 1 })).await;
    expire_everything(&desk);
    assert_eq!(refresh(&desk, &laptop.refresh_token).await.unwrap_err(), ErrorCode::Revoked);
    assert_eq!(refresh(&desk, &desk.ben.refresh_token).await.unwrap_err(), ErrorCode::Expired);
    let entry = &desk.desk.administer().audit(None, 1).await.unwrap()[0];
    let told = (entry.actor_name.as_str(), entry.action.as_str(), entry.object, entry.detail.as_str());
    assert_eq!(told, ("Ben", "revoke", Some(id), "ann@desk.example"));
}

#[tokio::test]
async fn dk_01_all_other_devices_end_and_the_one_that_asks_stays() {
    let desk = TestDesk::start().await;
    let (first, second) = (laptop(&desk).await, laptop(&desk).await);
    let mut first = desk.agent(&first, None).await.synced().await;
    let mut here = desk.agent(&second, None).await.synced().await;
    let gone: Revoked = ask(&desk, (Method::DELETE, of(&desk.ann)), &second).await.unwrap();
    assert_eq!((gone.devices.len(), first.bye().await), (2, ByeCode::Revoked));
    let left = devices(&desk, &desk.ann, &second).await;
    assert!(left.len() == 1 && left[0].current && left[0].online);
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello?")).await.unwrap();
    here.message("Hello?").await;
}

#[tokio::test]
async fn dk_01_an_admin_signs_no_owner_out() {
    let desk = TestDesk::start().await;
    let edit = AgentEdit { role: Some(Role::Admin), ..AgentEdit::default() };
    desk.desk.administer().edit_agent(desk.ben.agent.id, edit).await.unwrap();
    let (status, refusal) = ask::<Revoked>(&desk, (Method::DELETE, of(&desk.ann)), &desk.ben).await.unwrap_err();
    assert_eq!((status, refusal.code), (400, ErrorCode::Invalid));
    assert_eq!(devices(&desk, &desk.ann, &desk.ann).await.len(), 1);
}

#[tokio::test]
async fn dk_01_a_refreshed_token_whose_answer_was_lost_is_given_again_and_a_stolen_one_is_not() {
    let desk = TestDesk::start().await;
    let lost = refresh(&desk, &desk.ann.refresh_token).await.unwrap();
    // Nobody has used the new pair: the answer may never have arrived.
    let again = refresh(&desk, &desk.ann.refresh_token).await.unwrap();
    let mut ann = desk.agent(&again, None).await.synced().await;
    // But it has, at somebody who waited: two now hold tokens of one sign-in.
    assert_eq!(refresh(&desk, &lost.refresh_token).await.unwrap_err(), ErrorCode::Expired);
    assert_eq!(ann.bye().await, ByeCode::Auth, "a thief and the agent cannot be told apart: nothing is wiped");
    assert_eq!(refresh(&desk, &again.refresh_token).await.unwrap_err(), ErrorCode::Expired);
    assert!(devices(&desk, &desk.ben, &desk.ben).await.len() == 1, "Ben is not concerned");
}

#[tokio::test]
async fn dk_01_a_device_that_asks_over_http_is_told_at_once_too() {
    let desk = TestDesk::start().await;
    let laptop = laptop(&desk).await;
    let hello = Hello { protocol: PROTOCOL, app: "test".to_owned(), cursor: None, visitor: None };
    let pull = |pull: http::Pull| {
        let request = crate::desk::http().post(desk.url("/v1/pull")).bearer_auth(&laptop.access_token).json(&pull);
        async move { request.send().await.unwrap().json::<serde_json::Value>().await.unwrap() }
    };
    let greeted = pull(http::Pull { hello: Some(hello), ..http::Pull::default() }).await;
    let epoch = greeted["frames"][0]["epoch"].as_str().unwrap().to_owned();
    let head = Seq(greeted["frames"][0]["head"].as_i64().unwrap());
    let cursor = Some(Cursor { epoch, seq: head });
    let waiting = pull(http::Pull { cursor, wait_ms: 20_000, ..http::Pull::default() });
    let revoke = async {
        while !devices(&desk, &desk.ann, &desk.ann).await[1].online {
            tokio::task::yield_now().await;
        }
        ask::<Revoked>(&desk, (Method::DELETE, of(&desk.ann)), &desk.ann).await.unwrap()
    };
    let (answer, _) = tokio::join!(waiting, revoke);
    let said = answer.to_string();
    assert!(said.contains("revoked"), "{said}");
}

#[tokio::test]
async fn dk_01_a_lost_laptop_is_signed_out_although_whoever_did_it_lost_the_connection_before_the_answer() {
    let desk = TestDesk::start().await;
    let laptop = laptop(&desk).await;
    let mut lost = desk.agent(&laptop, None).await.synced().await;
    let id = devices(&desk, &desk.ann, &desk.ann).await[1].id;
    let administration = desk.desk.administer();
    hang_up_on(administration.revoke(desk.ann.agent.id, Which::Only(id))).await;
    assert_eq!(lost.bye().await, ByeCode::Revoked, "the laptop goes on reading");

    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let edit = AgentEdit { active: Some(false), ..AgentEdit::default() };
    hang_up_on(administration.edit_agent(desk.ben.agent.id, edit)).await;
    assert_eq!(ben.bye().await, ByeCode::Revoked, "whoever is out of service goes on reading");
}
