//! Signing in at a desk's identity provider, in the system's browser (RFC 8252). The session comes to whoever has the
//! secret, which never leaves this program but to the desk.

use std::time::Duration;

use deskbell_protocol::http::{ProviderBegin, ProviderBegun, ProviderFinish, ProviderFinished};
use deskbell_protocol::{ErrorCode, SignedIn};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use url::Url;

use crate::error::ClientError;
use crate::http::{http, join, post};

/// Between two questions whether the person is through. The desk keeps each waiting for long itself.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest life of an attempt, whatever the desk says.
const LIFE_MAX: Duration = Duration::from_secs(60 * 60);

/// A sign-in that goes on in the browser.
#[derive(Debug)]
pub struct ProviderSignIn {
    /// What the browser opens: `https`, or this computer itself when the desk is on it.
    pub page: Url,
    /// Shown to the person, who finds the same one in the browser.
    pub code: String,
    desk: Url,
    request: String,
    secret: Secret,
    ends: Instant,
}

/// Proves that it is this program that began.
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The address for the browser, if it is one that a desk may send somebody to. A desk without TLS is on this computer:
/// its own provider may be there too, and no other desk reaches what listens here.
fn page(desk: &Url, named: &str) -> Option<Url> {
    let page = Url::parse(named).ok()?;
    let plain = page.scheme() == "http" && desk.scheme() == "http" && page.host() == desk.host();
    let bare = page.username().is_empty() && page.password().is_none();
    (bare && (page.scheme() == "https" || plain)).then_some(page)
}

impl ProviderSignIn {
    /// Asks a desk to begin.
    ///
    /// # Errors
    /// `ProviderFailed` when the provider cannot be asked or no browser should open the address; `Refused` when the
    /// desk has no provider; `TooManyAttempts`, `Unreachable`.
    pub async fn begin(desk: &Url, device: String, system: String) -> Result<Self, ClientError> {
        let secret = hexadecimal(&rand::random::<[u8; 32]>());
        let challenge = hexadecimal(&Sha256::digest(&secret));
        let begin = ProviderBegin { challenge, device, system };
        let begun = post(http()?, join(desk, "v1/provider/begin")?, &begin).await;
        let begun: ProviderBegun = begun.map_err(|error| match error {
            ClientError::Refused(refusal) if refusal.code == ErrorCode::Busy => {
                ClientError::ProviderFailed(refusal.message)
            }
            other => other,
        })?;
        let page = page(desk, &begun.address)
            .ok_or_else(|| ClientError::ProviderFailed("the desk named no address that a browser may open".into()))?;
        let ends = Instant::now() + Duration::from_secs(begun.expires_in_s).min(LIFE_MAX);
        Ok(Self { page, code: begun.code, desk: desk.clone(), request: begun.request, secret: Secret(secret), ends })
    }

    /// Waits until the person is through in the browser, also over a connection that comes and goes.
    ///
    /// # Errors
    /// `SignInEnded` when the person said no or took too long; `ProviderFailed` when the provider's word could not be
    /// verified; `Refused` with `no_agent` when the provider knows the person and the desk does not.
    pub async fn finish(&self) -> Result<SignedIn, ClientError> {
        let finish = ProviderFinish { request: self.request.clone(), secret: self.secret.0.clone() };
        let url = join(&self.desk, "v1/provider/finish")?;
        while Instant::now() < self.ends {
            match post::<ProviderFinished>(http()?, url.clone(), &finish).await {
                Ok(ProviderFinished { signed_in: Some(signed_in) }) => return Ok(*signed_in),
                // Nobody has spoken yet, or the question was lost: the attempt waits at the desk.
                Ok(ProviderFinished { signed_in: None }) | Err(ClientError::Unreachable(_)) => {}
                Err(ClientError::Refused(refusal)) => {
                    return Err(match refusal.code {
                        ErrorCode::NotFound => ClientError::SignInEnded,
                        ErrorCode::Invalid => ClientError::ProviderFailed(refusal.message),
                        _ => ClientError::Refused(refusal),
                    });
                }
                Err(other) => return Err(other),
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(ClientError::SignInEnded)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn dk_01_a_desk_sends_the_browser_to_the_web_and_to_nothing_else() {
        let (far, near) = (Url::parse("https://desk.example").unwrap(), Url::parse("http://127.0.0.1:4791").unwrap());
        for (desk, named, good) in [
            (&far, "https://login.example/authorize?state=1", true),
            (&far, "http://login.example/authorize", false),
            (&far, "http://127.0.0.1:8080/", false),
            (&far, "file:///etc/passwd", false),
            (&far, "javascript:alert(1)", false),
            (&far, "ms-settings:privacy", false),
            (&far, "https://login.example@elsewhere.example/", false),
            (&far, "/authorize", false),
            (&far, "", false),
            (&near, "http://127.0.0.1:8080/authorize", true),
            (&near, "http://login.example/authorize", false),
            (&near, "https://login.example/authorize", true),
        ] {
            assert_eq!(page(desk, named).is_some(), good, "{desk} names {named:?}");
        }
    }

    #[test]
    fn dk_01_a_log_of_the_attempt_has_no_secret() {
        let secret = hexadecimal(&[7; 32]);
        assert!(!format!("{:?}", Secret(secret.clone())).contains(&secret));
    }
}
