//! Runs many seeds, and says which fail.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use clap::Parser;
use deskbell_simulation::{Story, run};

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 100_000)]
    seeds: u64,
    /// The first one.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Never restore the desk from a backup.
    #[arg(long)]
    no_restores: bool,
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a program for people")]
fn main() -> ExitCode {
    let Arguments { seeds, from, no_restores } = Arguments::parse();
    let story = Story { restores: !no_restores, ..Story::default() };
    std::panic::set_hook(Box::new(|_| {}));
    let next = AtomicU64::new(from);
    let failed = AtomicU64::new(0);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + seeds {
                        return;
                    }
                    if let Err(failure) = run(seed, story) {
                        failed.fetch_add(1, Ordering::Relaxed);
                        eprintln!("{failure}");
                    }
                    if seed % 1_000 == 999 {
                        println!("{} seeds", seed + 1 - from);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    println!("{seeds} seeds, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
