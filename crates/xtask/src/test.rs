//! Every check and every test, one after the other, with a table and a count at the end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::{announce, watch};
use crate::setup::{self, Purpose};
use crate::workspace::Workspace;
use crate::{Failure, Outcome, Result, demo, tidy};

/// How much is tested.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Everything,
    /// Without the end-to-end journeys.
    Quick,
}

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Counts {
    const PASSED: Self = Self { passed: 1, failed: 0, skipped: 0 };
    const FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };
    const SKIPPED: Self = Self { passed: 0, failed: 0, skipped: 1 };
}

/// One line of the table.
struct Step {
    name: &'static str,
    took: Duration,
    counts: Counts,
    /// Why something was skipped or failed; may be empty.
    remark: String,
}

/// Collects the steps.
struct Report {
    steps: Vec<Step>,
}

impl Report {
    /// Does a step and keeps how it went. A step that cannot even start has failed; the others go on.
    fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<(Counts, String)>) -> bool {
        announce(name);
        let began = Instant::now();
        let (counts, remark) = work().unwrap_or_else(|failure| (Counts::FAILED, failure.to_string()));
        self.steps.push(Step { name, took: began.elapsed(), counts, remark });
        counts.failed == 0
    }

    /// A step that is one program: it counts as one test.
    fn program(&mut self, name: &'static str, command: &mut Command) -> bool {
        self.step(name, || Ok((check(command)?, String::new())))
    }

    /// A step whose program runs tests and says how many.
    fn tests(&mut self, name: &'static str, command: &mut Command, tally: &mut dyn Tally) -> bool {
        self.step(name, || {
            let status = watch(command, |line| tally.look(&plain(line)))?;
            Ok(judge(tally.counts(), status.success()))
        })
    }

    /// A step that is left out, with the reason.
    fn skip(&mut self, name: &'static str, reason: &str) {
        self.steps.push(Step { name, took: Duration::ZERO, counts: Counts::SKIPPED, remark: reason.to_owned() });
    }

    fn total(&self) -> Counts {
        self.steps.iter().fold(Counts::default(), |sum, step| Counts {
            passed: sum.passed + step.counts.passed,
            failed: sum.failed + step.counts.failed,
            skipped: sum.skipped + step.counts.skipped,
        })
    }

    fn print(&self) {
        println!("\n{:<34} {:>8} {:>7} {:>7} {:>8}", "step", "time", "passed", "failed", "skipped");
        for Step { name, took, counts, remark } in &self.steps {
            let Counts { passed, failed, skipped } = counts;
            println!("{name:<34} {:>7.1}s {passed:>7} {failed:>7} {skipped:>8}", took.as_secs_f64());
            if !remark.is_empty() {
                println!("    {remark}");
            }
        }
        let Counts { passed, failed, skipped } = self.total();
        println!("\n{passed} passed, {failed} failed, {skipped} skipped");
    }
}

/// Runs everything.
///
/// # Errors
/// When what the tests stand on cannot be installed or built.
pub(crate) fn run(workspace: &Workspace, extent: Extent) -> Result<Outcome> {
    let began = Instant::now();
    setup::prepare(workspace, if extent == Extent::Everything { Purpose::Drive } else { Purpose::Check })?;
    setup::tools(workspace, &[&setup::NEXTEST, &setup::DENY])?;
    let schemathesis = setup::schemathesis(workspace)?;
    let mut report = Report { steps: Vec::new() };
    report.steps.push(Step { name: "set-up", took: began.elapsed(), counts: Counts::default(), remark: String::new() });

    rust(workspace, &schemathesis, &mut report);
    pages(workspace, &mut report);
    match extent {
        Extent::Everything => journeys(workspace, &mut report),
        Extent::Quick => report.skip("end-to-end", "--quick leaves it out"),
    }
    report.print();
    Ok(if report.total().failed == 0 { Outcome::Good } else { Outcome::Bad })
}

fn rust(workspace: &Workspace, schemathesis: &Path, report: &mut Report) {
    report.program("rustfmt", workspace.cargo().args(["fmt", "--all", "--check"]));
    report.program(
        "clippy",
        workspace.cargo().args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"]),
    );
    report.program(
        "cargo-deny: bans, licences, sources",
        workspace.cargo().args(["deny", "--all-features", "check", "bans", "licenses", "sources"]),
    );
    report.step("cargo-deny: advisories", || advisories(workspace));
    report.step("tidy", || {
        let good = tidy::run(workspace)? == Outcome::Good;
        Ok((if good { Counts::PASSED } else { Counts::FAILED }, String::new()))
    });
    report.tests(
        "Rust tests",
        workspace
            .cargo()
            .args(["nextest", "run", "--workspace", "--profile", "ci", "--no-fail-fast"])
            .env("DESKBELL_SCHEMATHESIS", schemathesis),
        &mut Nextest::default(),
    );
}

