//! Requests beside the socket: finding a desk, signing in, files.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use deskbell_cache::FileRecord;
use deskbell_protocol::{
    AgentId, AttachmentId, ClientFrame, ClientId, Device, ErrorCode, FILE_BYTES_MAX, FoundMessages, PROTOCOL, Pull,
    Refresh, Refusal, Revoked, ServerInfo, SignIn, SignedIn, UPLOAD_OFFSET, Upload,
};
use reqwest::{Client, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::error::ClientError;
use crate::tokens::TokenStore;

/// Until somebody answers the call.
const CONNECT: Duration = Duration::from_secs(5);
/// Until everything is said.
const TOTAL: Duration = Duration::from_secs(60);
/// Until a request for frames, which may wait for news, has its answer.
const FRAMES: Duration = Duration::from_secs(40);
/// Largest answer with frames, in bytes: a desk has many visitors, and tells of all of them at once.
const FRAMES_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Until a piece of a file is there, and the file is looked into if it is the last one. What has come counts all the
/// same.
const PIECE: Duration = Duration::from_secs(30);
/// Largest answer that is not a file, in bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// The client of this program, made once: that reads all root certificates of the computer. It follows no redirect:
/// a token must go to the desk that was named and nowhere else.
pub(crate) fn http() -> Result<&'static Client, ClientError> {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    match CLIENT.get() {
        Some(client) => Ok(client),
        None => build().map(|client| CLIENT.get_or_init(|| client)),
    }
}

fn build() -> Result<Client, ClientError> {
    // Another part of the program may have chosen the cryptography already; either choice is fine.
    rustls::crypto::ring::default_provider().install_default().ok();
    Client::builder()
        .connect_timeout(CONNECT)
        .timeout(TOTAL)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| ClientError::Internal(error.to_string()))
}

