//! Ann signs in at her company's identity provider: a real desk, a real provider, and a browser that follows its nose.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod computer;

use computer::{Computer, ann_at, started};
use deskbell_api::App;
use deskbell_api::types::*;
use deskbell_testkit::provider::{Lie, Someone, TestProvider};
use deskbell_testkit::{ANN, BEN, TestDesk};
use tokio_util::task::TaskTracker;

const SHOP: AccountId = AccountId(1);
const ANN_THERE: Someone = Someone { subject: "a-1", email: ANN.email, name: ANN.name };
const BEN_THERE: Someone = Someone { subject: "b-1", email: BEN.email, name: BEN.name };
const CLEO_THERE: Someone = Someone { subject: "c-1", email: "cleo@desk.test", name: "Cleo" };

/// Presses the button, goes through the browser, and says there what the person says.
async fn sign_in(
    app: &App,
    computer: &Computer,
    desk: &TestDesk,
    account: Option<AccountId>,
    agreed: bool,
) -> Result<(), ApiErrorCode> {
    let begin = BeginAtProvider { account, address: desk.address() };
    let begun = app.begin_at_provider(begin).await.map_err(|error| error.code)?;
    let page = computer.opened.lock().unwrap().pop().unwrap();
    let waiting = {
        let app = app.clone();
        TaskTracker::new().spawn(async move { app.finish_at_provider(Nothing {}).await })
    };
    if let Some(asked) = TestProvider::browse(page.as_str()).await {
        assert_eq!(asked.code, begun.code, "the person finds in the browser what the app shows");
        asked.answer(agreed).await;
    }
    waiting.await.unwrap().map(drop).map_err(|error| error.code)
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_01_ann_presses_a_button_and_is_signed_in_by_her_companys_browser() {
    let provider = TestProvider::start(ANN_THERE).await;
    let desk = TestDesk::at_provider(&provider).await;
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(None));
    let (app, _) = started(directory.path(), &computer).await;
    let offer = app.desk_offer(AskDesk { address: desk.address() }).await.unwrap();
    assert_eq!(offer.provider.as_deref(), Some("Tea House"));

    assert_eq!(sign_in(&app, &computer, &desk, None, false).await, Err(ApiErrorCode::SignInEnded), "she said no");
    sign_in(&app, &computer, &desk, None, true).await.unwrap();
    let accounts = app.start(Nothing {}).await.unwrap().accounts;
    assert_eq!(accounts.iter().map(|one| (one.account.agent, one.open)).collect::<Vec<_>>(), [(desk.ann.id, true)]);
    assert_eq!(sign_in(&app, &computer, &desk, None, true).await, Err(ApiErrorCode::SignedInAlready));
    // Her own session begins again, and nobody else's in its place.
    sign_in(&app, &computer, &desk, Some(SHOP), true).await.unwrap();
    provider.seat(BEN_THERE);
    assert_eq!(sign_in(&app, &computer, &desk, Some(SHOP), true).await, Err(ApiErrorCode::Conflict));
    assert_eq!(app.start(Nothing {}).await.unwrap().accounts[0].account.agent, desk.ann.id);
    assert_eq!(desk.sign_out_everywhere(&desk.ben).await, 0, "a session of no use here was given back");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_01_whoever_is_not_signed_in_is_told_what_to_do_next() {
    let provider = TestProvider::start(CLEO_THERE).await;
    let desk = TestDesk::at_provider(&provider).await;
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(None));
    let (app, _) = started(directory.path(), &computer).await;
    assert_eq!(sign_in(&app, &computer, &desk, None, true).await, Err(ApiErrorCode::NoAgent));
    provider.seat(ANN_THERE);
    provider.lie(Some(Lie::Nonce));
    assert_eq!(sign_in(&app, &computer, &desk, None, true).await, Err(ApiErrorCode::ProviderFailed));

    // She gives up, which the one who waits is told; and whoever begins anew gives up what was before.
    let begin = || app.begin_at_provider(BeginAtProvider { account: None, address: desk.address() });
    for give_up in [true, false] {
        begin().await.unwrap();
        let waiting = {
            let app = app.clone();
            TaskTracker::new().spawn(async move { app.finish_at_provider(Nothing {}).await })
        };
        tokio::task::yield_now().await;
        if give_up {
            app.cancel_at_provider(Nothing {}).await.unwrap();
        } else {
            begin().await.unwrap();
            app.cancel_at_provider(Nothing {}).await.unwrap();
        }
        assert_eq!(waiting.await.unwrap().unwrap_err().code, ApiErrorCode::SignInEnded);
    }
    assert_eq!(app.finish_at_provider(Nothing {}).await.unwrap_err().code, ApiErrorCode::SignInEnded);

    let plain = TestDesk::start().await;
    assert_eq!(app.desk_offer(AskDesk { address: plain.address() }).await.unwrap().provider, None);
    assert_eq!(sign_in(&app, &computer, &plain, None, true).await, Err(ApiErrorCode::NotFound));
    app.connect_desk(ann_at(&plain, None)).await.unwrap();
    assert_eq!(sign_in(&app, &computer, &desk, Some(SHOP), true).await, Err(ApiErrorCode::Conflict), "another desk");
    app.stop().await;
}
