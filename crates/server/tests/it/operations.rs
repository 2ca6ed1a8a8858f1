//! What whoever runs a desk does with the real program.

use std::net::SocketAddr;
use std::path::Path;

use deskbell_protocol::http::SignedIn;
use deskbell_protocol::*;

use crate::crash::{make, run, serve, sign_in};
use crate::desk::*;

async fn vic(address: SocketAddr, key: &str, token: Option<String>, cursor: Option<Cursor>) -> (Client, Welcome) {
    let mut vic = Client::open(address, None, Some(&format!("http://{address}"))).await;
    let hello = VisitorHello {
        site: key.to_owned(),
        part: VisitorPart::Panel,
        token,
        presence: None,
        page: None,
        language: String::new(),
        screen: String::new(),
    };
    vic.hello(cursor, Some(hello)).await;
    let welcome = vic.welcome().await;
    (vic, welcome)
}

async fn upload(address: SocketAddr, ann: &SignedIn, name: &str, text: &str) -> Attachment {
    let request = http().post(format!("http://{address}/v1/files")).query(&[("name", name)]);
    let response = request.bearer_auth(&ann.access_token).body(text.to_owned()).send().await.unwrap();
    response.error_for_status().unwrap().json().await.unwrap()
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_01_a_backup_under_load_brings_back_everything_that_was_acknowledged_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    let key = make(&data);
    let (mut process, address) = serve(shown(&data));
    let signed_in = sign_in(address).await;
    let mut ann = Client::agent(address, &signed_in.access_token, None).await.synced().await;
    let (mut guest, welcome) = vic(address, &key, None, None).await;
    let token = welcome.visitor.unwrap().token;
    guest.snapshot().await;
    guest.command(&reply(None, "Is the teapot in stock?")).await.unwrap();
    let (question, _) = ann.message("Is the teapot in stock?").await;
    let conversation = Some(question.conversation);
    let leaflet = upload(address, &signed_in, "leaflet.txt", "All our teapots").await;
    let with_file = command(Command::Send {
        conversation,
        kind: MessageKind::Reply,
        text: "Here is a leaflet".to_owned(),
        attachments: vec![leaflet.id],
    });
    ann.command(&with_file).await.unwrap();
    let mut before = Vec::new();
    for number in 0..20 {
        let answer = reply(conversation, &format!("before {number}"));
        ann.command(&answer).await.unwrap();
        before.push(answer);
    }

    // Ann goes on writing while the backup is made.
    let backup = directory.path().join("monday.backup");
    let made = {
        let (data, backup) = (data.clone(), backup.clone());
        tokio::task::spawn_blocking(move || run(&["backup", "--data", shown(&data), shown(&backup)], ""))
    };
    let mut after = Vec::new();
    while !made.is_finished() || after.len() < 20 {
        let answer = reply(conversation, &format!("after {}", after.len()));
        ann.command(&answer).await.unwrap();
        after.push(answer);
    }
    let (done, said, wrong) = made.await.unwrap();
    assert!(done && said.contains("with 1 files"), "{said}{wrong}");
    let late = reply(None, "And in blue?");
    guest.command(&late).await.unwrap();
    let guests_cursor = guest.cursor.clone();

    // A desk that is served is not restored over, nor is one that is there.
    let (done, _, said) = run(&["restore", "--data", shown(&data), shown(&backup), "--force"], "");
    assert!(!done && said.contains("stop it first"), "{said}");
    process.kill().unwrap();
    process.wait().unwrap();
    let (done, _, said) = run(&["restore", "--data", shown(&data), shown(&backup)], "");
    assert!(!done && said.contains("--force"), "{said}");
    let (done, said, wrong) = run(&["restore", "--data", shown(&data), shown(&backup), "--force"], "");
    assert!(done && said.contains("before-restore-"), "{said}{wrong}");

    // What was known then is there, and what came after it comes again, once.
    let (mut process, address) = serve(shown(&data));
    let signed_in = sign_in(address).await;
    let mut ann = Client::agent(address, &signed_in.access_token, ann.cursor.clone()).await;
    ann.welcome().await;
    let reset = ann.until(|frame| if let ServerFrame::Reset(reset) = frame { Some(reset.reason) } else { None }).await;
    assert_eq!(reset, ResetReason::Epoch);
    ann.snapshot().await;
    for answer in before.iter().chain([&with_file]) {
        assert!(ann.command(answer).await.unwrap().duplicate, "a message from before the backup was lost");
    }
    for answer in &after {
        ann.command(answer).await.unwrap();
    }
    let (mut guest, _) = vic(address, &key, token, guests_cursor).await;
    guest.snapshot().await;
    guest.command(&late).await.unwrap();
    let mut found: Vec<Message> = Vec::new();
    while found.first().is_none_or(|oldest| oldest.number > 1) {
        let before = found.first().map_or(Number::MAX, |oldest| oldest.number);
        let page = guest.history(question.conversation, before, 100).await;
        let mut older: Vec<Message> = page.messages.iter().filter_map(as_message).collect();
        older.extend(found);
        found = older;
    }
    let found: Vec<String> = found.into_iter().map(|message| message.text).collect();
    let mut expected = vec!["Is the teapot in stock?".to_owned(), "Here is a leaflet".to_owned()];
    expected.extend((0..before.len()).map(|number| format!("before {number}")));
    expected.extend((0..after.len()).map(|number| format!("after {number}")));
    expected.push("And in blue?".to_owned());
    assert_eq!(found, expected);
    let file = http().get(format!("http://{address}/v1/files/{}", leaflet.id)).bearer_auth(&signed_in.access_token);
    assert_eq!(file.send().await.unwrap().text().await.unwrap(), "All our teapots");
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn dc_01_a_damaged_backup_is_refused_and_the_desk_stays() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    make(&data);
    let backup = directory.path().join("monday.backup");
    assert!(run(&["backup", "--data", shown(&data), shown(&backup)], "").0);
    let (done, _, said) = run(&["backup", "--data", shown(&data), shown(&backup)], "");
    assert!(!done && said.contains("does not exist yet"), "{said}");
    let before = std::fs::read(data.join("desk.db")).unwrap();

    let refused = |file: &Path| {
        let (done, _, said) = run(&["restore", "--data", shown(&data), shown(file), "--force"], "");
        assert!(!done && said.contains("is no whole backup"), "{said}");
        assert_eq!(std::fs::read(data.join("desk.db")).unwrap(), before);
    };
    let mut bytes = std::fs::read(&backup).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0x5a);
    let damaged = directory.path().join("damaged");
    std::fs::write(&damaged, &bytes).unwrap();
    refused(&damaged);
    std::fs::write(&damaged, "tea").unwrap();
    refused(&damaged);
    std::fs::copy(data.join("desk.db"), &damaged).unwrap();
    refused(&damaged);

    // Names of files become paths; a backup that somebody has worked on must not lead out of the directory.
    std::fs::copy(&backup, &damaged).unwrap();
    let database = rusqlite::Connection::open(&damaged).unwrap();
    database
        .execute_batch(
            "INSERT INTO attachment (id, uploader_kind, uploader, file, name, mime, size, created_at)
                VALUES (1, 1, 1, '../../../../evil', 'evil', 'text/plain', 1, 1);
             INSERT INTO backup_file (name, sha256, bytes) VALUES ('../../../../evil', x'00', x'00');",
        )
        .unwrap();
    drop(database);
    refused(&damaged);
}