/// The list of advisories is fetched from the network, which a machine that only builds may not reach.
fn advisories(workspace: &Workspace) -> Result<(Counts, String)> {
    const DATABASE: &str = "https://github.com/RustSec/advisory-db";
    let mut git = workspace.command("git");
    git.args(["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=10", "ls-remote", "--quiet", DATABASE, "HEAD"]);
    git.env("GIT_TERMINAL_PROMPT", "0").stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    if !crate::process::status(&mut git)?.success() {
        return Ok((Counts::SKIPPED, format!("skipped: {DATABASE} cannot be reached from here")));
    }
    Ok((check(workspace.cargo().args(["deny", "--all-features", "check", "advisories"]))?, String::new()))
}

fn pages(workspace: &Workspace, report: &mut Report) {
    for (page, check, test) in
        [("ui", "ui: types and style", "ui: Vitest"), ("widget", "widget: types and style", "widget: Vitest")]
    {
        let script = |name: &str| {
            let mut npm = workspace.npm();
            npm.args(["run", "--silent", name, "--workspace", page]);
            npm
        };
        report.program(check, &mut script("check"));
        report.tests(test, &mut script("test"), &mut Vitest::default());
    }
}

/// The journeys through the real thing. They run alone: a compile beside them makes WebDriver sessions hang.
fn journeys(workspace: &Workspace, report: &mut Report) {
    let built = report.step("end-to-end: build", || {
        setup::tools(workspace, &[&setup::TAURI_DRIVER])?;
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--package", "deskbell", "--package", "deskbell-server"]);
        cargo.args(["--package", "deskbell-devhost", "--package", "deskbell-testkit", "--bins"]);
        Ok((check(&mut cargo)?, String::new()))
    });
    if !built {
        report.skip("end-to-end: journeys", "skipped: what they drive could not be built");
        return;
    }
    let mut node = workspace.command("node");
    node.args(["--test", "--test-reporter=spec", "--test-concurrency=1"]);
    match stories(workspace).and_then(|stories| demo::end_to_end_environment(workspace, node.args(stories))) {
        Ok(()) => report.tests("end-to-end: journeys", &mut node, &mut NodeTests::default()),
        Err(failure) => report.step("end-to-end: journeys", || Err(failure)),
    };
    const MESSENGER: &str = "end-to-end: the messenger alone";
    let mut look = workspace.npm();
    look.args(["run", "--silent", "look", "--workspace", "widget"]);
    match demo::end_to_end_environment(workspace, &mut look) {
        Ok(()) => report.program(MESSENGER, &mut look),
        Err(failure) => report.step(MESSENGER, || Err(failure)),
    };
}

/// The journeys' files. Named one by one, because versions of Node differ in what a directory means to them.
fn stories(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let directory = workspace.root.join("tests/e2e/journeys");
    let unreadable = |error: std::io::Error| Failure::new(format!("{}: {error}", directory.display()));
    let mut files = Vec::new();
    for entry in fs::read_dir(&directory).map_err(unreadable)? {
        files.push(entry.map_err(unreadable)?.path());
    }
    files.retain(|file| file.to_string_lossy().ends_with(".test.mjs"));
    files.sort();
    Ok(files)
}

fn check(command: &mut Command) -> Result<Counts> {
    Ok(if crate::process::status(command)?.success() { Counts::PASSED } else { Counts::FAILED })
}

/// A program that failed without a failed test, or that ran no test at all, has failed.
fn judge(counts: Option<Counts>, success: bool) -> (Counts, String) {
    match counts {
        Some(counts) if counts.failed == 0 && !success => {
            (Counts { failed: 1, ..counts }, "it failed beside its tests; see above".into())
        }
        Some(counts) if counts.passed + counts.failed > 0 => (counts, String::new()),
        _ => (Counts::FAILED, "it ran no tests; see above".into()),
    }
}

/// Reads from a test runner's output how many tests ended how.
trait Tally {
    /// One line, without colours.
    fn look(&mut self, line: &str);
    /// The last count that was seen.
    fn counts(&self) -> Option<Counts>;
}

/// `     Summary [   1.2s] 9 tests run: 8 passed (1 slow), 1 failed, 2 skipped`
#[derive(Default)]
struct Nextest(Option<Counts>);

