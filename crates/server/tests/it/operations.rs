//! What whoever runs a desk does with the real program.

use std::net::SocketAddr;
use std::path::Path;

use deskbell_protocol::*;
use serde_json::Value;

use crate::crash::{make, run, serve, sign_in};
use crate::desk::*;

pub(crate) async fn vic(
    address: SocketAddr,
    key: &str,
    token: Option<String>,
    cursor: Option<Cursor>,
) -> (Client, Welcome) {
    let mut vic = Client::open(address, None, Some(&format!("http://{address}"))).await;
    let hello = VisitorHello {
        site: key.to_owned(),
        part: VisitorPart::Panel,
        token,
        presence: None,
        page: None,
        language: String::new(),
        screen: String::new(),
        spoken: None,
        identity: None,
    };
    vic.hello(cursor, Some(hello)).await;
    let welcome = vic.welcome().await;
    (vic, welcome)
}

pub(crate) async fn upload(address: SocketAddr, authorization: &str, name: &str, text: &str) -> Attachment {
    let id = ClientId::from_bits(rand::random());
    let query = [("client_id", id.as_str()), ("name", name), ("size", &text.len().to_string())];
    let request = http().post(format!("http://{address}/v1/uploads")).query(&query).body(text.to_owned());
    let request = request.header("authorization", authorization).header("origin", format!("http://{address}"));
    let response = request.send().await.unwrap().error_for_status().unwrap();
    response.json::<Upload>().await.unwrap().attachment.unwrap()
}