/// Reads an answer up to a limit.
async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, ClientError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > most {
            return Err(ClientError::Refused(Refusal::new(ErrorCode::TooLarge, "The desk's answer is too large.")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn answer<T: DeserializeOwned>(response: Response) -> Result<T, ClientError> {
    let status = response.status();
    let bytes = body(response, ANSWER_BYTES_MAX).await?;
    if status.is_success() {
        return serde_json::from_slice(&bytes).map_err(|error| ClientError::NotADesk(error.to_string()));
    }
    Err(refusal(status, &bytes))
}

fn refusal(status: StatusCode, bytes: &[u8]) -> ClientError {
    match serde_json::from_slice::<Refusal>(bytes) {
        Ok(refusal) => refusal.into(),
        // Anybody on the way may ask for a password, such as a proxy; only the desk itself ends a session.
        Err(_) if status == StatusCode::UNAUTHORIZED || status.is_server_error() => {
            ClientError::Unreachable(format!("the answer is {status}"))
        }
        Err(_) => ClientError::NotADesk(format!("the answer is {status} and not a desk's")),
    }
}

/// Reads an address as people write it: without a scheme it is `https`, except on this computer.
fn read_address(text: &str) -> Result<Url, ClientError> {
    let text = text.trim();
    let unreadable = |reason: &str| ClientError::NotADesk(format!("{reason}: {text:?}"));
    let guess = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let mut url = Url::parse(&guess).map_err(|error| unreadable(&error.to_string()))?;
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(unreadable("the address names no computer")),
    };
    if !text.contains("://") && here {
        let plain = format!("http://{text}");
        url = Url::parse(&plain).map_err(|error| unreadable(&error.to_string()))?;
    }
    match url.scheme() {
        "https" => {}
        // A password must not cross a network in the open.
        "http" if here => {}
        "http" => return Err(unreadable("a desk on another computer needs https")),
        _ => return Err(unreadable("the address is not one of the web")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(unreadable("the address must not hold a name or password"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

pub(crate) fn join(address: &Url, path: &str) -> Result<Url, ClientError> {
    let mut base = address.clone();
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", base.path()));
    }
    base.join(path).map_err(|error| ClientError::NotADesk(error.to_string()))
}

/// Asks who answers at an address.
///
/// # Errors
/// `Unreachable`, `NotADesk` or `Version`.
pub async fn find_desk(address: &str) -> Result<(Url, ServerInfo), ClientError> {
    let address = read_address(address)?;
    let info: ServerInfo = answer(http()?.get(join(&address, "v1/info")?).send().await?).await?;
    if info.product != "deskbell" {
        return Err(ClientError::NotADesk(format!("the answer comes from {:?}", info.product)));
    }
    if info.protocol != PROTOCOL {
        return Err(ClientError::Version { server: info.protocol });
    }
    Ok((address, info))
}

/// Signs in.
///
/// # Errors
/// `WrongPassword`, `CodeRequired`, `CodeWrong`, `TooManyAttempts`, `Unreachable` and whatever else the desk says.
pub async fn sign_in(address: &Url, request: &SignIn) -> Result<SignedIn, ClientError> {
    post(http()?, join(address, "v1/session")?, request).await
}

/// Ends a session that is of no use here, so that the desk does not list it for months.
pub async fn give_back(address: &Url, signed_in: &SignedIn) {
    let ended = async {
        let url = join(address, "v1/session")?;
        Ok::<_, ClientError>(http()?.delete(url).bearer_auth(&signed_in.access_token).send().await?)
    };
    if let Err(error) = ended.await {
        tracing::warn!(%error, "the desk was not told of a session that is not used");
    }
}

pub(crate) async fn post<T: DeserializeOwned>(
    http: &Client,
    url: Url,
    request: &impl Serialize,
) -> Result<T, ClientError> {
    answer(http.post(url).json(request).send().await?).await
}

/// An answer with frames, not read yet.
#[derive(Debug, Deserialize)]
pub(crate) struct FrameAnswer {
    pub(crate) frames: Vec<Box<serde_json::value::RawValue>>,
    #[serde(default)]
    pub(crate) presence: Option<String>,
}

/// What became of bytes.
pub(crate) enum Pieces {
    /// They are there.
    Taken(Upload),
    /// They do not fit where the desk is.
    Elsewhere(Upload),
    /// The desk knows of no such upload any more.
    Forgotten,
}

/// Requests with the session's token, renewed when it has to be.
pub(crate) struct Authorised {
    address: Url,
    http: &'static Client,
    tokens: Arc<dyn TokenStore>,
    /// A refresh token is good for one use: two renewals at once would end the session.
    renewing: tokio::sync::Mutex<()>,
}

impl Authorised {
    pub(crate) fn new(address: Url, tokens: Arc<dyn TokenStore>) -> Result<Self, ClientError> {
        Ok(Self { address, http: http()?, tokens, renewing: tokio::sync::Mutex::default() })
    }

    pub(crate) fn address(&self) -> &Url {
        &self.address
    }

    /// The access token.
    pub(crate) fn token(&self) -> Option<String> {
        self.tokens.load().map(|session| session.access_token)
    }

    /// Replaces a token that the desk did not accept, unless somebody else has done so meanwhile.
    pub(crate) async fn renew(&self, spent: &str) -> Result<(), ClientError> {
        let _one_at_a_time = self.renewing.lock().await;
        let session = self.tokens.load().ok_or(ClientError::Expired)?;
        if session.access_token != spent {
            return Ok(());
        }
        let request = Refresh { refresh_token: session.refresh_token };
        let fresh: SignedIn = post(self.http, join(&self.address, "v1/session/refresh")?, &request).await?;
        self.tokens.save(&fresh).map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull => ClientError::DiskFull,
            _ => ClientError::Internal(error.to_string()),
        })
    }

    /// Sends a request, a second time with a fresh token if the first is not accepted.
    async fn send(&self, request: impl Fn(&Client) -> reqwest::RequestBuilder) -> Result<Response, ClientError> {
        for last in [false, true] {
            let token = self.token().ok_or(ClientError::Expired)?;
            let response = request(self.http).bearer_auth(&token).send().await?;
            if response.status() != StatusCode::UNAUTHORIZED || last {
                return Ok(response);
            }
            self.renew(&token).await?;
        }
        Err(ClientError::Expired)
    }

    /// Makes an upload, or finds it.
    pub(crate) async fn create_upload(&self, file: &FileRecord) -> Result<Upload, ClientError> {
        let url = join(&self.address, "v1/uploads")?;
        let size = file.size.to_string();
        let query = [
            ("client_id", file.id.as_str()),
            ("name", file.name.as_str()),
            ("size", size.as_str()),
            ("sha256", file.sha256.as_str()),
        ];
        answer(self.send(|http| http.post(url.clone()).timeout(PIECE).query(&query)).await?).await
    }

    /// Sends bytes of an upload, from the place where they belong.
    pub(crate) async fn append(&self, id: &ClientId, offset: i64, bytes: Vec<u8>) -> Result<Pieces, ClientError> {
        let url = join(&self.address, &format!("v1/uploads/{id}"))?;
        let response = self
            .send(|http| http.patch(url.clone()).timeout(PIECE).header(UPLOAD_OFFSET, offset).body(bytes.clone()))
            .await?;
        match answer(response).await {
            Ok(upload) => Ok(Pieces::Taken(upload)),
            Err(ClientError::Refused(refusal)) if refusal.code == ErrorCode::NotFound => Ok(Pieces::Forgotten),
            Err(ClientError::Refused(refusal)) if refusal.code == ErrorCode::Conflict => {
                let response = self.send(|http| http.get(url.clone()).timeout(PIECE)).await?;
                Ok(Pieces::Elsewhere(answer(response).await?))
            }
            Err(error) => Err(error),
        }
    }

    /// Gives an upload up. One that is not there is given up already.
    pub(crate) async fn cancel_upload(&self, id: &ClientId) -> Result<(), ClientError> {
        let url = join(&self.address, &format!("v1/uploads/{id}"))?;
        self.send(|http| http.delete(url.clone()).timeout(PIECE)).await.map(drop)
    }

    pub(crate) async fn download(&self, id: AttachmentId) -> Result<Vec<u8>, ClientError> {
        let url = join(&self.address, &format!("v1/files/{id}"))?;
        let response = self.send(|http| http.get(url.clone())).await?;
        let status = response.status();
        let bytes = body(response, FILE_BYTES_MAX).await?;
        if status.is_success() { Ok(bytes) } else { Err(refusal(status, &bytes)) }
    }

    pub(crate) async fn search(&self, query: &[(&str, String)]) -> Result<FoundMessages, ClientError> {
        let url = join(&self.address, "v1/search")?;
        answer(self.send(|http| http.get(url.clone()).query(query)).await?).await
    }

    /// Where an agent is signed in.
    pub(crate) async fn devices(&self, agent: AgentId) -> Result<Vec<Device>, ClientError> {
        let url = join(&self.address, &format!("v1/agents/{agent}/devices"))?;
        answer(self.send(|http| http.get(url.clone())).await?).await
    }

    /// Signs an agent out on one device, or on all but this one.
    pub(crate) async fn revoke(&self, agent: AgentId, device: Option<i64>) -> Result<Revoked, ClientError> {
        let which = device.map(|device| format!("/{device}")).unwrap_or_default();
        let url = join(&self.address, &format!("v1/agents/{agent}/devices{which}"))?;
        answer(self.send(|http| http.delete(url.clone())).await?).await
    }

    /// What a socket would bring.
    pub(crate) async fn pull(&self, pull: &Pull) -> Result<FrameAnswer, ClientError> {
        self.frames("v1/pull", pull).await
    }

    /// Sends frames as a socket would.
    pub(crate) async fn push(&self, frames: &[ClientFrame]) -> Result<FrameAnswer, ClientError> {
        #[derive(Serialize)]
        struct Push<'a> {
            frames: &'a [ClientFrame],
        }
        self.frames("v1/cmd", &Push { frames }).await
    }

    async fn frames(&self, path: &str, request: &impl Serialize) -> Result<FrameAnswer, ClientError> {
        let url = join(&self.address, path)?;
        let response = self.send(|http| http.post(url.clone()).timeout(FRAMES).json(request)).await?;
        let status = response.status();
        let bytes = body(response, FRAMES_BYTES_MAX).await?;
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|error| ClientError::NotADesk(error.to_string()));
        }
        Err(refusal(status, &bytes))
    }

    /// Ends the session, here in any case.
    pub(crate) async fn sign_out(&self) -> Result<(), ClientError> {
        let url = join(&self.address, "v1/session")?;
        let told = self.send(|http| http.delete(url.clone())).await;
        // A renewal under way would keep its fresh token after this one was forgotten.
        let _no_renewal = self.renewing.lock().await;
        self.tokens.clear();
        told.map(drop)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_address_is_read_as_people_write_it() {
        for (typed, read) in [
            ("desk.example.com", "https://desk.example.com/"),
            (" https://desk.example.com/ ", "https://desk.example.com/"),
            ("localhost:4790", "http://localhost:4790/"),
            ("127.0.0.1:4790", "http://127.0.0.1:4790/"),
            ("https://example.com/desk?x#y", "https://example.com/desk"),
        ] {
            assert_eq!(read_address(typed).unwrap().as_str(), read, "{typed:?}");
        }
        for typed in [
            "",
            "   ",
            "http://desk.example.com",
            "ftp://desk.example.com",
            "https://ann:secret@desk.example.com",
            "https://",
        ] {
            assert!(matches!(read_address(typed), Err(ClientError::NotADesk(_))), "{typed:?} must be refused");
        }
    }

    #[test]
    fn only_the_desk_itself_ends_a_session() {
        let portal = refusal(StatusCode::UNAUTHORIZED, b"<h1>Sign in to the network of this hotel</h1>");
        assert!(matches!(portal, ClientError::Unreachable(_)), "{portal:?}");
        let desk = serde_json::to_vec(&Refusal::new(ErrorCode::Expired, "The session is over.")).unwrap();
        assert!(matches!(refusal(StatusCode::UNAUTHORIZED, &desk), ClientError::Expired));
    }

    #[test]
    fn root_certificates_are_read_once() {
        assert!(std::ptr::eq(http().unwrap(), http().unwrap()));
    }

    #[test]
    fn a_desk_may_live_under_a_path() {
        let address = read_address("https://example.com/desk").unwrap();
        assert_eq!(join(&address, "v1/info").unwrap().as_str(), "https://example.com/desk/v1/info");
    }

    #[tokio::test]
    async fn an_address_where_nobody_answers_says_so() {
        // Port 9 of this computer: nothing listens there.
        let error = find_desk("127.0.0.1:9").await.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable(_)), "{error:?}");
    }
}
