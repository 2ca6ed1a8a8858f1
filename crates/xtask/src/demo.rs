//! Builds everything and shows it.

use std::env;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::process::{self, Running, announce, listens, wait_for};
use crate::setup::{self, Purpose};
use crate::workspace::Workspace;
use crate::{Failure, Outcome, Result};

/// Where the demo shop stands. The desk inside the app lets its pages show the messenger.
const SHOP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4792);

/// The longest the desk may take to come up: the first start makes its database.
const DESK_LIMIT: Duration = Duration::from_secs(30);

/// Builds and starts the app with a desk inside, and a shop whose pages carry the messenger.
///
/// # Errors
/// When something could not be installed, built or started; the sentence says what to do.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let display = has_display();
    setup::prepare(workspace, if display { Purpose::Build } else { Purpose::Drive })?;
    announce("building the app and the shop (the first time takes minutes)");
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--package", "deskbell", "--package", "deskbell-testkit", "--bins"]);
    process::run(&mut cargo)?;
    if display {
        watch(workspace)
    } else {
        setup::tools(workspace, &[&setup::TAURI_DRIVER])?;
        play(workspace)
    }
}

fn has_display() -> bool {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// With a display: the person plays both parts.
fn watch(workspace: &Workspace) -> Result<Outcome> {
    if listens(SHOP) {
        return Err(Failure::new(format!(
            "something listens on {SHOP} already: end it (an earlier demo?) and try again"
        )));
    }
    let data = workspace.results("demo").join("data");
    fs::create_dir_all(&data).map_err(|error| Failure::new(format!("{}: {error}", data.display())))?;
    let announcement = data.join("local-desk.json");
    // What an earlier run announced may be true no more.
    if announcement.exists() {
        fs::remove_file(&announcement).map_err(|error| Failure::new(format!("{}: {error}", announcement.display())))?;
    }
    let mut command = workspace.command(&workspace.binary("debug", "deskbell").to_string_lossy());
    command
        .env("DESKBELL_DATA", &data)
        .env("DESKBELL_KEY_FILE", "1")
        .args(["--try-here", &format!("--allow-origin=http://{SHOP}")]);
    let mut app = Running::start(&mut command)?;
    let (address, site) = wait_for("the start of the desk inside the app", DESK_LIMIT, || {
        app.still_there()?;
        Ok(fs::read_to_string(&announcement).ok().and_then(|text| read_announcement(&text)))
    })?;
    let mut command = workspace.command(&workspace.binary("debug", "demo-shop").to_string_lossy());
    command.args(["--listen", &SHOP.to_string(), "--desk", &address, "--site", &site]);
    let mut shop = Running::start(&mut command)?;
    wait_for("the start of the shop", Duration::from_secs(10), || {
        shop.still_there()?;
        Ok(listens(SHOP).then_some(()))
    })?;
    let page = format!("http://{SHOP}/");
    println!("\nThe shop is at {page}, the desk at {address}. Write something in the shop's messenger.");
    println!("Quit the app, or press Ctrl+C here, to end the demo. It keeps its data in {}.", data.display());
    if let Err(failure) = open_in_browser(workspace, &page) {
        println!("No browser could be opened ({failure}): open {page} yourself.");
    }
    let status = app.wait()?;
    Ok(if status.success() { Outcome::Good } else { Outcome::Bad })
}

/// Reads `{"address": …, "site": …}`; `None` while it is being written.
fn read_announcement(text: &str) -> Option<(String, String)> {
    let value: Value = serde_json::from_str(text).ok()?;
    Some((value.get("address")?.as_str()?.to_owned(), value.get("site")?.as_str()?.to_owned()))
}

fn open_in_browser(workspace: &Workspace, page: &str) -> Result<()> {
    let mut command = if cfg!(target_os = "macos") {
        workspace.command("open")
    } else if cfg!(windows) {
        let mut command = workspace.command("cmd");
        command.args(["/C", "start", ""]);
        command
    } else {
        workspace.command("xdg-open")
    };
    process::run(command.arg(page))
}

/// Without a display: a script plays both parts.
fn play(workspace: &Workspace) -> Result<Outcome> {
    announce("no display: playing a short conversation by script");
    let mut node = workspace.command("node");
    node.arg("tests/e2e/demo.mjs").arg(workspace.results("demo"));
    end_to_end_environment(workspace, &mut node)?;
    process::run(&mut node)?;
    println!("\nPictures of the app and the shop are in {}.", workspace.results("demo").display());
    Ok(Outcome::Good)
}

/// Tells the journeys where the programs are.
///
/// # Errors
/// When there is no browser.
pub(crate) fn end_to_end_environment(workspace: &Workspace, command: &mut Command) -> Result<()> {
    let browser = setup::browser().ok_or_else(|| Failure::new("no Chromium was found"))?;
    command
        .env("DESKBELL_BIN", workspace.target.join("debug"))
        .env("DESKBELL_BROWSER", browser)
        .env("DESKBELL_RESULTS", workspace.results("e2e"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_announcement_is_none() {
        assert_eq!(read_announcement(""), None);
        assert_eq!(read_announcement("{\"address\":\"http://127.0.0.1:4791\",\"si"), None);
        let whole = read_announcement("{\"address\":\"http://127.0.0.1:4791\",\"site\":\"key\"}");
        assert_eq!(whole, Some(("http://127.0.0.1:4791".into(), "key".into())));
    }
}
