//! Files that come in pieces, over connections that break.

use std::net::SocketAddr;
use std::time::Duration;

use deskbell_protocol::http::{SignIn, SignedIn};
use deskbell_protocol::*;
use reqwest::{Method, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::crash::{make, serve};
use crate::desk::*;

/// Somebody's upload.
struct Sending {
    address: SocketAddr,
    authorization: String,
    id: ClientId,
    bytes: Vec<u8>,
}

/// A CSV of random digits: nothing in it hides a byte that is lost, doubled or in the wrong place.
fn list(size: usize) -> Vec<u8> {
    std::iter::repeat_with(|| b'0' + rand::random::<u8>() % 10).take(size).collect()
}

impl Sending {
    fn of(address: SocketAddr, authorization: String, bytes: Vec<u8>) -> Self {
        Self { address, authorization, id: ClientId::from_bits(rand::random()), bytes }
    }

    fn by_ann(desk: &TestDesk, bytes: Vec<u8>) -> Self {
        Self::of(desk.address, format!("Bearer {}", desk.ann.access_token), bytes)
    }

    fn ask(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        http()
            .request(method, format!("http://{}/v1/uploads{path}", self.address))
            .header("authorization", &self.authorization)
            .header("origin", format!("http://{}", self.address))
    }

    async fn create_as(&self, name: &str, size: usize, more: &[(&str, &str)]) -> Response {
        let query = [("client_id", self.id.as_str()), ("name", name), ("size", &size.to_string())];
        self.ask(Method::POST, "").query(&query).query(more).send().await.unwrap()
    }

    async fn create(&self) -> Upload {
        let response = self.create_as("list.csv", self.bytes.len(), &[]).await;
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    async fn state(&self) -> Option<Upload> {
        let response = self.ask(Method::GET, &format!("/{}", self.id)).send().await.unwrap();
        response.status().is_success().then_some(())?;
        Some(response.json().await.unwrap())
    }

    async fn append(&self, offset: usize, bytes: &[u8]) -> Response {
        let request = self.ask(Method::PATCH, &format!("/{}", self.id)).header(UPLOAD_OFFSET, offset);
        request.body(bytes.to_vec()).send().await.unwrap()
    }

    /// Begins to send all the rest, and stops after some bytes, with the connection open.
    async fn begin(&self, offset: usize, bytes: usize) -> TcpStream {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let (address, id, authorization) = (self.address, &self.id, &self.authorization);
        let head = format!(
            "PATCH /v1/uploads/{id} HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\n\
             authorization: {authorization}\r\n{UPLOAD_OFFSET}: {offset}\r\ncontent-length: {}\r\n\r\n",
            self.bytes.len() - offset
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(&self.bytes[offset..offset + bytes]).await.unwrap();
        socket
    }

    /// Sends the rest as a client does: from where the server says.
    async fn finish(&self) -> Attachment {
        for _ in 0..20 {
            let at = self.state().await.expect("the upload is known");
            if let Some(attachment) = at.attachment {
                return attachment;
            }
            let from = usize::try_from(at.offset).unwrap();
            self.append(from, &self.bytes[from..]).await;
        }
        panic!("the upload never ends");
    }

    async fn stored(&self, id: AttachmentId) -> Vec<u8> {
        let url = format!("http://{}/v1/files/{id}", self.address);
        let response = http().get(url).header("authorization", &self.authorization).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.bytes().await.unwrap().to_vec()
    }
}

fn offset(response: &Response) -> usize {
    response.headers()[UPLOAD_OFFSET].to_str().unwrap().parse().unwrap()
}

async fn refused(response: Response) -> (u16, ErrorCode) {
    (response.status().as_u16(), response.json::<Refusal>().await.unwrap().code)
}

#[tokio::test]
async fn od_35_a_file_whose_connection_breaks_at_any_byte_arrives_whole() {
    let desk = TestDesk::start().await;
    let (_vic, token) = desk.visitor().await;
    for authorization in [format!("Bearer {}", desk.ann.access_token), format!("Visitor {token}")] {
        let sending = Sending::of(desk.address, authorization, list(700_001));
        assert_eq!(sending.create().await, Upload { offset: 0, size: 700_001, attachment: None });
        let mut resumed = 0;
        for _ in 0..12 {
            let from = usize::try_from(sending.state().await.unwrap().offset).unwrap();
            resumed += usize::from(from > 0);
            let some = rand::random_range(0..(sending.bytes.len() - from).min(120_000));
            let mut socket = sending.begin(from, some).await;
            if rand::random() {
                // A goodbye in the middle; the others end without one.
                socket.shutdown().await.unwrap();
            }
        }
        assert!(resumed > 0, "every cut began from the first byte");
        let attachment = sending.finish().await;
        assert_eq!(attachment.size, 700_001);
        assert!(sending.stored(attachment.id).await == sending.bytes, "the bytes are others");
        // Who missed the answer asks again, in each of the ways.
        assert_eq!(sending.create().await.attachment.as_ref(), Some(&attachment));
        let late: Upload = sending.append(700_000, b"1").await.json().await.unwrap();
        assert_eq!(late.attachment.as_ref(), Some(&attachment));
    }
}

#[tokio::test]
async fn od_35_a_killed_server_goes_on_where_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    make(&data);
    let data = data.to_str().unwrap();
    let (mut process, address) = serve(data);
    let body = SignIn {
        email: "ann@desk.example".to_owned(),
        password: PASSWORD.to_owned(),
        code: None,
        device: "laptop".to_owned(),
        system: String::new(),
    };
    let signed_in: SignedIn =
        http().post(format!("http://{address}/v1/session")).json(&body).send().await.unwrap().json().await.unwrap();
    let mut sending = Sending::of(address, format!("Bearer {}", signed_in.access_token), list(300_000));
    sending.create().await;
    let mut from = 0;
    for _ in 0..3 {
        let answer = sending.append(from, &sending.bytes[from..from + 60_000]).await;
        from += 60_000;
        assert_eq!((answer.status().as_u16(), offset(&answer)), (200, from));
        // Killed in the middle of the next piece.
        let _unfinished = sending.begin(from, 10_000).await;
        process.kill().unwrap();
        process.wait().unwrap();
        (process, sending.address) = serve(data);
        let at = usize::try_from(sending.state().await.unwrap().offset).unwrap();
        assert!(at >= from, "bytes that were answered for are gone: {at} of {from}");
        assert!(at <= from + 10_000, "more than was sent: {at}");
        from = at;
    }
    let attachment = sending.finish().await;
    assert!(sending.stored(attachment.id).await == sending.bytes, "the bytes are others");
    process.kill().unwrap();
    process.wait().unwrap();
}

#[tokio::test]
async fn od_35_a_server_that_stops_keeps_what_has_come_and_waits_for_no_slow_sender() {
    let desk = TestDesk::start().await;
    let mut sending = Sending::by_ann(&desk, list(100_000));
    sending.create().await;
    let _open = sending.begin(0, 40_000).await;
    desk.stop.cancel();
    desk.server.await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    sending.address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let server = {
        let (desk, stop) = (desk.desk.clone(), stop.clone());
        TaskTracker::new().spawn(async move { desk.serve(listener, stop).await.unwrap() })
    };
    let attachment = sending.finish().await;
    assert!(sending.stored(attachment.id).await == sending.bytes, "the bytes are others");
    stop.cancel();
    server.await.unwrap();
}

#[tokio::test]
async fn od_35_of_two_senders_the_newer_goes_on_and_no_byte_is_written_twice() {
    let desk = TestDesk::start().await;
    let sending = Sending::by_ann(&desk, list(200_000));
    sending.create().await;
    // The first falls silent with its connection open, as behind a network that is gone.
    let mut silent = sending.begin(0, 50_000).await;
    loop {
        // The newer one is told how much of the older one's is here, and goes on from there.
        let answer = sending.append(0, &sending.bytes).await;
        if answer.status() == 200 {
            // It came before a byte of the other.
            break;
        }
        assert_eq!(answer.status(), 409);
        let here = offset(&answer);
        // Nothing is here when the silent one came last, and this one was let go before its first byte.
        assert!(here < sending.bytes.len(), "{here}");
        let answer = sending.append(here, &sending.bytes[here..]).await;
        if answer.status() == 200 {
            break;
        }
    }
    let mut said = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), silent.read_to_end(&mut said)).await.expect("it is let go").unwrap();
    let attachment = sending.finish().await;
    assert!(sending.stored(attachment.id).await == sending.bytes, "the bytes are others");

    // Many at once, all from the first byte: each byte is written once.
    let sending = Sending::by_ann(&desk, list(400_000));
    sending.create().await;
    let all = (0..6).map(|_| sending.append(0, &sending.bytes));
    futures_util::future::join_all(all).await;
    let attachment = sending.finish().await;
    assert!(sending.stored(attachment.id).await == sending.bytes, "the bytes are others");
}

