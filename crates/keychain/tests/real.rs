//! A real keychain of Linux: gnome-keyring, on a bus and in a home directory of its own, so that nobody's own keys are
//! looked at.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Unlocks the keychain as a log-in does, with the password that is empty.
const UNLOCK: &str = "printf '\\n' | gnome-keyring-daemon --unlock --components=secrets > /dev/null";

/// Where the program is: cargo builds examples with the tests.
fn program() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    here.parent().and_then(Path::parent).unwrap().join("examples/ask_keychain")
}

/// Whether the programs are here. A computer without them cannot run these tests.
fn can_run() -> bool {
    let missing = ["dbus-run-session", "gnome-keyring-daemon"].into_iter().find(|name| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        !std::env::split_paths(&path).any(|directory| directory.join(name).is_file())
    });
    if let Some(missing) = missing {
        eprintln!("skipped: {missing} is not installed");
    }
    missing.is_none()
}

/// Asks questions in a session that begins with `first`, and ends after them.
fn ask(home: &Path, first: &str, questions: &[&str]) -> Vec<String> {
    let output = Command::new("dbus-run-session")
        .args(["--", "sh", "-c", &format!("{first}; exec \"$@\""), "sh"])
        .arg(program())
        .args(questions)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env("HOME", home)
        .env("XDG_DATA_HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<String> = said.lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), questions.len(), "{}", String::from_utf8_lossy(&output.stderr));
    answers
}

#[test]
fn a_key_is_kept_over_a_log_out_told_from_a_missing_one_and_forgotten() {
    if !can_run() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let first = ask(home.path(), UNLOCK, &["find ann", "keep ann", "find ann", "find ben"]);
    assert_eq!(first, ["missing", "kept", "found", "missing"]);
    let again = ask(home.path(), UNLOCK, &["find ann", "forget ann", "find ann"]);
    assert_eq!(again, ["found", "forgotten", "missing"]);
}

#[test]
fn a_locked_keychain_is_not_taken_for_an_empty_one() {
    if !can_run() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    assert_eq!(ask(home.path(), UNLOCK, &["keep ann"]), ["kept"]);
    // Without the password nobody can unlock it, and no window can ask for one here.
    assert_eq!(ask(home.path(), ":", &["find ann", "keep ben"]), ["locked", "locked"]);
    assert_eq!(ask(home.path(), UNLOCK, &["find ann"]), ["found"]);
}

#[test]
fn a_service_that_keeps_nothing_counts_as_no_keychain() {
    if !can_run() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    assert_eq!(ask(home.path(), ":", &["keep ann"]), ["unavailable"]);
}

#[test]
fn without_a_bus_the_answer_comes_at_once() {
    let output = Command::new(program())
        .args(["keep ann", "find ann"])
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "unavailable\nunavailable\n");
}