pub(crate) fn shown(path: &Path) -> &str {
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
    let leaflet =
        upload(address, &format!("Bearer {}", signed_in.access_token), "leaflet.txt", "All our teapots").await;
    let with_file = command(Command::Send {
        conversation,
        kind: MessageKind::Reply,
        text: "Here is a leaflet".to_owned(),
        attachments: vec![leaflet.id],
        mentions: Vec::new(),
        article: None,
        choice: None,
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

/// Whether any file below a directory holds some bytes.
pub(crate) fn holds(directory: &Path, bytes: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holds(&path, bytes));
        } else if std::fs::read(&path).unwrap().windows(bytes.len()).any(|window| window == bytes.as_bytes()) {
            found.push(path);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_01_a_person_is_handed_out_and_then_erased_everywhere() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    let key = make(&data);
    let (mut process, address) = serve(shown(&data));
    let signed_in = sign_in(address).await;
    let mut ann = Client::agent(address, &signed_in.access_token, None).await.synced().await;
    let (mut guest, welcome) = vic(address, &key, None, None).await;
    guest.snapshot().await;
    let token = welcome.visitor.unwrap().token.unwrap();
    // The shop's page is open in the same browser.
    let name = presence();
    let (language, screen, spoken, identity) = (String::new(), String::new(), None, None);
    let (site, page) = (key.clone(), Some(seen("https://shop.example/zanzibar")));
    let (part, presence) = (VisitorPart::Page, Some(name.clone()));
    let hello = VisitorHello { site, part, token: None, presence, page, language, screen, spoken, identity };
    let mut page = Client::open(address, None, Some(SHOP)).await;
    page.hello(None, Some(hello.clone())).await;
    page.welcome().await;
    let (part, presence) = (VisitorPart::Panel, Some(name));
    let hello = VisitorHello { part, presence, token: Some(token.clone()), page: None, ..hello };
    let mut both = Client::open(address, None, Some(&format!("http://{address}"))).await;
    both.hello(None, Some(hello)).await;
    both.welcome().await;
    let file = upload(address, &format!("Visitor {token}"), "zanzibar.txt", "a map of zanzibar").await;
    // Another one is on its way, and came no further than this.
    let half =
        [("client_id", client_id().as_str().to_owned()), ("name", "half.csv".to_owned()), ("size", "99".to_owned())];
    let half = http().post(format!("http://{address}/v1/uploads")).query(&half).body("the way to zanzibar");
    let half = half.header("authorization", format!("Visitor {token}")).header("origin", format!("http://{address}"));
    assert_eq!(half.send().await.unwrap().json::<Upload>().await.unwrap().offset, 19);
    assert_eq!(holds(&data.join("files/incoming"), "zanzibar").len(), 1);
    let send = command(Command::Send {
        conversation: None,
        kind: MessageKind::Reply,
        text: "=zanzibar please".to_owned(),
        attachments: vec![file.id],
        mentions: Vec::new(),
        article: None,
        choice: None,
    });
    guest.command(&send).await.unwrap();
    let (message, _) = ann.message("=zanzibar please").await;
    let contact = {
        let mut again = Client::agent(address, &signed_in.access_token, None).await;
        again.welcome().await;
        let rows = again.snapshot().await;
        let mut found = rows.iter().filter_map(decode).filter_map(|row| match row {
            Entity::Conversation(found) if found.id == message.conversation => Some(found.contact),
            _ => None,
        });
        found.next().unwrap()
    };
    let edit = Command::EditContact {
        contact,
        name: "Vic Zanzibar".to_owned(),
        email: "vic@zanzibar.example".to_owned(),
        phone: String::new(),
        notes: "likes zanzibar".to_owned(),
    };
    ann.command(&command(edit)).await.unwrap();
    // What was written is findable before anybody's search is answered.
    let found =
        ask_at(&format!("http://{address}"), &signed_in, "GET", "/v1/search?q=please+page:zanzibar", Value::Null).await;
    assert!(found.0 == 200 && found.1.to_string().contains("please"), "{found:?}");
    let (mut other, _) = vic(address, &key, None, None).await;
    other.snapshot().await;
    other.command(&reply(None, "Madagascar please")).await.unwrap();
    ann.message("Madagascar please").await;
    let backup = directory.path().join("before.backup");
    assert!(run(&["backup", "--data", shown(&data), shown(&backup)], "").0);

    let out = directory.path().join("vic");
    let export = ["export", "--data", shown(&data), "--email", "VIC@zanzibar.example", "--to", shown(&out), "--csv"];
    let (done, said, wrong) = run(&export, "");
    assert!(done && said.contains("1 messages and 1 files"), "{said}{wrong}");
    let json = std::fs::read_to_string(out.join("person.json")).unwrap();
    for known in ["=zanzibar please", "vic@zanzibar.example", "zanzibar.txt", "likes zanzibar"] {
        assert!(json.contains(known), "{known} is missing: {json}");
    }
    assert!(!json.contains("Madagascar"), "what is another person's was handed out");
    let table = std::fs::read_to_string(out.join("messages.csv")).unwrap();
    assert!(table.contains("\"'=zanzibar please\""), "{table}");
    assert_eq!(std::fs::read_to_string(out.join(format!("files/{}.txt", file.id))).unwrap(), "a map of zanzibar");
    assert!(!holds(&data, "zanzibar").is_empty(), "this test looks in the wrong place");

    let id = contact.to_string();
    let (done, said, wrong) = run(&["erase", "--data", shown(&data), "--contact", &id], "");
    assert!(done && said.contains("1 conversations, 1 messages, 1 files"), "{said}{wrong}");
    let mut erased: Vec<EntityKind> = Vec::new();
    while !erased.contains(&EntityKind::Conversation) {
        let changes = ann.delta().await.changes;
        erased.extend(changes.iter().filter(|change| change.kind == ChangeKind::Erase).map(|change| change.entity));
    }
    assert!(erased.contains(&EntityKind::Contact) && erased.contains(&EntityKind::Visitor), "{erased:?}");
    assert_eq!(guest.bye().await, ByeCode::Drain, "the erased visitor's messenger begins anew");
    let traces = ["zanzibar", "Zanzibar"].map(|word| holds(&data, word)).concat();
    assert!(traces.is_empty(), "traces are left in {traces:?}");
    let (_, again) = vic(address, &key, Some(token), None).await;
    assert!(again.visitor.unwrap().token.is_some(), "the old secret still opens something");
    let page = ann.history(message.conversation, Number::MAX, 10).await;
    assert!(page.messages.is_empty());
    let (done, _, said) = run(&["erase", "--data", shown(&data), "--contact", &id], "");
    assert!(!done && said.contains("There is no such contact"), "{said}");

    // A backup brings nobody back who was erased since.
    process.kill().unwrap();
    process.wait().unwrap();
    let (done, _, wrong) = run(&["restore", "--data", shown(&data), shown(&backup), "--force"], "");
    assert!(done, "{wrong}");
    for aside in std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        if aside.file_name().unwrap().to_str().unwrap().starts_with("before-restore-") {
            std::fs::remove_dir_all(aside).unwrap();
        }
    }
    let traces = ["zanzibar", "Zanzibar"].map(|word| holds(&data, word)).concat();
    assert!(traces.is_empty(), "traces came back in {traces:?}");
    assert!(!holds(&data, "Madagascar").is_empty());
}

#[test]
fn dc_01_a_server_begins_once_a_command_that_changes_the_desk_has_done_so() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    make(&data);
    let command = std::fs::File::create(data.join("desk.lock")).unwrap();
    command.try_lock().unwrap();
    let (mut process, _) = serve(shown(&data));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(process.try_wait().unwrap().is_none(), "it waits");
    drop(command);
    // Whether the server has the desk by now or this takes it first: both go on.
    let add = ["agent", "add", "--data", shown(&data), "--name", "Ben", "--email", "ben@desk.example"];
    let done = run(&add, "correct horse battery\n");
    assert!(done.0, "{done:?}");
    assert!(process.try_wait().unwrap().is_none(), "it serves");
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn dc_01_agents_are_added_while_the_desk_is_served() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    make(&data);
    let (mut process, _) = serve(shown(&data));
    let add = ["agent", "add", "--data", shown(&data), "--name", "Ben", "--email", "ben@desk.example"];
    let done = run(&add, "correct horse battery\n");
    assert!(done.0 && done.1.contains("ben@desk.example"), "{done:?}");
    let (done, _, said) = run(&add, "correct horse battery\n");
    assert!(!done && said.contains("another agent has this address"), "{said}");
    let (done, _, said) = run(&["serve", "--data", shown(&data), "--listen", "127.0.0.1:0"], "");
    assert!(!done && said.contains("stop it first"), "{said}");
    process.kill().unwrap();
    process.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_01_a_lost_laptop_is_signed_out_from_the_command_line_while_the_desk_is_served() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    make(&data);
    let (mut process, address) = serve(shown(&data));
    let (laptop, phone) = (sign_in(address).await, sign_in(address).await);
    let mut laptop = Client::agent(address, &laptop.access_token, None).await.synced().await;
    let mut phone = Client::agent(address, &phone.access_token, None).await.synced().await;
    let agent = |task: &str, more: &[&str]| {
        run(&[&["agent", task, "--data", shown(&data), "--email", "ANN@desk.example"], more].concat(), "")
    };
    let (done, listed, wrong) = agent("devices", &[]);
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split('\t').collect()).collect();
    assert!(done && lines.len() == 2, "{listed}{wrong}");
    assert_eq!(lines[0][1..], ["laptop", "-", "local network", "connected now"]);
    let (done, _, said) = agent("revoke", &[]);
    assert!(!done && said.contains("--device") && said.contains("--all"), "{said}");
    let (done, said, wrong) = agent("revoke", &["--device", lines[0][0]]);
    assert!(done && said.contains("Signed out: 1 devices"), "{said}{wrong}");
    assert_eq!(laptop.bye().await, ByeCode::Revoked);
    assert_eq!(agent("devices", &[]).1.lines().count(), 1);
    assert!(agent("revoke", &["--all"]).0);
    assert_eq!(phone.bye().await, ByeCode::Revoked);
    let (done, _, said) = run(&["agent", "devices", "--data", shown(&data), "--email", "nobody@desk.example"], "");
    assert!(!done && said.contains("No agent has this address"), "{said}");
    process.kill().unwrap();
    process.wait().unwrap();
}

