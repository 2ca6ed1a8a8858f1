//! TypeScript that is generated from Rust.

use std::fs;

use crate::process::{announce, output, run};
use crate::workspace::Workspace;
use crate::{Failure, Outcome, Result};

/// A generated file: its path, and what the generator is asked for.
const FILES: &[(&str, &str)] =
    &[("ui/src/platform/generated.ts", "page"), ("widget/src/protocol.generated.ts", "widget")];

/// Writes the generated files.
///
/// # Errors
/// When the generator does not compile, or a file cannot be written.
pub(crate) fn write(workspace: &Workspace) -> Result<Outcome> {
    announce("generating TypeScript");
    for (path, text) in generate(workspace)? {
        fs::write(workspace.root.join(path), text).map_err(|error| Failure::new(format!("{path}: {error}")))?;
        println!("wrote {path}");
    }
    Ok(Outcome::Good)
}

/// Records `tests/traces` anew: what a real server says to a client that keeps to the protocol.
///
/// # Errors
/// When a story cannot be played.
pub(crate) fn record_traces(workspace: &Workspace) -> Result<Outcome> {
    announce("recording traces");
    let mut cargo = workspace.cargo();
    run(cargo
        .args(["test", "--quiet", "--package", "deskbell-testkit", "--test", "traces"])
        .env("DESKBELL_RECORD", "1"))?;
    println!("wrote tests/traces; `git diff` shows what the server says otherwise");
    Ok(Outcome::Good)
}

/// The generated files as they should be: path and text.
///
/// # Errors
/// When the generator does not compile.
pub(crate) fn generate(workspace: &Workspace) -> Result<Vec<(&'static str, String)>> {
    let mut cargo = workspace.cargo();
    // With the whole workspace selected, packages are built as everything else builds them, and only once.
    run(cargo.args(["build", "--quiet", "--workspace", "--example", "typescript"]))?;
    let generator = workspace.binary("debug", "examples/typescript").to_string_lossy().into_owned();
    FILES.iter().map(|(path, name)| Ok((*path, output(workspace.command(&generator).arg(name))?))).collect()
}
