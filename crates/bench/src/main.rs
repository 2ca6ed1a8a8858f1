//! Ratios against baselines measured in the same run. Prints a JSON list of rows; progress goes to standard error.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot be made has failed"
)]

mod app;
mod cache;
mod chats;
mod load;
mod peers;
mod row;
mod search;
mod timing;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::chats::Chats;
use crate::row::Row;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// What to measure; everything when nothing is named.
    names: Vec<Name>,
    /// The app, built in release.
    #[arg(long, default_value = "target/release/deskbell")]
    app: PathBuf,
    /// Where the programs of others are, to compare with.
    #[arg(long, default_value = "target/peers/release")]
    peers: PathBuf,
    /// Messages in the agent's cache; fewer for a quick look.
    #[arg(long, default_value_t = 1_000_000)]
    messages: usize,
    #[command(flatten)]
    plan: load::Plan,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// From a visitor's message to the agent's screen side, against a bare relay of equal durability.
    Relay,
    /// First paint and memory of the app, against an empty window.
    App,
    /// The agent's cache: what comes, lists, start and resync, against plain statements.
    Cache,
    /// The search in the agent's cache, against tantivy.
    Search,
    /// Ten thousand visitors, a load of messages with a checker, and everybody cut off at once.
    Load,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let wanted = |name: Name| arguments.names.is_empty() || arguments.names.contains(&name);
    let mut rows: Vec<Row> = Vec::new();
    if wanted(Name::Relay) {
        rows.extend(load::measure_relay().await);
    }
    if wanted(Name::App) {
        rows.extend(app::measure(&arguments.app).await);
    }
    if wanted(Name::Cache) || wanted(Name::Search) {
        let chats = Chats::new(arguments.messages);
        let mut filled = cache::fill(&chats);
        if wanted(Name::Cache) {
            rows.extend(cache::measure(&chats, &mut filled));
        }
        if wanted(Name::Search) {
            rows.extend(search::measure(&chats, &mut filled, &arguments.peers));
        }
    }
    if wanted(Name::Load) {
        rows.extend(load::measure(arguments.plan).await);
    }
    println!("{}", serde_json::to_string_pretty(&rows).unwrap());
}
