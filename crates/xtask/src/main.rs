//! The project's own commands. `cargo xtask` without a name lists them.

mod bench;
mod codegen;
mod demo;
mod process;
mod setup;
mod stamp;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use workspace::Workspace;

const USAGE: &str = "\
cargo xtask <command>

  demo             build everything, start a desk and a small shop, and open both
  test [--quick]   every check and every test; --quick leaves the end-to-end journeys out
  bench [NAME…]    ratios against baselines measured in the same run: app, cache, relay, search
  codegen          write the TypeScript that is generated from Rust
  traces           record the traces anew that both clients replay
  tidy             hold the architecture's invariants
  setup            install what demo and test need, and build the pages
";

/// Why a command of this program stopped: sentences for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

type Result<T> = std::result::Result<T, Failure>;

/// Whether everything that was asked for went well. A command that answers `Bad` has said why.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Good,
    Bad,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<Outcome> {
    let workspace = Workspace::find()?;
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["demo"] => demo::run(&workspace),
        ["test"] => test::run(&workspace, test::Extent::Everything),
        ["test", "--quick"] => test::run(&workspace, test::Extent::Quick),
        ["bench", names @ ..] => bench::run(&workspace, names),
        ["codegen"] => codegen::write(&workspace),
        ["traces"] => codegen::record_traces(&workspace),
        ["tidy"] => tidy::run(&workspace),
        ["setup"] => setup::everything(&workspace).map(|()| Outcome::Good),
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(Outcome::Good)
        }
        _ => Err(Failure::new(format!("there is no command {:?}.\n\n{USAGE}", arguments.join(" ")))),
    }
}
