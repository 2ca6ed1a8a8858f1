//! The recordings of `tests/traces`, against what the server says today.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::PathBuf;

use deskbell_testkit::traces::{Trace, stories};

/// Where the recordings are.
fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/traces")
}

/// Whether the recordings are written anew.
fn records() -> bool {
    std::env::var_os("DESKBELL_RECORD").is_some()
}

/// Plays a story. Its recording is written anew if that is asked for, and has to be the same otherwise.
async fn play(name: &str) {
    let story = stories().into_iter().find(|story| story.name == name).unwrap();
    let told: Trace = story.play().await;
    let (path, now) = (directory().join(format!("{name}.json")), told.to_text());
    if records() {
        return std::fs::write(path, now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = kept.lines().zip(now.lines()).find(|(kept, now)| kept != now);
    assert!(
        kept == now,
        "tests/traces/{name}.json no longer fits what the server says. If that is meant, `cargo xtask traces` records \
         it anew, and both clients must pass. The first difference, kept and now: {differing:#?}"
    );
}

macro_rules! recordings {
    ($($name:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                play(stringify!($name)).await;
            }
        )*

        #[test]
        fn every_story_has_its_recording_and_there_are_no_others() {
            let told: Vec<&str> = stories().iter().map(|story| story.name).collect();
            assert_eq!(told, [$(stringify!($name)),*]);
            let mut kept: Vec<String> = std::fs::read_dir(directory())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            kept.sort();
            let mut wanted: Vec<String> = told.iter().map(|name| format!("{name}.json")).collect();
            wanted.sort();
            assert!(kept == wanted || records(), "{kept:?} are kept, of {wanted:?}");
        }
    };
}

recordings![
    first_start,
    reconnect,
    gap,
    doubled_delta,
    restored_desk,
    snapshot_cut,
    answer_and_change,
    refusals,
    lost_delta_told_by_heartbeat,
    slow_client,
    no_answer,
    old_messages,
];
