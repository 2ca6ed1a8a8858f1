//! Asks the keychain of this session, for tests: `find NAME`, `keep NAME` or `forget NAME`. The key is always the same.
#![allow(clippy::print_stdout, reason = "the answer is read from standard output")]

use deskbell_api::{Key, KeyAnswer, KeyRefusal, KeyStore};
use deskbell_keychain::SystemKeychain;

fn main() {
    let Some(key) = Key::from_bytes(&[7; 32]) else { return };
    for question in std::env::args().skip(1) {
        let (what, name) = question.split_once(' ').unwrap_or((&question, ""));
        let answer = match what {
            "keep" => match SystemKeychain.keep(name, &key) {
                Ok(()) => "kept",
                Err(KeyRefusal::Locked) => "locked",
                Err(KeyRefusal::Unavailable) => "unavailable",
            },
            "forget" => {
                SystemKeychain.forget(name);
                "forgotten"
            }
            _ => match SystemKeychain.find(name) {
                KeyAnswer::Found(found) if found == key => "found",
                KeyAnswer::Found(_) => "another key",
                KeyAnswer::Missing => "missing",
                KeyAnswer::Locked => "locked",
                KeyAnswer::Unavailable => "unavailable",
            },
        };
        println!("{answer}");
    }
}