#[tokio::test]
async fn od_35_an_offset_that_does_not_fit_is_answered_with_the_true_one() {
    let desk = TestDesk::start().await;
    let sending = Sending::by_ann(&desk, list(1_000));
    sending.create().await;
    assert_eq!(sending.append(0, &sending.bytes[..400]).await.status(), 200);
    for wrong in [0, 1, 399, 401, 999, 1_000, 5_000] {
        let answer = sending.append(wrong, b"1").await;
        assert_eq!((answer.status().as_u16(), offset(&answer)), (409, 400), "at {wrong}");
    }
    let head = sending.ask(Method::HEAD, &format!("/{}", sending.id)).send().await.unwrap();
    assert_eq!((head.status().as_u16(), offset(&head)), (200, 400));
    let nowhere = sending.ask(Method::PATCH, &format!("/{}", sending.id)).body("1").send().await.unwrap();
    assert_eq!(refused(nowhere).await, (400, ErrorCode::Invalid));
    // To anybody else it does not exist.
    let (_vic, token) = desk.visitor().await;
    for authorization in [format!("Bearer {}", desk.ben.access_token), format!("Visitor {token}")] {
        let other = Sending { authorization, id: sending.id.clone(), bytes: Vec::new(), ..sending };
        assert_eq!(other.state().await, None);
        assert_eq!(refused(other.append(400, b"1").await).await, (404, ErrorCode::NotFound));
        assert_eq!(other.ask(Method::DELETE, &format!("/{}", other.id)).send().await.unwrap().status(), 204);
    }
    assert_eq!(sending.state().await.unwrap().offset, 400);
}

