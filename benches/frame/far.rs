//! A terminal that is 150 ms away, each way, where one piece in a hundred is lost and sent again: from the start to the first
//! decision, by somebody who presses a key as soon as anybody can after seeing what it is about; and what a key costs.

use std::time::{Duration, Instant};

use crate::figures::{RUNS, median_and_largest};
use crate::made::Made;
use crate::screen::{COLUMNS, ROWS, Screen, row_of};

const DEEDS: u64 = 20_000;
const WAY: Duration = Duration::from_millis(150);
/// From seeing something to pressing a key.
const REACTS: Duration = Duration::from_millis(200);
const LIMIT: Duration = Duration::from_mins(1);
const KEYS: u32 = 40;
const ENTER: &str = "\r";
const SHIFT_TAB: &str = "\x1b[Z";

pub(crate) fn run() {
    println!(
        "far: {WAY:?} each way, one piece in a hundred lost; start to first decision, {RUNS} runs, {COLUMNS}×{ROWS}"
    );
    let made = Made::fresh(DEEDS);
    let server = made.serve();
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let begun = Instant::now();
        let mut screen = Screen::start_at(WAY, env!("CARGO_BIN_EXE_deeds"), &[], &made.environment());
        screen.until(LIMIT, |text| text.contains("● live") && text.contains("INPUT"));
        let seen = begun.elapsed();
        for (keys, shown) in [
            ("o", "Out of scope"),
            ("not ours", "not ours"),
            (SHIFT_TAB, "[ out of scope"),
            (ENTER, "undoes it"),
        ] {
            screen.listen(REACTS);
            screen.keys(keys);
            screen.until(LIMIT, |text| text.contains(shown));
        }
        let decided = begun.elapsed();
        // Further away than an answer, so that each key is about what was seen.
        screen.listen(WAY * 4);
        let mut bytes = 0;
        for key in ["j", "k"].into_iter().cycle().take(KEYS as usize) {
            let before = row_of(screen.cells());
            screen.keys(key);
            bytes += screen.since(Instant::now(), LIMIT, |cells| row_of(cells) != before).1;
        }
        let each = bytes as f64 / f64::from(KEYS);
        println!("      seen after {seen:.1?}, decided after {decided:.1?}, {each:.0} bytes a key");
        runs.push((decided.as_secs_f64(), each));
        screen.quit();
    }
    let (decided, worst) = median_and_largest(runs.iter().map(|run| run.0));
    let (bytes, most) = median_and_largest(runs.iter().map(|run| run.1));
    println!(
        "      first decision median {decided:.1}, worst {worst:.1} s (target 5); bytes a key median {bytes:.0}, worst {most:.0}"
    );
    Made::end(server);
}
