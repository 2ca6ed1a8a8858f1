//! Ratios against baselines measured in the same run.

use std::fs;

use serde_json::Value;

use crate::process::{announce, output};
use crate::setup::{self, Purpose};
use crate::workspace::Workspace;
use crate::{Failure, Outcome, Result};

/// Builds in release and measures. Without names, everything is measured; options of the measurements follow the names.
/// A goal that is not met is told, and is no failure of this command.
///
/// # Errors
/// When something cannot be built or measured, or there is no measurement of a name.
pub(crate) fn run(workspace: &Workspace, names: &[&str]) -> Result<Outcome> {
    let named: Vec<&str> = names.iter().copied().take_while(|name| !name.starts_with('-')).collect();
    let is_wanted = |name: &str| named.is_empty() || named.contains(&name);
    if is_wanted("app") || is_wanted("relay") {
        setup::prepare(workspace, Purpose::Drive)?;
    }
    announce("building in release (the first time takes many minutes)");
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "--package", "deskbell-bench", "--bins"]);
    if is_wanted("app") {
        cargo.args(["--package", "deskbell"]);
    }
    crate::process::run(&mut cargo)?;
    // What others need is kept out of the product's packages, and is built where theirs cannot stand in the way.
    let peers = workspace.target.join("peers");
    if is_wanted("search") {
        for manifest in ["crates/bench/peers/Cargo.toml", "crates/bench/seshat/Cargo.toml"] {
            let mut cargo = workspace.cargo();
            cargo.args(["build", "--release", "--locked", "--manifest-path", manifest, "--target-dir"]);
            crate::process::run(cargo.arg(&peers))?;
        }
    }
    announce("measuring; leave the machine alone");
    let mut bench = workspace.command(&workspace.binary("release", "deskbell-bench").to_string_lossy());
    let text = output(
        bench
            .args(names)
            .arg("--app")
            .arg(workspace.binary("release", "deskbell"))
            .arg("--peers")
            .arg(peers.join("release")),
    )?;
    let rows: Vec<Value> = serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("the measurements cannot be read: {error}")))?;
    let directory = workspace.results("bench");
    let report = directory.join("report.json");
    fs::create_dir_all(&directory)
        .and_then(|()| fs::write(&report, &text))
        .map_err(|error| Failure::new(format!("{}: {error}", report.display())))?;
    print(&rows);
    println!("\nwritten to {}", report.display());
    Ok(Outcome::Good)
}

fn print(rows: &[Value]) {
    println!(
        "{:<66} {:>4} {:>10} {:>10} {:>11} {:>7} {:>9}  met",
        "measurement", "unit", "ours", "baseline", "unencrypted", "ratio", "goal"
    );
    for row in rows {
        let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
        let number = |key: &str| row.get(key).and_then(Value::as_f64);
        let shown = |key: &str| number(key).map_or_else(|| "-".to_owned(), figure);
        let sign = if text("better") == "lower" { '≤' } else { '≥' };
        let met = match row.get("met").and_then(Value::as_bool) {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "-",
        };
        println!(
            "{:<66} {:>4} {:>10} {:>10} {:>11} {:>7} {:>9}  {met}",
            text("name"),
            text("unit"),
            shown("ours"),
            shown("baseline"),
            shown("unencrypted"),
            shown("ratio"),
            number("goal").map_or_else(|| "-".to_owned(), |goal| format!("{sign} {}", figure(goal))),
        );
    }
}

/// As many places as say something.
fn figure(value: f64) -> String {
    if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}
