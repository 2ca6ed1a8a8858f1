//! The real program, killed in the middle of its work.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};

use deskbell_protocol::http::{SignIn, SignedIn};
use deskbell_protocol::*;

use crate::desk::*;

pub(crate) fn program() -> Process {
    Process::new(env!("CARGO_BIN_EXE_deskbell-server"))
}

pub(crate) fn run(arguments: &[&str], input: &str) -> (bool, String, String) {
    let mut process =
        program().args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

pub(crate) fn serve(data: &str) -> (Child, SocketAddr) {
    let arguments = ["serve", "--data", data, "--listen", "127.0.0.1:0"];
    let mut process = program().args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("Listening on http://").unwrap().parse().unwrap();
    (process, address)
}

pub(crate) fn make(data: &Path) -> String {
    let data = data.to_str().unwrap();
    assert!(run(&["init", "--data", data, "--name", "Tea desk"], "").0);
    let add = ["agent", "add", "--data", data, "--name", "Ann", "--email", "ann@desk.example", "--admin"];
    let (added, said, _) = run(&add, &format!("{PASSWORD}\n"));
    assert!(added && said.contains("ann@desk.example"), "{said}");
    let (added, said, _) = run(&["site", "add", "--data", data, "--name", "Shop", "--origin", SHOP], "");
    assert!(added);
    said.lines().find_map(|line| line.strip_prefix("Key: ")).unwrap().to_owned()
}

pub(crate) async fn sign_in(address: SocketAddr) -> SignedIn {
    let body = SignIn {
        email: "ann@desk.example".to_owned(),
        password: PASSWORD.to_owned(),
        code: None,
        device: "laptop".to_owned(),
        system: String::new(),
    };
    let response = http().post(format!("http://{address}/v1/session")).json(&body).send().await.unwrap();
    response.json().await.unwrap()
}

#[tokio::test]
async fn dc_01_a_killed_server_keeps_every_message_it_has_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    let key = make(&data);
    let data = data.to_str().unwrap();
    let mut acknowledged: Vec<String> = Vec::new();
    let mut token = None;
    for round in 0..3 {
        let (mut process, address) = serve(data);
        let mut vic = Client::open(address, None, Some(&format!("http://{address}"))).await;
        let hello = VisitorHello {
            site: key.clone(),
            part: VisitorPart::Panel,
            token: token.clone(),
            presence: None,
            page: None,
            language: String::new(),
            screen: String::new(),
            spoken: None,
            identity: None,
        };
        vic.hello(None, Some(hello)).await;
        let welcome = vic.welcome().await;
        token = token.or(welcome.visitor.unwrap().token);
        assert_eq!(texts(&vic.snapshot().await), acknowledged);
        for number in 0..4 {
            let text = format!("{round}-{number}");
            vic.command(&reply(None, &text)).await.unwrap();
            acknowledged.push(text);
        }
        // Killed, not stopped: nothing is flushed that was not flushed before.
        process.kill().unwrap();
        process.wait().unwrap();
    }

    let (mut process, address) = serve(data);
    let signed_in = sign_in(address).await;
    let mut ann = Client::agent(address, &signed_in.access_token, None).await;
    ann.welcome().await;
    let numbers: Vec<(Number, String)> =
        ann.snapshot().await.iter().filter_map(as_message).map(|message| (message.number, message.text)).collect();
    let expected: Vec<(Number, String)> = (1..).zip(acknowledged).collect();
    assert_eq!(numbers, expected);
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn dc_01_the_program_says_what_to_do_about_bad_input() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    let place = data.to_str().unwrap();
    let (done, _, said) = run(&["serve", "--data", place], "");
    assert!(!done && said.contains("deskbell-server init"), "{said}");
    make(&data);
    let add = ["agent", "add", "--data", place, "--name", "Ben", "--email", "ben@desk.example"];
    let (done, _, said) = run(&add, "short\n");
    assert!(!done && said.contains("password"), "{said}");
    let (done, _, said) = run(&["site", "add", "--data", place, "--name", "Shop", "--origin", "shop.example"], "");
    assert!(!done && said.contains("https://shop.example"), "{said}");

    let database = rusqlite::Connection::open(data.join("desk.db")).unwrap();
    database.pragma_update(None, "user_version", 999).unwrap();
    drop(database);
    let before = std::fs::read(data.join("desk.db")).unwrap();
    let (done, _, said) = run(&["serve", "--data", place], "");
    assert!(!done && said.contains("newer"), "{said}");
    assert_eq!(std::fs::read(data.join("desk.db")).unwrap(), before);
}
