//! The messenger is embedded: a new one makes a new server, even where there was none before.

fn main() {
    println!("cargo:rerun-if-changed=../../widget/dist");
    println!("cargo:rerun-if-changed=build.rs");
}