#[tokio::test]
async fn od_35_nobody_sends_more_or_other_bytes_than_they_said() {
    let desk = TestDesk::start().await;
    let too_large = Sending::by_ann(&desk, Vec::new());
    let answer = too_large.create_as("list.csv", FILE_BYTES_MAX + 1, &[]).await;
    assert_eq!(refused(answer).await, (413, ErrorCode::TooLarge));

    let sending = Sending::by_ann(&desk, list(1_000));
    sending.create().await;
    assert_eq!(sending.append(0, &sending.bytes[..600]).await.status(), 200);
    assert_eq!(refused(sending.append(600, &[b'1'; 401]).await).await, (400, ErrorCode::Invalid));
    // The same without a length that would tell before.
    let stream = futures_util::stream::iter((0..5).map(|_| Ok::<_, std::io::Error>(vec![b'1'; 100])));
    let request = sending.ask(Method::PATCH, &format!("/{}", sending.id)).header(UPLOAD_OFFSET, 600);
    let answer = request.body(reqwest::Body::wrap_stream(stream)).send().await.unwrap();
    assert_eq!(refused(answer).await, (400, ErrorCode::Invalid));
    let at = sending.state().await.unwrap();
    assert!((600..=1_000).contains(&at.offset) && at.attachment.is_none(), "{at:?}");
    // One name is one file.
    let answer = sending.create_as("list.csv", 999, &[]).await;
    assert_eq!(refused(answer).await, (400, ErrorCode::Invalid));

    // A file that is not the one that was promised is forgotten, so that it can be sent again.
    let promised = Sending::by_ann(&desk, list(500));
    let digits = "ab".repeat(32);
    assert_eq!(promised.create_as("list.csv", 500, &[("sha256", &digits)]).await.status(), 200);
    assert_eq!(refused(promised.append(0, &promised.bytes).await).await, (400, ErrorCode::Invalid));
    assert_eq!(promised.state().await, None);
    assert_eq!(
        refused(promised.create_as("list.csv", 500, &[("sha256", "ab")]).await).await,
        (400, ErrorCode::Invalid)
    );
    let attachment = {
        promised.create().await;
        promised.finish().await
    };
    assert!(promised.stored(attachment.id).await == promised.bytes);

    // What a file is shows when it is whole; nothing of a refused one stays.
    let hostile = Sending::by_ann(&desk, b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec());
    hostile.create_as("tea.png", hostile.bytes.len(), &[]).await;
    assert_eq!(hostile.append(0, &hostile.bytes[..20]).await.status(), 200);
    let answer = hostile.append(20, &hostile.bytes[20..]).await;
    assert_eq!(refused(answer).await, (415, ErrorCode::UnsupportedType));
    assert_eq!(hostile.state().await, None);
}

