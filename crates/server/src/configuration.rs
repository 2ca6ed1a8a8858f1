//! What the process is told by a file: `deploy/deskbell-server.toml` shows all of it.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use ipnet::IpNet;
use serde::Deserialize;

use crate::settings::Provider;

/// The settings of the process, as a TOML file has them. What is left out is not decided by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Configuration {
    /// The data directory.
    pub data: Option<PathBuf>,
    /// Where to listen.
    pub listen: Option<SocketAddr>,
    /// Networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Option<Vec<IpNet>>,
    /// The origin under which browsers reach the server.
    pub public_origin: Option<String>,
    /// A city-level database in MaxMind's format.
    pub geo_database: Option<PathBuf>,
    /// Where to listen for Prometheus alone.
    pub metrics_listen: Option<SocketAddr>,
    /// What a line of the log is.
    pub log_format: Option<LogFormat>,
    /// Networks besides the internet to which webhooks may lead.
    pub webhook_networks: Option<Vec<IpNet>>,
    /// Most sockets of visitors from one address at a time.
    pub visitor_sockets_per_address: Option<NonZeroUsize>,
    /// Most new visitors from one address in an hour.
    pub new_visitors_per_address: Option<NonZeroU32>,
    /// Where agents may sign in besides.
    pub provider: Option<Provider>,
}

/// What a line of the log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Words for people.
    #[default]
    Text,
    /// An object for programs.
    Json,
}

/// Why a file of settings is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// It is no TOML, or has a key that there is not, or a value that is none.
    #[error("{path}: {source}")]
    Malformed {
        /// Which file.
        path: String,
        /// The line, the key, and what is wrong with it.
        source: Box<toml::de::Error>,
    },
}

impl Configuration {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigurationError`], with the line and the key.
    pub fn read(file: &Path) -> Result<Self, ConfigurationError> {
        let path = || file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|source| ConfigurationError::Io { path: path(), source })?;
        toml::from_str(&text).map_err(|source| ConfigurationError::Malformed { path: path(), source: Box::new(source) })
    }
}