impl Tally for Nextest {
    fn look(&mut self, line: &str) {
        let Some((_, numbers)) = line.trim_start().strip_prefix("Summary [").and_then(|rest| rest.split_once("run:"))
        else {
            return;
        };
        self.0 = Some(Counts {
            passed: number_before(numbers, "passed"),
            failed: number_before(numbers, "failed")
                + number_before(numbers, "timed out")
                + number_before(numbers, "exec failed"),
            skipped: number_before(numbers, "skipped"),
        });
    }

    fn counts(&self) -> Option<Counts> {
        self.0
    }
}

/// `      Tests  1 failed | 8 passed | 2 skipped (11)`
#[derive(Default)]
struct Vitest(Option<Counts>);

impl Tally for Vitest {
    fn look(&mut self, line: &str) {
        let Some(numbers) = line.trim_start().strip_prefix("Tests  ") else { return };
        self.0 = Some(Counts {
            passed: number_before(numbers, "passed"),
            failed: number_before(numbers, "failed"),
            skipped: number_before(numbers, "skipped") + number_before(numbers, "todo"),
        });
    }

    fn counts(&self) -> Option<Counts> {
        self.0
    }
}

/// `ℹ pass 8`, `ℹ fail 1`, `ℹ cancelled 0`, `ℹ skipped 2`, `ℹ todo 0`, each on a line of its own.
#[derive(Default)]
struct NodeTests(Option<Counts>);

impl Tally for NodeTests {
    fn look(&mut self, line: &str) {
        let mut words = line.strip_prefix("ℹ ").unwrap_or_default().split(' ');
        let (Some(what), Some(Ok(number))) = (words.next(), words.next().map(str::parse::<u64>)) else { return };
        let counts = self.0.get_or_insert_default();
        match what {
            "pass" => counts.passed = number,
            "fail" | "cancelled" => counts.failed += number,
            "skipped" | "todo" => counts.skipped += number,
            _ => {}
        }
    }

    fn counts(&self) -> Option<Counts> {
        self.0
    }
}

/// The number that stands before a word, or 0: `8` for "passed" in "8 passed (1 slow), 1 failed".
fn number_before(text: &str, word: &str) -> u64 {
    text.split([',', '|', '('])
        .filter_map(|part| part.trim().split_once(' '))
        .find(|(_, rest)| rest.trim_end_matches(')').trim() == word)
        .and_then(|(number, _)| number.parse().ok())
        .unwrap_or(0)
}

/// A line without the escapes that colour it.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut escaped = false;
    for letter in line.chars() {
        match letter {
            '\u{1b}' => escaped = true,
            'm' if escaped => escaped = false,
            _ if escaped => {}
            _ => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(mut tally: impl Tally, lines: &[&str]) -> Option<Counts> {
        for line in lines {
            tally.look(&plain(line));
        }
        tally.counts()
    }

    #[test]
    fn the_summary_of_nextest_is_read() {
        let lines = [
            "    PASS [   0.004s] x y",
            "     Summary [   1.204s] 9 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 2 skipped",
        ];
        assert_eq!(tally(Nextest::default(), &lines), Some(Counts { passed: 7, failed: 2, skipped: 2 }));
        assert_eq!(
            tally(
                Nextest::default(),
                &["\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] 1 test run: 1 \u{1b}[32mpassed\u{1b}[0m, 0 skipped"]
            ),
            Some(Counts { passed: 1, failed: 0, skipped: 0 })
        );
    }

    #[test]
    fn the_summary_of_vitest_is_read() {
        let lines = [" Test Files  1 failed | 2 passed (3)", "      Tests  1 failed | 8 passed | 2 skipped (11)"];
        assert_eq!(tally(Vitest::default(), &lines), Some(Counts { passed: 8, failed: 1, skipped: 2 }));
        assert_eq!(
            tally(Vitest::default(), &["      Tests  8 passed (8)"]),
            Some(Counts { passed: 8, failed: 0, skipped: 0 })
        );
    }

    #[test]
    fn the_summary_of_node_is_read() {
        let lines = [
            "ℹ tests 5",
            "ℹ suites 0",
            "ℹ pass 2",
            "ℹ fail 1",
            "ℹ cancelled 1",
            "ℹ skipped 1",
            "ℹ todo 0",
            "ℹ duration_ms 10.5",
        ];
        assert_eq!(tally(NodeTests::default(), &lines), Some(Counts { passed: 2, failed: 2, skipped: 1 }));
    }

    #[test]
    fn a_runner_that_ran_nothing_or_broke_down_has_failed() {
        assert_eq!(judge(None, true).0, Counts::FAILED);
        assert_eq!(judge(Some(Counts::default()), true).0, Counts::FAILED);
        assert_eq!(judge(Some(Counts::PASSED), false).0.failed, 1);
        assert_eq!(judge(Some(Counts::PASSED), true), (Counts::PASSED, String::new()));
    }
}
