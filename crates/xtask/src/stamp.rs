//! Skips work whose inputs have not changed.

use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};

use crate::{Failure, Result};

/// Directories that hold results, not inputs.
const RESULTS: &[&str] = &["node_modules", "dist", "target", ".git"];

/// Remembers, in a file beside a result, what the result was made from.
pub(crate) struct Stamp {
    file: PathBuf,
    inputs: String,
}

impl Stamp {
    /// Reads the inputs: files, and directories with all they hold. A missing one counts as empty.
    ///
    /// # Errors
    /// When one cannot be read.
    pub(crate) fn of(file: PathBuf, inputs: &[PathBuf]) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        for input in inputs {
            add(input, &mut hasher).map_err(|error| Failure::new(format!("{}: {error}", input.display())))?;
        }
        Ok(Self { file, inputs: format!("{:016x}", hasher.finish()) })
    }

    /// Whether the result is that of these inputs.
    pub(crate) fn is_current(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|kept| kept == self.inputs)
    }

    /// The result has been made.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn keep(&self) -> Result<()> {
        fs::write(&self.file, &self.inputs).map_err(|error| Failure::new(format!("{}: {error}", self.file.display())))
    }
}

fn add(path: &Path, hasher: &mut DefaultHasher) -> std::io::Result<()> {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<_>>()?;
        entries.sort();
        for entry in entries {
            if !entry.file_name().is_some_and(|name| RESULTS.iter().any(|result| name == *result)) {
                add(&entry, hasher)?;
            }
        }
    } else if path.is_file() {
        hasher.write(path.to_string_lossy().as_bytes());
        hasher.write(&fs::read(path)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn directory(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("deskbell-stamp-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(directory.join("inputs/dist")).unwrap();
        fs::write(directory.join("inputs/page.ts"), "one").unwrap();
        directory
    }

    #[test]
    fn a_result_is_current_until_an_input_changes() {
        let directory = directory("change");
        let stamp = || Stamp::of(directory.join("stamp"), &[directory.join("inputs")]).unwrap();
        assert!(!stamp().is_current(), "nothing was made yet");
        stamp().keep().unwrap();
        assert!(stamp().is_current());
        fs::write(directory.join("inputs/page.ts"), "two").unwrap();
        assert!(!stamp().is_current());
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn results_are_not_inputs() {
        let directory = directory("results");
        let stamp = || Stamp::of(directory.join("stamp"), &[directory.join("inputs")]).unwrap();
        stamp().keep().unwrap();
        fs::write(directory.join("inputs/dist/page.js"), "made").unwrap();
        assert!(stamp().is_current());
        fs::remove_dir_all(directory).unwrap();
    }
}
