//! Signing in at a desk's identity provider: the person goes on in the system's browser, and the app waits for them.

use std::sync::Arc;

use deskbell_client::{ClientError, ProviderSignIn, find_desk, give_back};
use deskbell_protocol::{FIELD_MAX, SignedIn};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::accounts::system;
use crate::app::App;
use crate::commands::check_length;
use crate::events::lock;
use crate::types::{
    AccountId, AccountView, ApiError, ApiErrorCode, AskDesk, BeginAtProvider, DeskOffer, Nothing, ProviderCode,
};

/// A sign-in that goes on in the browser.
pub(crate) struct AtProvider {
    /// Whose session is to begin again; empty: a desk is added.
    account: Option<AccountId>,
    address: Url,
    sign_in: ProviderSignIn,
    given_up: CancellationToken,
}

impl App {
    /// What a desk offers to whoever signs in.
    ///
    /// # Errors
    /// `unreachable`, `not_a_desk`, `version`.
    pub async fn desk_offer(&self, request: AskDesk) -> Result<DeskOffer, ApiError> {
        check_length("address", &request.address, FIELD_MAX)?;
        let (_, info) = find_desk(&request.address).await?;
        Ok(DeskOffer { provider: info.provider })
    }

    /// Opens the desk's identity provider in the system's browser. What was begun before is given up.
    ///
    /// # Errors
    /// `provider_failed`; `not_found` when the desk has none; `too_many_accounts`; `conflict` when an account's session
    /// was to begin again at another desk; what is wrong with the address.
    pub async fn begin_at_provider(&self, request: BeginAtProvider) -> Result<ProviderCode, ApiError> {
        let BeginAtProvider { account, address } = request;
        check_length("address", &address, FIELD_MAX)?;
        let (address, _info) = find_desk(&address).await?;
        match account {
            Some(id) => self.same(id, |account| account.address == address.as_str())?,
            None => self.room_for_one(|_| false)?,
        }
        let sign_in = ProviderSignIn::begin(&address, self.host().device(), system()).await?;
        self.host().open_in_browser(&sign_in.page)?;
        let code = sign_in.code.clone();
        let begun = Arc::new(AtProvider { account, address, sign_in, given_up: self.inner.stop.child_token() });
        if let Some(before) = lock(&self.inner.at_provider).replace(begun) {
            before.given_up.cancel();
        }
        Ok(ProviderCode { code })
    }

    /// Waits until the person is through in the browser, and starts to sync.
    ///
    /// # Errors
    /// `sign_in_ended`, `provider_failed`, `no_agent`; `conflict` when an account's session was to begin again and
    /// somebody else signed in; `signed_in_already`, `too_many_accounts`, `disk_full`.
    pub async fn finish_at_provider(&self, _: Nothing) -> Result<Nothing, ApiError> {
        let ended = || ApiError::from(ClientError::SignInEnded);
        let begun = lock(&self.inner.at_provider).clone().ok_or_else(ended)?;
        let AtProvider { account, address, sign_in, given_up } = begun.as_ref();
        let signed_in = tokio::select! {
            signed_in = sign_in.finish() => signed_in,
            () = given_up.cancelled() => return Err(ended()),
        };
        lock(&self.inner.at_provider).take_if(|now| Arc::ptr_eq(now, &begun));
        self.take_in(*account, address, &signed_in?).await?;
        Ok(Nothing {})
    }

    /// Gives up what was begun in the browser: who waits for it is told `sign_in_ended`.
    ///
    /// # Errors
    /// Never.
    pub async fn cancel_at_provider(&self, _: Nothing) -> Result<Nothing, ApiError> {
        if let Some(begun) = lock(&self.inner.at_provider).take() {
            begun.given_up.cancel();
        }
        Ok(Nothing {})
    }

    /// Takes in whoever has signed in: as one account more, or as the one whose session begins again.
    pub(crate) async fn take_in(
        &self,
        again: Option<AccountId>,
        address: &Url,
        signed_in: &SignedIn,
    ) -> Result<(), ApiError> {
        let taken = self.take_in_as(again, address, signed_in).await;
        if let Err(error) = &taken {
            use ApiErrorCode::{Conflict, SignedInAlready, TooManyAccounts};
            if matches!(error.code, Conflict | SignedInAlready | TooManyAccounts) {
                // Whoever it is, their session is of no use here.
                give_back(address, signed_in).await;
            }
        }
        taken
    }

    async fn take_in_as(&self, again: Option<AccountId>, address: &Url, signed_in: &SignedIn) -> Result<(), ApiError> {
        let is_this =
            |account: &AccountView| account.address == address.as_str() && account.agent == signed_in.agent.id;
        if let Some(id) = again {
            let turn = self.turn(id)?;
            let _one_at_a_time = turn.lock().await;
            self.same(id, is_this)?;
            let adopted = self.adopt(id, address, signed_in, false).await;
            self.keep_fault(id, &adopted).await;
            return adopted;
        }
        let _one_at_a_time = self.inner.adding.lock().await;
        self.room_for_one(is_this)?;
        let id = self.files().new_account()?;
        self.adopt(id, address, signed_in, false).await
    }
}
