//! Prints the generated TypeScript: `page` or `widget`. `cargo xtask codegen` runs it.
fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("widget") => print!("{}", deskbell_api::widget_typescript()),
        _ => print!("{}", deskbell_api::typescript()),
    }
}
