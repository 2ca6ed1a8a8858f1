//! Thousands of stories, each another one. A failing seed is printed; `cargo run -p deskbell-simulation -- --seeds 1
//! --from SEED` shows it again.

use deskbell_simulation::{Story, run};

/// Seeds of one test on a machine that tests everything, and on a desk where somebody waits.
const MANY: u64 = 250;
const FEW: u64 = 25;

fn play(share: u64) {
    let everything = std::env::var_os("CI").is_some();
    let wanted = std::env::var("DESKBELL_SEEDS").ok().and_then(|text| text.parse().ok());
    let seeds = wanted.unwrap_or(if everything { MANY } else { FEW });
    let failures: Vec<String> = (share * seeds..(share + 1) * seeds)
        .filter_map(|seed| run(seed, Story::default()).err())
        .map(|failure| failure.to_string())
        .collect();
    assert!(failures.is_empty(), "{} of {seeds} seeds failed:\n{}", failures.len(), failures.join("\n"));
}

/// Tests run beside each other, each with its share of the seeds.
macro_rules! shares {
    ($($name:ident = $share:literal),*) => {
        $(#[test] fn $name() { play($share); })*
    };
}

shares! {
    dc_01_everything_converges_1 = 0,
    dc_01_everything_converges_2 = 1,
    dc_01_everything_converges_3 = 2,
    dc_01_everything_converges_4 = 3,
    dc_01_everything_converges_5 = 4,
    dc_01_everything_converges_6 = 5,
    dc_01_everything_converges_7 = 6,
    dc_01_everything_converges_8 = 7
}
