//! What is measured, in a process of its own: its memory and processor time are told apart from those of the load,
//! and it can be killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot be made has failed"
)]

mod floor;

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use deskbell_protocol::Role;
use deskbell_server::{Desk, Settings};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Rust and SQLite both take their memory from it: thousands of small pieces for each message, from several threads.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    what: What,
    /// Where it keeps its database. What it told at its first start is kept there as well.
    #[arg(long)]
    data: PathBuf,
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Devices of agents that are signed in, each of an agent of its own up to ten agents.
    #[arg(long, default_value_t = 1)]
    devices: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// The desk server.
    Desk,
    /// The least a chat server of the same durability can do.
    Floor,
}

/// Origin of the shop's pages.
const ORIGIN: &str = "http://shop.test";
/// Agents; further devices are theirs.
const AGENTS: usize = 10;

#[tokio::main]
async fn main() {
    let Arguments { what, data, listen, devices } = Arguments::parse();
    // A socket is an open file, and there are many.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let listener = TcpListener::bind(listen).await.unwrap();
    let address = listener.local_addr().unwrap();
    match what {
        What::Floor => {
            tell(&json!({ "address": address }));
            floor::serve(listener, &data).await;
        }
        What::Desk => {
            let settings = Settings { data: data.clone(), ..Settings::default() };
            let desk = tokio::task::spawn_blocking(move || Desk::open(settings)).await.unwrap().unwrap();
            let mut told = known(&desk, &data, devices).await;
            told["address"] = json!(address);
            tell(&told);
            desk.serve(listener, CancellationToken::new()).await.unwrap();
        }
    }
}

fn tell(what: &Value) {
    println!("{what}");
    std::io::stdout().flush().unwrap();
}

/// Site and devices: made at the first start, and the same after every other.
async fn known(desk: &Desk, data: &Path, devices: usize) -> Value {
    let kept = data.join("told.json");
    if let Ok(text) = fs::read_to_string(&kept) {
        return serde_json::from_str(&text).unwrap();
    }
    let administration = desk.administer();
    let mut agents = Vec::new();
    for number in 0..devices.min(AGENTS) {
        let role = if number == 0 { Role::Owner } else { Role::Agent };
        let (name, email) = (format!("Agent {number}"), format!("agent{number}@desk.test"));
        agents.push(administration.add_agent(&name, &email, &administration.random_password(), role).await.unwrap());
    }
    let site = administration.add_site("Shop", &[ORIGIN.to_owned()]).await.unwrap();
    let mut tokens = Vec::new();
    for number in 0..devices {
        let agent = agents[number % agents.len()].id;
        // Another computer each: the same one that signs in again ends what it had.
        let device = format!("bench {number}");
        tokens.push(administration.sign_in_locally(agent, &device).await.unwrap().access_token);
    }
    let told = json!({ "site": site.key, "origin": ORIGIN, "tokens": tokens });
    fs::write(kept, told.to_string()).unwrap();
    told
}
