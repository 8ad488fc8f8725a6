//! The console: one frame drawn, the way from the command to the first full frame (P8), standing still (P9), a key while deeds
//! arrive (P10) and following them (P11), a terminal that is far away, and scrolling through a million deeds.
//!
//! `cargo bench --bench frame` runs all parts, `cargo bench --bench frame -- draw` (or another of [`PARTS`]) one of
//! them. `start` and `scroll` make a data directory with a million deeds first, which takes longer than everything else; where
//! `DEEDS_BENCH_DIR` names a directory, it is made there once and used again.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench may stop at the first surprise"
)]

mod draw;
mod far;
mod figures;
mod idle;
mod live;
mod load;
mod made;
mod screen;
mod scroll;
mod start;

/// The parts, by the word that selects them.
const PARTS: [(&str, fn()); 6] = [
    ("draw", draw::run),
    ("start", start::run),
    ("idle", idle::run),
    ("live", live::run),
    ("far", far::run),
    ("scroll", scroll::run),
];

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
