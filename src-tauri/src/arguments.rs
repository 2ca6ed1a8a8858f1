//! What the app may be told on the command line and by its environment.

use std::path::PathBuf;

/// How this run was started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// `--try-here`: without an account, start the desk inside the app and sign in at it.
    pub try_here: bool,
    /// `--allow-origin=ORIGIN`, repeatable: origins whose pages may show the widget of the desk inside the app.
    pub allow_origins: Vec<String>,
    /// `--hidden`: start in the tray.
    pub hidden: bool,
    /// `--empty-window`: open an empty page instead of the app's, to measure what a window costs by itself.
    pub empty_window: bool,
    /// `DESKBELL_DATA`: the directory of all data; otherwise the system's place for it.
    pub data: Option<PathBuf>,
    /// `DESKBELL_MEASURE`: print the time to the first paint, for `cargo xtask bench`.
    pub measure: bool,
    /// `DESKBELL_KEY_FILE`: keep the key of the databases in a file, even where there is a keychain.
    pub key_file: bool,
}

impl Arguments {
    /// Reads arguments and environment. Unknown arguments are ignored with a warning, because a desktop may add its own.
    pub fn read() -> Self {
        let mut found = Self::parse(std::env::args().skip(1));
        found.data = std::env::var_os("DESKBELL_DATA").filter(|path| !path.is_empty()).map(PathBuf::from);
        found.measure = std::env::var_os("DESKBELL_MEASURE").is_some();
        found.key_file = std::env::var_os("DESKBELL_KEY_FILE").is_some();
        found
    }

    fn parse(arguments: impl Iterator<Item = String>) -> Self {
        let mut found = Self::default();
        for argument in arguments {
            match argument.as_str() {
                "--try-here" => found.try_here = true,
                "--hidden" => found.hidden = true,
                "--empty-window" => found.empty_window = true,
                other => match other.strip_prefix("--allow-origin=") {
                    Some(origin) => found.allow_origins.push(origin.to_owned()),
                    None => tracing::warn!(argument = other, "unknown argument"),
                },
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_argument_does_not_keep_the_app_from_starting() {
        let found = Arguments::parse(
            ["--whatever", "--try-here", "--allow-origin=http://a.test"].map(String::from).into_iter(),
        );
        assert!(found.try_here);
        assert_eq!(found.allow_origins, ["http://a.test"]);
    }
}
