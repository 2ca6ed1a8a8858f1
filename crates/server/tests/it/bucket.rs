//! Files in a bucket, at a service that speaks S3 and checks who asks.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use deskbell_protocol::*;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::crash::{make, run, serve, sign_in};
use crate::desk::*;
use crate::files::files_under;
use crate::operations::{holds, shown, upload, vic};

const EXAMPLE: &str = include_str!("../../../../deploy/bucket.toml");

/// A service with one bucket, `teashop`. It ends when dropped.
struct Service {
    root: tempfile::TempDir,
    port: u16,
    running: JoinSet<()>,
}

impl Service {
    async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("teashop")).unwrap();
        let mut service = Self { root, port: 0, running: JoinSet::new() };
        service.come_back().await;
        service
    }

    async fn come_back(&mut self) {
        let mut builder = S3ServiceBuilder::new(FileSystem::new(self.root.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single("desk", "kettle and leaves"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        self.running.spawn(answer(listener, builder.build()));
    }

    async fn go_away(&mut self) {
        self.running.shutdown().await;
    }

    /// Takes every request from now on and answers none.
    async fn fall_silent(&mut self) {
        self.go_away().await;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await.unwrap();
        self.running.spawn(async move {
            let mut open = Vec::new();
            while let Ok((socket, _)) = listener.accept().await {
                open.push(socket);
            }
        });
    }

    /// Lets a data directory have its files here.
    fn keeps_files_of(&self, data: &Path, secret: &str) {
        let text = EXAMPLE
            .replace("deskbell-files", "teashop")
            .replace("https://s3.example.org", &format!("http://127.0.0.1:{}", self.port))
            .replace("write your own here", secret);
        std::fs::write(data.join("bucket.toml"), text).unwrap();
    }

    fn files(&self) -> Vec<PathBuf> {
        files_under(&self.root.path().join("teashop"))
    }
}

async fn answer(listener: TcpListener, service: S3Service) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let service = service.clone();
        connections.spawn(async move {
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
        });
    }
}