#[tokio::test]
async fn od_35_what_is_promised_counts_for_the_day_and_what_is_given_up_does_not() {
    let desk = TestDesk::start_with(|settings| settings.visitor_upload_bytes_a_day = 1_000).await;
    let (_vic, token) = desk.visitor().await;
    let by_vic = |size| Sending::of(desk.address, format!("Visitor {token}"), list(size));
    let first = by_vic(1_000);
    first.create().await;
    let second = by_vic(10);
    let answer = second.create_as("list.csv", 10, &[]).await;
    assert_eq!(refused(answer).await, (429, ErrorCode::TooManyAttempts));
    assert_eq!(first.ask(Method::DELETE, &format!("/{}", first.id)).send().await.unwrap().status(), 204);
    assert_eq!(first.state().await, None);
    second.create().await;
    let attachment = second.finish().await;
    // Given up after all: the file goes with it, unless it was sent.
    assert_eq!(second.ask(Method::DELETE, &format!("/{}", second.id)).send().await.unwrap().status(), 204);
    let gone = http().get(desk.url(&format!("/v1/files/{}", attachment.id)));
    assert_eq!(gone.header("authorization", &second.authorization).send().await.unwrap().status(), 404);

    // Nobody begins files without end.
    let mut taken = 0;
    while Sending::by_ann(&desk, list(10)).create_as("list.csv", 10, &[]).await.status() == 200 {
        taken += 1;
        assert!(taken <= 100, "there is no bound");
    }
    assert_eq!(taken, 32);
}

#[tokio::test]
async fn od_35_a_visitor_who_holds_uploads_open_keeps_nobody_else_from_sending() {
    let desk = TestDesk::start().await;
    let (_vic, token) = desk.visitor().await;
    let (_wen, wens) = desk.visitor().await;
    let by = |token: &str| Sending::of(desk.address, format!("Visitor {token}"), list(1_000));
    // Vic begins as many as there are, and sends next to nothing of each.
    let all: Vec<Sending> = (0..32).map(|_| by(&token)).collect();
    for sending in &all {
        sending.create().await;
    }
    let mut held = Vec::new();
    for sending in &all {
        held.push(sending.begin(0, 1).await);
    }
    let mut refused = 0;
    for socket in &mut held {
        let answer = tokio::time::timeout(Duration::from_millis(100), socket.read(&mut [0; 16])).await;
        refused += usize::from(answer.is_ok_and(|read| read.unwrap() > 0));
    }
    for sending in [Sending::by_ann(&desk, list(1_000)), by(&wens)] {
        sending.create().await;
        assert_eq!(sending.append(0, &sending.bytes).await.status(), 200, "somebody else waits for Vic");
    }
    assert_eq!(held.len() - refused, 4, "of one visitor so many are received at once");
    // What was refused is taken as soon as there is room again.
    drop(held);
    for _ in 0..100 {
        let at = all[0].state().await.unwrap();
        if at.attachment.is_some() {
            return;
        }
        let from = usize::try_from(at.offset).unwrap();
        all[0].append(from, &all[0].bytes[from..]).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("Vic's places are never free again");
}

#[tokio::test]
async fn od_35_nobody_sends_empty_files_and_a_visitor_not_as_many_as_they_like() {
    let desk = TestDesk::start().await;
    let (_vic, token) = desk.visitor().await;
    let by_vic = || Sending::of(desk.address, format!("Visitor {token}"), list(1));
    for nothing in [by_vic(), Sending::by_ann(&desk, Vec::new())] {
        let answer = nothing.create_as("list.txt", 0, &[]).await;
        assert_eq!(answer.status(), 400);
        let refusal = answer.json::<Refusal>().await.unwrap();
        assert_eq!((refusal.code, refusal.field.as_deref()), (ErrorCode::Invalid, Some("size")), "{refusal}");
    }

    // Whole or given up at once: each counts.
    let first = by_vic();
    first.create().await;
    let mut begun = 1;
    let refusal = loop {
        let sending = by_vic();
        let answer = sending.create_as("list.csv", 1, &[]).await;
        if answer.status() != 200 {
            break answer.json::<Refusal>().await.unwrap();
        }
        assert_eq!(sending.ask(Method::DELETE, &format!("/{}", sending.id)).send().await.unwrap().status(), 204);
        begun += 1;
        assert!(begun <= 200, "there is no bound");
    };
    assert_eq!(begun, 100);
    assert_eq!(refusal.code, ErrorCode::TooManyAttempts);
    assert!(refusal.retry_after_ms.is_some_and(|wait| wait <= 60_000), "{refusal:?}");
    // What was begun goes on, also for whoever announces it once more, and others are not concerned.
    first.create().await;
    first.finish().await;
    let (_wen, token) = desk.visitor().await;
    Sending::of(desk.address, format!("Visitor {token}"), list(1)).create().await;
}
