//! Ratios against baselines measured in the same run.

use std::fs;

use serde_json::Value;

use crate::process::{announce, output};
use crate::setup::{self, Purpose};
use crate::workspace::Workspace;
use crate::{Failure, Outcome, Result};

/// Builds in release and measures. Without names, everything is measured. A goal that is not met is told, and
/// is no failure of this command.
///
/// # Errors
/// When something cannot be built or measured, or there is no measurement of a name.
pub(crate) fn run(workspace: &Workspace, names: &[&str]) -> Result<Outcome> {
    setup::prepare(workspace, Purpose::Drive)?;
    announce("building in release (the first time takes many minutes)");
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "--package", "deskbell-bench", "--bins"]);
    if names.is_empty() || names.contains(&"app") {
        cargo.args(["--package", "deskbell"]);
    }
    crate::process::run(&mut cargo)?;
    announce("measuring; leave the machine alone");
    let mut bench = workspace.command(&workspace.binary("release", "deskbell-bench").to_string_lossy());
    let text = output(bench.args(names).arg("--app").arg(workspace.binary("release", "deskbell")))?;
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
    println!("{:<34} {:>6} {:>12} {:>12} {:>7} {:>9}  met", "measurement", "unit", "ours", "baseline", "ratio", "goal");
    for row in rows {
        let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
        let number = |key: &str| row.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let sign = if text("better") == "lower" { '≤' } else { '≥' };
        let met = if row.get("met") == Some(&Value::Bool(true)) { "yes" } else { "NO" };
        println!(
            "{:<34} {:>6} {:>12.3} {:>12.3} {:>7.2} {:>9}  {met}",
            text("name"),
            text("unit"),
            number("ours"),
            number("baseline"),
            number("ratio"),
            format!("{sign} {:.2}", number("goal")),
        );
    }
}