async fn fetch(address: std::net::SocketAddr, token: &str, file: AttachmentId) -> reqwest::Response {
    let request = http().get(format!("http://{address}/v1/files/{file}"));
    request.header("authorization", format!("Bearer {token}")).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_06_files_of_a_desk_lie_in_a_bucket_and_every_command_finds_them_there() {
    let service = Service::start().await;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    let key = make(&data);
    service.keeps_files_of(&data, "kettle and leaves");
    let (mut process, address) = serve(shown(&data));
    let ann = sign_in(address).await;
    let authorization = format!("Bearer {}", ann.access_token);

    // Vic asks, and Ann answers with a leaflet.
    let mut client = Client::agent(address, &ann.access_token, None).await.synced().await;
    let (mut guest, _) = vic(address, &key, None, None).await;
    guest.snapshot().await;
    guest.command(&reply(None, "Have you a list?")).await.unwrap();
    let (question, _) = client.message("Have you a list?").await;
    let leaflet = upload(address, &authorization, "leaflet.txt", "All our teapots").await;
    let with_file = command(Command::Send {
        conversation: Some(question.conversation),
        kind: MessageKind::Reply,
        text: "Here is a leaflet".to_owned(),
        attachments: vec![leaflet.id],
        mentions: Vec::new(),
        article: None,
        choice: None,
    });
    client.command(&with_file).await.unwrap();

    assert_eq!(service.files().len(), 1, "the bucket has the leaflet");
    assert_eq!(files_under(&data.join("files")), Vec::<PathBuf>::new(), "the disk has nothing of it");
    let response = fetch(address, &ann.access_token, leaflet.id).await.error_for_status().unwrap();
    assert_eq!(response.content_length(), Some(15));
    assert_eq!(response.text().await.unwrap(), "All our teapots");

    // A file that was given up goes from the bucket too, whenever that has time.
    let id = ClientId::from_bits(rand::random());
    let uploads = format!("http://{address}/v1/uploads");
    let query = [("client_id", id.as_str()), ("name", "list.csv"), ("size", "3")];
    let sent = http().post(&uploads).query(&query).body("1,2").header("authorization", &authorization);
    sent.send().await.unwrap().error_for_status().unwrap();
    assert_eq!(service.files().len(), 2);
    let given_up = http().delete(format!("{uploads}/{}", id.as_str())).header("authorization", &authorization);
    given_up.send().await.unwrap().error_for_status().unwrap();
    while service.files().len() > 1 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    // A backup has it, and brings it to another desk's disk.
    let backup = directory.path().join("monday.backup");
    let (done, said, wrong) = run(&["backup", "--data", shown(&data), shown(&backup)], "");
    assert!(done && said.contains("with 1 files"), "{said}{wrong}");
    let other = directory.path().join("other");
    let (done, said, wrong) = run(&["restore", "--data", shown(&other), shown(&backup)], "");
    assert!(done && said.contains("with 1 files"), "{said}{wrong}");
    assert_eq!(files_under(&other.join("files")).len(), 1);

    // Vic's data are handed out with the file, and erased with it.
    let mut again = Client::agent(address, &ann.access_token, None).await;
    again.welcome().await;
    let rows = again.snapshot().await;
    let visitor = rows.iter().filter_map(decode).find_map(|row| match row {
        Entity::Conversation(found) if found.id == question.conversation => Some(found.visitor),
        _ => None,
    });
    let visitor = visitor.unwrap().to_string();
    let handed_out = directory.path().join("vic");
    let (done, said, wrong) =
        run(&["export", "--data", shown(&data), "--visitor", &visitor, "--to", shown(&handed_out)], "");
    assert!(done && said.contains("1 files"), "{said}{wrong}");
    let (done, said, wrong) = run(&["erase", "--data", shown(&data), "--visitor", &visitor], "");
    assert!(done && said.contains("1 files"), "{said}{wrong}");
    assert_eq!(service.files(), Vec::<PathBuf>::new());
    process.kill().unwrap();
    process.wait().unwrap();

    // Over the same desk the backup brings nothing of Vic back; to an empty directory it brings the file to the bucket.
    let (done, said, wrong) = run(&["restore", "--data", shown(&data), shown(&backup), "--force"], "");
    assert!(done && said.contains("with 0 files"), "{said}{wrong}");
    assert_eq!(service.files(), Vec::<PathBuf>::new());
    let third = directory.path().join("third");
    std::fs::create_dir(&third).unwrap();
    service.keeps_files_of(&third, "kettle and leaves");
    let (done, said, wrong) = run(&["restore", "--data", shown(&third), shown(&backup)], "");
    assert!(done && said.contains("with 1 files"), "{said}{wrong}");
    assert_eq!(service.files().len(), 1);
    let (done, said, wrong) = run(&["doctor", "--data", shown(&third)], "");
    assert!(done && said.contains("sound"), "{said}{wrong}");
    std::fs::remove_file(&service.files()[0]).unwrap();
    let (done, said, _) = run(&["doctor", "--data", shown(&third)], "");
    assert!(!done && said.contains("s3://teashop/desk/"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_06_a_file_that_came_while_the_bucket_was_away_arrives_when_it_is_back() {
    let mut service = Service::start().await;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    make(&data);
    service.keeps_files_of(&data, "kettle and leaves");
    let (mut process, address) = serve(shown(&data));
    let ann = sign_in(address).await;
    let authorization = format!("Bearer {}", ann.access_token);
    service.go_away().await;

    let id = ClientId::from_bits(rand::random());
    let uploads = format!("http://{address}/v1/uploads");
    let query = [("client_id", id.as_str()), ("name", "list.csv"), ("size", "3")];
    let send = || http().post(&uploads).query(&query).body("1,2").header("authorization", &authorization).send();
    let refused = send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.json::<Refusal>().await.unwrap().code, ErrorCode::Busy);

    // What is never taken is refused all the same: nobody tries it again until the bucket is back.
    let name = client_id();
    let query = [("client_id", name.as_str()), ("name", "tea.svg"), ("size", "6")];
    let drawing = http().post(&uploads).query(&query).body("<svg/>").header("authorization", &authorization);
    let refused = drawing.send().await.unwrap().json::<Refusal>().await.unwrap();
    assert_eq!(refused.code, ErrorCode::UnsupportedType);

    service.come_back().await;
    let upload = send().await.unwrap().error_for_status().unwrap().json::<Upload>().await.unwrap();
    let file = upload.attachment.unwrap();
    assert_eq!(fetch(address, &ann.access_token, file.id).await.text().await.unwrap(), "1,2");
    process.kill().unwrap();
    process.wait().unwrap();

    // Whoever is not known at the bucket is told so.
    service.keeps_files_of(&data, "a wrong secret");
    let (done, _, said) = run(&["backup", "--data", shown(&data), shown(&directory.path().join("backup"))], "");
    assert!(!done && said.contains("s3://teashop/desk/"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_06_nobody_waits_for_files_that_a_silent_bucket_does_not_remove_and_no_erased_word_does() {
    let mut service = Service::start().await;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    let key = make(&data);
    service.keeps_files_of(&data, "kettle and leaves");
    let (mut process, address) = serve(shown(&data));
    let ann = sign_in(address).await;
    let authorization = format!("Bearer {}", ann.access_token);
    let mut client = Client::agent(address, &ann.access_token, None).await.synced().await;
    let (mut guest, welcome) = vic(address, &key, None, None).await;
    guest.snapshot().await;
    let token = welcome.visitor.unwrap().token.unwrap();
    let map = upload(address, &format!("Visitor {token}"), "map.txt", "a map").await;
    let send = command(Command::Send {
        conversation: None,
        kind: MessageKind::Reply,
        text: "To zanzibar please".to_owned(),
        attachments: vec![map.id],
        mentions: Vec::new(),
        article: None,
        choice: None,
    });
    guest.command(&send).await.unwrap();
    let (head, _) = client.conversation(|_| true).await;
    let id = client_id();
    let uploads = format!("http://{address}/v1/uploads");
    let query = [("client_id", id.as_str()), ("name", "list.csv"), ("size", "3")];
    let sent = http().post(&uploads).query(&query).body("1,2").header("authorization", &authorization);
    sent.send().await.unwrap().error_for_status().unwrap();
    assert!(!holds(&data, "zanzibar").is_empty(), "this test looks in the wrong place");
    service.fall_silent().await;

    let given_up = http().delete(format!("{uploads}/{}", id.as_str())).header("authorization", &authorization);
    let answer = tokio::time::timeout(Duration::from_secs(10), given_up.send()).await;
    assert_eq!(answer.expect("Ann waits for the bucket").unwrap().status(), 204);
    // Whoever asks to erase somebody may leave before there is an answer.
    let erase = http().delete(format!("http://{address}/v1/person?contact={}", head.contact));
    let erase = erase.header("authorization", &authorization).timeout(Duration::from_secs(2)).send().await;
    assert!(erase.is_err() || erase.unwrap().status() == 200);
    for _ in 0..100 {
        if holds(&data, "zanzibar").is_empty() {
            process.kill().unwrap();
            process.wait().unwrap();
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("traces are left in {:?}", holds(&data, "zanzibar"));
}
