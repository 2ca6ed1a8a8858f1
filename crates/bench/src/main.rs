//! Ratios against baselines measured in the same run. Prints a JSON list of rows; progress goes to standard error.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot be made has failed"
)]

mod app;
mod floor;
mod relay;
mod row;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::row::Row;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// What to measure; everything when nothing is named.
    names: Vec<Name>,
    /// The app, built in release.
    #[arg(long, default_value = "target/release/deskbell")]
    app: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// From a visitor's message to the agent's screen side, against a bare relay of equal durability.
    Relay,
    /// First paint and memory of the app, against an empty window.
    App,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let wanted = |name: Name| arguments.names.is_empty() || arguments.names.contains(&name);
    let mut rows: Vec<Row> = Vec::new();
    if wanted(Name::Relay) {
        rows.extend(relay::measure().await);
    }
    if wanted(Name::App) {
        rows.extend(app::measure(&arguments.app).await);
    }
    println!("{}", serde_json::to_string_pretty(&rows).unwrap());
}
