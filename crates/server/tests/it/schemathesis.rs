//! Schemathesis asks a real server for all that its description allows and for much that it forbids. Nothing may be a
//! server's error, and every answer has to be one that the description tells of.

use std::process::Command as Process;

use deskbell_protocol::http::SiteEdit;

use crate::desk::*;

const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemathesis.toml");

/// What ends the session that asks is asked for last, and a socket not at all.
const ROUNDS: [&[&str]; 2] =
    [&["--exclude-method", "DELETE", "--exclude-operation-id", "open_socket"], &["--include-method", "DELETE"]];

#[tokio::test]
async fn dk_25_whatever_schemathesis_asks_the_server_answers_as_its_description_says() {
    let Some(program) = std::env::var_os("DESKBELL_SCHEMATHESIS") else {
        eprintln!("skipped: DESKBELL_SCHEMATHESIS names no program; `cargo xtask test` installs it and names it");
        return;
    };
    let desk = TestDesk::start().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Is the blue teapot in stock?")).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    for round in ROUNDS {
        let mut process = Process::new(&program);
        process.args(["--config-file", CONFIGURATION, "--no-color", "run", &desk.url("/v1/openapi.json")]);
        process.arg("--header").arg(format!("Authorization: Bearer {}", desk.ann.access_token)).args(round);
        process.current_dir(directory.path());
        let output = tokio::task::spawn_blocking(move || process.output().unwrap()).await.unwrap();
        let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{said}\n{wrong}");
        assert!(said.contains(" generated"), "nothing was asked: {said}");
    }
    // Among all that was asked, the site may have been told to let in nobody whom its shop does not vouch for.
    let open = SiteEdit { signed_only: Some(false), ..SiteEdit::default() };
    desk.desk.administer().put_site(Some(desk.site.id), open).await.unwrap();
    // It is still a desk; Vic has been silent for longer than a connection lives.
    let (mut wen, _) = desk.visitor().await;
    wen.command(&reply(None, "Are you still there?")).await.unwrap();
}
