//! P13: a map of 500 rules anywhere in a tree, each another's and each with every later one as an exception: imported from
//! CODEOWNERS, read, and checked whether two agents may write one path.
//!
//! `cargo bench --bench overlap` prints the time of each. Five runs; median and worst.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may stop at the first surprise")]

use std::fmt::Write;
use std::time::Instant;

use deeds::domain::map::codeowners::{DEFAULT_PREFIX, Frame, import};
use deeds::domain::map::parse;

const RULES: usize = 500;
const RUNS: usize = 5;

fn main() {
    println!("P13: {RULES} rules anywhere in a tree (target: import ≤ 1 s, check ≤ 1 s)");
    for owners in [500, 50] {
        let mut text = String::new();
        for rule in 0..RULES {
            let name = if rule % 3 == 0 { format!("*_{rule}.rs") } else { format!("name{rule}.txt") };
            writeln!(text, "{name} @team{}", rule % owners).unwrap();
        }
        let mut import_ms = Vec::new();
        let mut check_ms = Vec::new();
        let mut bytes = 0;
        for _ in 0..RUNS {
            let frame = Frame {
                dialect: None,
                workspace: "bench".parse().unwrap(),
                prefix: DEFAULT_PREFIX.parse().unwrap(),
                owner: "dana".parse().unwrap(),
            };
            let start = Instant::now();
            let file = import(&text, &frame).to_toml("CODEOWNERS");
            import_ms.push(start.elapsed().as_secs_f64() * 1e3);
            bytes = file.len();
            let start = Instant::now();
            assert!(!parse(&file).has_errors());
            check_ms.push(start.elapsed().as_secs_f64() * 1e3);
        }
        import_ms.sort_by(f64::total_cmp);
        check_ms.sort_by(f64::total_cmp);
        println!(
            "{owners:>4} owners, a map of {:>4} KB: import median {:>5.0} ms, worst {:>5.0} ms; check median {:>5.0} ms, worst {:>5.0} ms",
            bytes / 1000,
            import_ms[RUNS / 2],
            import_ms[RUNS - 1],
            check_ms[RUNS / 2],
            check_ms[RUNS - 1],
        );
    }
}
