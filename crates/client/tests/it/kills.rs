//! Ann's program, a real process, ended without warning in the middle of its work.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use deskbell_cache::Cache;
use deskbell_protocol::*;
use deskbell_testkit::{ANN, AgentSocket, BEN, TestDesk, Visitor};

use crate::computer::{Computer, does, session};

/// How often the program is killed, unless the environment says otherwise.
const ROUNDS: u32 = 20;
/// The most lines the program says before it is killed.
const LINES_MAX: usize = 40;

/// Where the program is: cargo builds examples with the tests.
fn program() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let directory = here.parent().and_then(Path::parent).unwrap().join("examples");
    directory.join(format!("agent_process{}", std::env::consts::EXE_SUFFIX))
}

/// Runs the program until it has said so many lines, kills it, and gives back the texts it said were on disk.
fn killed_after(lines: usize, arguments: [String; 4]) -> Vec<String> {
    let mut process = Process::new(program())
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{error}: `cargo build --examples -p deskbell-client` makes the program"));
    let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut all: Vec<String> = said.by_ref().take(lines).map(Result::unwrap).collect();
    assert_eq!(all.len(), lines, "the program ended by itself");
    // On Unix this is SIGKILL: nothing is flushed that was not flushed before.
    process.kill().unwrap();
    all.extend(said.map(Result::unwrap));
    process.wait().unwrap();
    all.iter().filter_map(|line| line.strip_prefix("wrote ")).map(str::to_owned).collect()
}

fn newest(cache: &Cache, chat: ConversationId) -> Number {
    cache.conversation(chat).unwrap().unwrap().conversation.last_number
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_02_a_program_that_is_killed_again_and_again_loses_nothing_and_says_nothing_twice() {
    let rounds = std::env::var("DESKBELL_KILL_ROUNDS").map_or(ROUNDS, |text| text.parse().unwrap());
    let desk = TestDesk::start().await;
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Hello").await;
    // A computer that nobody kills sees everything that the desk ever has.
    let mut witness = Computer::start(&desk.address(), session(&desk, &BEN).await);
    let chat = witness.chat().await;
    let mut ben = AgentSocket::connect(&desk, &BEN).await;

    let disk = session(&desk, &ANN).await;
    let mut written: Vec<String> = Vec::new();
    for round in 0..rounds {
        if round % 5 == 4 {
            // Then the program is killed in the middle of a snapshot, too.
            for ending in ["", "-wal", "-shm"] {
                std::fs::remove_file(disk.path().join(format!("cache.db{ending}"))).ok();
            }
        }
        let directory = disk.path().to_str().unwrap().to_owned();
        let arguments = [desk.address(), directory, chat.to_string(), format!("round {round}:")];
        let lines = rand::random_range(1..=LINES_MAX);
        let running = tokio::task::spawn_blocking(move || killed_after(lines, arguments));
        for number in 0..3 {
            let text = format!("Ben, round {round}: {number}");
            let (conversation, kind) = (Some(chat), MessageKind::Note);
            does(
                &mut ben,
                Command::Send {
                    conversation,
                    kind,
                    text,
                    attachments: vec![],
                    mentions: Vec::new(),
                    article: None,
                    choice: None,
                },
            )
            .await;
        }
        written.extend(running.await.unwrap());
    }

    let mut ann = Computer::start(&desk.address(), disk);
    ann.settled().await;
    while ann.cache.messages(chat, None, u32::MAX).unwrap().more_there {
        ann.client.load_older(chat, None).await.unwrap();
    }
    let all = ann.texts(chat);
    witness.until("all that Ann has", |cache, _| newest(cache, chat) == newest(&ann.cache, chat)).await;
    let everything = witness.texts(chat);
    let of_ann: Vec<&String> = everything.iter().filter(|text| text.starts_with("round")).collect();

    let mut once = of_ann.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), of_ann.len(), "a message stands there twice: {of_ann:?}");
    let lost: Vec<&String> = written.iter().filter(|text| !of_ann.contains(text)).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let order = |text: &str| -> (u32, u64) {
        let (round, number) = text.strip_prefix("round ").unwrap().split_once(": ").unwrap();
        (round.parse().unwrap(), number.parse().unwrap())
    };
    assert!(of_ann.is_sorted_by_key(|text| order(text)), "out of order: {of_ann:?}");
    let page = ann.cache.messages(chat, None, u32::MAX).unwrap();
    for message in page.messages.iter().filter(|message| message.text.starts_with("round")) {
        let (_, number) = order(&message.text);
        assert_eq!(message.attachments.len(), usize::from(number % 8 == 0), "{message:?}");
        for file in &message.attachments {
            let bytes = ann.client.download(file.id).await.unwrap();
            let expected = message.text.repeat(300_000 / message.text.len()).into_bytes();
            assert!(bytes == expected, "the bytes are others: {message:?}");
        }
    }
    assert_eq!(all, everything, "Ann's computer shows what the desk has");
    assert_eq!(ann.client.status().refused, 0);
    println!("{rounds} kills, {} messages written, {} on the desk", written.len(), of_ann.len());
}
