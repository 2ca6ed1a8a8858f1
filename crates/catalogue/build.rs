//! Compiles `locales/<language>/native.ftl` into the methods of `Catalogue`.

mod compile;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use compile::Source;

/// Folder names under `locales`; the first is the reference.
const LANGUAGES: [&str; 3] = ["en", "es", "ru"];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => {
            for problem in problems {
                println!("cargo::error={problem}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Vec<String>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=compile.rs");
    let folder = |name: &str| env::var_os(name).map(PathBuf::from).ok_or(vec![format!("cargo did not set {name}")]);
    let locales = folder("CARGO_MANIFEST_DIR")?.join("../../locales");
    let mut texts = Vec::new();
    for language in LANGUAGES {
        let path = locales.join(language).join("native.ftl");
        println!("cargo::rerun-if-changed={}", path.display());
        texts.push(read(&path)?);
    }
    let sources: Vec<Source<'_>> =
        LANGUAGES.into_iter().zip(&texts).map(|(language, text)| Source { language, text }).collect();
    let code = compile::compile(&sources)?;
    let output = folder("OUT_DIR")?.join("catalogue.rs");
    fs::write(&output, code).map_err(|error| vec![format!("{}: {error}", output.display())])
}

fn read(path: &Path) -> Result<String, Vec<String>> {
    fs::read_to_string(path).map_err(|error| vec![format!("{}: {error}", path.display())])
}
