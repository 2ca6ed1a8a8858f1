//! Where things are.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Failure, Result};

/// Directories that every command needs.
pub(crate) struct Workspace {
    /// The repository.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
    /// Where tools are kept from one checkout to the next.
    pub(crate) tools: PathBuf,
}

impl Workspace {
    /// Finds the repository this program was built from.
    ///
    /// # Errors
    /// When the user has no home directory.
    pub(crate) fn find() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here.ancestors().nth(2).unwrap_or(here).to_owned();
        let cache = cache_directory()?.join("deskbell");
        // A machine that tests every change keeps what it built over fresh checkouts.
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(chosen) => root.join(chosen),
            None if on_ci() => cache.join("target"),
            None => root.join("target"),
        };
        Ok(Self { root, target, tools: cache.join("tools") })
    }

    /// Results that people look at: pictures, logs, reports. Always inside the checkout.
    pub(crate) fn results(&self, name: &str) -> PathBuf {
        self.root.join("target").join(name)
    }

    /// A program that cargo built.
    pub(crate) fn binary(&self, profile: &str, name: &str) -> PathBuf {
        self.target.join(profile).join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// `cargo` in the repository.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = self.command("cargo");
        command.env("CARGO_TARGET_DIR", &self.target);
        command
    }

    /// `npm` in the repository.
    pub(crate) fn npm(&self) -> Command {
        self.command(if cfg!(windows) { "npm.cmd" } else { "npm" })
    }

    /// Any program in the repository, with the kept tools on its path.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("PATH", self.path());
        command
    }

    fn path(&self) -> OsString {
        let given = env::var_os("PATH").unwrap_or_default();
        let directories = std::iter::once(self.tools.join("bin")).chain(env::split_paths(&given));
        env::join_paths(directories).unwrap_or(given)
    }
}

/// Whether a continuous integration service runs this.
pub(crate) fn on_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// The directory for data that may be lost.
fn cache_directory() -> Result<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let found = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else {
        variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")))
    };
    found.ok_or_else(|| Failure::new("there is no home directory: set HOME and try again"))
}
