//! The same messages in seshat, which keeps and finds them for Element's desktop app. Called by `deskbell-bench` with a
//! file of messages and a directory; prints JSON.

#[path = "../../peers/src/said.rs"]
mod said;

use std::fs;
use std::path::{Path, PathBuf};

use rustix::time::ClockId;
use seshat::{Config, Database, Event, EventType, Profile};

use said::{FEW, MANY, MESSAGES, Result, Said, processor, rate};

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [messages, directory] = arguments.as_slice() else {
        return Err("usage: deskbell-bench-seshat MESSAGES DIRECTORY".into());
    };
    let messages = said::read(messages)?;
    let messages = &messages[..MESSAGES.min(messages.len())];
    let run = |name: &str, size: usize, config: Config| fill(messages, size, &directory.join(name), &config);
    let encrypted = || Config::new().set_passphrase("a passphrase");
    let report = serde_json::json!({
        "seshat": { "few": run("few", FEW, encrypted())?, "many": run("many", MANY, encrypted())? },
        "seshat_open": { "few": run("few-open", FEW, Config::new())?, "many": run("many-open", MANY, Config::new())? },
    });
    println!("{report}");
    Ok(())
}

/// What comes together is committed together. Its index of words, which knows no beginnings of words, is committed as
/// often as it has it: every 500 messages.
fn fill(messages: &[Said], size: usize, directory: &Path, config: &Config) -> Result<f64> {
    fs::create_dir_all(directory)?;
    let mut database = Database::new_with_config(directory.to_path_buf(), config)?;
    let events: Vec<Event> = messages.iter().map(event).collect();
    let began = processor(ClockId::ProcessCPUTime);
    for events in events.chunks(size) {
        for event in events {
            database.add_event(event.clone(), Profile::default());
        }
        database.commit()?;
    }
    database.force_commit()?;
    Ok(rate(messages.len(), began))
}

fn event(said: &Said) -> Event {
    let source = said.source().to_string();
    let (id, sender, room) = (said.event(), said.sender(), said.room());
    Event::new(EventType::Message, &said.text, Some("m.text"), &id, &sender, said.at(), &room, &source)
}
