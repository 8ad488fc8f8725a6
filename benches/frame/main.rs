//! The console: one frame drawn, the way from the command to the first full frame (P8), and standing still (P9).
//!
//! `cargo bench --bench frame` runs all three parts, `cargo bench --bench frame -- draw` (or `start`, `idle`) one of
//! them. `start` makes a data directory with a million deeds first, which takes longer than everything else; where
//! `DEEDS_BENCH_DIR` names a directory, it is made there once and used again.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench may stop at the first surprise"
)]

mod draw;
mod figures;
mod idle;
mod made;
mod screen;
mod start;

/// The parts, by the word that selects them.
const PARTS: [(&str, fn()); 3] = [("draw", draw::run), ("start", start::run), ("idle", idle::run)];

fn main() {
    // cargo itself adds `--bench`.
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    for word in &asked {
        let known = PARTS.map(|part| part.0);
        assert!(
            known.contains(&word.as_str()),
            "there is no part {word:?}; the parts are {}",
            known.join(", ")
        );
    }
    for (name, run) in PARTS {
        if asked.is_empty() || asked.iter().any(|word| word == name) {
            run();
        }
    }
}
