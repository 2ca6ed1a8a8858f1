//! What the app costs beside an empty window: time to the first paint, and memory at rest.
//!
//! Both run in release, without a graphics device, on an X server of their own. The app opens an account with fifty
//! conversations and runs the desk inside itself; the empty window is the same program with an empty page.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use deskbell_testkit::Visitor;

use crate::row::Row;

/// Pairs of runs, the app and the empty window in turn.
const PAIRS: usize = 5;
const CONVERSATIONS: usize = 50;
const MESSAGES_EACH: usize = 4;
/// Work of the start is over by then.
const REST: Duration = Duration::from_secs(5);
/// The longest anything may take.
const LIMIT: Duration = Duration::from_secs(60);
/// The shop from which the visitors come.
const ORIGIN: &str = "http://127.0.0.1:4792";

pub(crate) async fn measure(app: &Path) -> Vec<Row> {
    let home = tempfile::tempdir().unwrap();
    let screen = Screen::start(home.path());
    eprintln!("app: filling an account with {CONVERSATIONS} conversations");
    fill(app, &screen).await;
    let (mut paints, mut memory) = (Vec::new(), Vec::new());
    for pair in 1..=PAIRS {
        eprintln!("app: pair {pair} of {PAIRS}");
        let ours = run(app, &screen, &[]);
        let empty = run(app, &screen, &["--empty-window"]);
        paints.push((ours.first_paint_ms, empty.first_paint_ms));
        memory.push((ours.pss_mb, empty.pss_mb));
    }
    vec![
        Row::lower("app against empty window, first paint", "ms", &paints, 1.2),
        Row::lower("app against empty window, PSS", "MB", &memory, 1.2),
    ]
}

/// A program that is killed when it goes.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap_or_else(
            |error| {
                panic!("{}: {error}", command.get_program().to_string_lossy());
            },
        ))
    }

    /// The first line of its output that fits, without the words before.
    fn line(&mut self, begins: &str) -> String {
        let output = self.0.stdout.take().unwrap();
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let found = lines.find_map(|line| line.strip_prefix(begins).map(str::to_owned));
        found.unwrap_or_else(|| panic!("the program ended without a line {begins:?}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An X server with a window manager and a session bus.
struct Screen {
    display: String,
    bus: String,
    home: PathBuf,
    _programs: Vec<Running>,
}

impl Screen {
    fn start(home: &Path) -> Self {
        let mut x = Running::start(Command::new("Xvfb").args(["-displayfd", "1", "-screen", "0", "1600x1000x24"]));
        let display = format!(":{}", x.line(""));
        let mut daemon = Command::new("dbus-daemon");
        let mut daemon = Running::start(daemon.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]));
        let bus = daemon.line("");
        let manager = Running::start(Command::new("openbox").env("DISPLAY", &display));
        Self { display, bus, home: home.to_owned(), _programs: vec![manager, daemon, x] }
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn command(&self, app: &Path) -> Command {
        let mut command = Command::new(app);
        command
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env("HOME", &self.home)
            .env("XDG_CACHE_HOME", self.home.join("cache"))
            .env("XDG_CONFIG_HOME", self.home.join("config"))
            .env("XDG_DATA_HOME", self.home.join("share"))
            .env("DESKBELL_DATA", self.data())
            .env("DESKBELL_KEY_FILE", "1")
            .env_remove("WAYLAND_DISPLAY");
        command
    }
}

/// Makes an account at a desk inside the app, and lets visitors write there.
async fn fill(app: &Path, screen: &Screen) {
    let _app = Running::start(screen.command(app).args(["--try-here", &format!("--allow-origin={ORIGIN}")]));
    let announcement = screen.data().join("local-desk.json");
    let began = Instant::now();
    let desk: serde_json::Value = loop {
        if let Some(read) = fs::read(&announcement).ok().and_then(|text| serde_json::from_slice(&text).ok()) {
            break read;
        }
        assert!(began.elapsed() < LIMIT, "the desk inside the app did not come up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let (address, site) = (desk["address"].as_str().unwrap(), desk["site"].as_str().unwrap());
    for number in 0..CONVERSATIONS {
        let mut visitor = Visitor::arrive_at(address, site, ORIGIN, "Vic").await;
        for message in 0..MESSAGES_EACH {
            visitor.write(&format!("Message {message} of visitor {number}: is the blue teapot still there?")).await;
        }
    }
    // The app has them within milliseconds; this is for its cache to be on disk.
    tokio::time::sleep(Duration::from_secs(2)).await;
}

struct Run {
    first_paint_ms: f64,
    pss_mb: f64,
}

fn run(app: &Path, screen: &Screen, arguments: &[&str]) -> Run {
    let mut running = Running::start(screen.command(app).env("DESKBELL_MEASURE", "1").args(arguments));
    let first_paint_ms = running.line("first-paint ").parse().unwrap();
    std::thread::sleep(REST);
    Run { first_paint_ms, pss_mb: pss_mb(running.0.id()) }
}

/// Proportional set size of a process and all it has started, in megabytes (10^6 bytes).
fn pss_mb(root: u32) -> f64 {
    let parents = parents();
    let mut tree = vec![root];
    let mut kilobytes = 0.0;
    while let Some(pid) = tree.pop() {
        // A process that has ended meanwhile takes nothing.
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        kilobytes += pss.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0);
        tree.extend(parents.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child));
    }
    kilobytes * 1024.0 / 1e6
}

/// Every process with its parent: the fourth field of `/proc/PID/stat`, of which the second may hold spaces.
fn parents() -> Vec<(u32, u32)> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((pid, parent))
        })
        .collect()
}
