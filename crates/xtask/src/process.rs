//! Other programs: started, watched, and ended with this one.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Failure, Result};

/// How often a condition is looked at again.
const POLL: Duration = Duration::from_millis(50);

/// Names what is about to take a while.
pub(crate) fn announce(what: &str) {
    eprintln!("── {what}");
}

/// Runs a program to its end, with its output on the terminal.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("`{}` failed ({status})", describe(command)))) }
}

/// Runs a program to its end, with its output on the terminal, and tells how it ended.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().map_err(|error| not_started(command, &error))
}

/// Runs a program and returns what it printed. Its errors go to the terminal.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| not_started(command, &error))?;
    if !output.status.success() {
        return Err(Failure::new(format!("`{}` failed ({})", describe(command), output.status)));
    }
    String::from_utf8(output.stdout).map_err(|_| Failure::new(format!("`{}` printed no text", describe(command))))
}

/// What a quiet program printed, or `None` when it is not there or fails. For looking around.
pub(crate) fn probe(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a program to its end, shows what it says as it says it, and gives every line to `look`.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn watch(command: &mut Command, mut look: impl FnMut(&str)) -> Result<ExitStatus> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| not_started(command, &error))?;
    let (sender, lines) = std::sync::mpsc::channel::<String>();
    let pipes: [Option<Box<dyn std::io::Read + Send>>; 2] =
        [child.stdout.take().map(|pipe| Box::new(pipe) as _), child.stderr.take().map(|pipe| Box::new(pipe) as _)];
    for pipe in pipes.into_iter().flatten() {
        let sender = sender.clone();
        // Ends with the pipe, which ends with the program.
        thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(std::io::Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()).is_err() {
                    break;
                }
            }
        });
    }
    drop(sender);
    for line in lines {
        println!("{line}");
        look(&line);
    }
    child.wait().map_err(|error| not_started(command, &error))
}

/// A program that runs beside this one and is ended when this value goes.
pub(crate) struct Running {
    name: String,
    child: Child,
}

impl Running {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).spawn().map_err(|error| not_started(command, &error))?;
        Ok(Self { name: describe(command), child })
    }

    /// Fails when the program has ended already.
    ///
    /// # Errors
    /// When it has.
    pub(crate) fn still_there(&mut self) -> Result<()> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(Failure::new(format!("`{}` ended too early ({status})", self.name))),
            Err(error) => Err(Failure::new(format!("`{}`: {error}", self.name))),
        }
    }

    /// Waits for its own end.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        self.child.wait().map_err(|error| Failure::new(format!("`{}`: {error}", self.name)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when the program has ended by itself, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `ready` gives something.
///
/// # Errors
/// When `limit` passes first, or `ready` fails.
pub(crate) fn wait_for<T>(what: &str, limit: Duration, mut ready: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = ready()? {
            return Ok(found);
        }
        if began.elapsed() > limit {
            return Err(Failure::new(format!("{what} did not happen within {} seconds", limit.as_secs())));
        }
        thread::sleep(POLL);
    }
}

/// Whether somebody listens there.
pub(crate) fn listens(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
}

/// Whether a program of that name is on the path.
pub(crate) fn is_installed(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path)
            .any(|directory| directory.join(format!("{program}{}", std::env::consts::EXE_SUFFIX)).is_file())
    })
}

/// The command as a person would type it.
fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(format!("`{}` could not be started: {error}", describe(command)))
}