#[tokio::test]
async fn dc_01_the_doctor_says_what_is_wrong_and_mends_what_is_safe() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    let key = make(&data);
    let doctor = |more: &[&str]| run(&[&["doctor", "--data", shown(&data)], more].concat(), "");
    {
        let (mut process, address) = serve(shown(&data));
        let signed_in = sign_in(address).await;
        let (mut guest, _) = vic(address, &key, None, None).await;
        guest.snapshot().await;
        guest.command(&reply(None, "Is the teapot in stock?")).await.unwrap();
        let mut ann = Client::agent(address, &signed_in.access_token, None).await;
        ann.welcome().await;
        let rows = ann.snapshot().await;
        let question = rows.iter().find_map(as_message).unwrap();
        let leaflet =
            upload(address, &format!("Bearer {}", signed_in.access_token), "leaflet.txt", "All our teapots").await;
        let with_file = command(Command::Send {
            conversation: Some(question.conversation),
            kind: MessageKind::Reply,
            text: "Here".to_owned(),
            attachments: vec![leaflet.id],
            mentions: Vec::new(),
            article: None,
            choice: None,
        });
        ann.command(&with_file).await.unwrap();
        let (done, said, wrong) = doctor(&[]);
        assert!(done && said.ends_with("\nThe desk is sound.\n"), "{said}{wrong}");
        assert!(said.contains(" MB are free on its disk.") && said.lines().count() == 2, "{said}");
        let (done, _, said) = doctor(&["--repair"]);
        assert!(!done && said.contains("stop it first"), "{said}");
        // Whoever searches makes findable what was said.
        let asked = http().get(format!("http://{address}/v1/search?q=teapots"));
        let asked = asked.header("authorization", format!("Bearer {}", signed_in.access_token));
        assert_eq!(asked.send().await.unwrap().status(), 200);
        process.kill().unwrap();
        process.wait().unwrap();
    }

    // What can be made anew is mended.
    let database = || rusqlite::Connection::open(data.join("desk.db")).unwrap();
    database().execute_batch("DELETE FROM message_words").unwrap();
    let orphan = data.join("files/zz/zz0");
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::write(&orphan, "nobody's").unwrap();
    let hours_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7_200);
    std::fs::File::options().write(true).open(&orphan).unwrap().set_modified(hours_ago).unwrap();
    let (done, said, _) = doctor(&[]);
    assert!(!done && said.contains("2 messages are not in it"), "{said}");
    let (done, said, _) = doctor(&["--repair"]);
    assert!(done && said.contains("made anew") && said.contains("1 files that belong to no message"), "{said}");
    assert!(!orphan.exists());
    let (done, said, _) = doctor(&[]);
    assert!(done && said.ends_with("\nThe desk is sound.\n") && said.lines().count() == 2, "{said}");

    // What cannot is named, and nothing is touched.
    let shelves = std::fs::read_dir(data.join("files")).unwrap().map(|entry| entry.unwrap().path());
    let mut files =
        shelves.filter(|shelf| !shelf.ends_with("incoming")).flat_map(|shelf| std::fs::read_dir(shelf).unwrap());
    let file = files.next().unwrap().unwrap().path();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, "All").unwrap();
    assert!(doctor(&[]).1.contains("not as long as they were"));
    std::fs::remove_file(&file).unwrap();
    let (done, said, _) = doctor(&["--repair"]);
    assert!(!done && said.contains(shown(&file)), "{said}");
    std::fs::write(&file, bytes).unwrap();
    database().execute_batch("UPDATE message SET number = 7 WHERE number = 2").unwrap();
    assert!(doctor(&[]).1.contains("1 conversations have gaps"));
    database()
        .execute_batch("UPDATE message SET number = 2 WHERE number = 7; DELETE FROM change WHERE entity = 6")
        .unwrap();
    let (done, said, _) = doctor(&["--repair"]);
    assert!(!done && said.contains("the table message: 2 rows are not in it"), "{said}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(doctor(&[]).1.contains("chmod 700"));
    }
}
