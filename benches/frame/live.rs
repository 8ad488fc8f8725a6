//! P10: from a key to the frame that shows it, quiet and while ten thousand deeds a second arrive. P11: what reaches the
//! terminal for following a hundred deeds a second, beside the same deeds printed as lines.

use std::time::{Duration, Instant};

use crate::figures::{RUNS, median_and_largest, millis, percentile};
use crate::load::Load;
use crate::made::Made;
use crate::screen::{COLUMNS, ROWS, Screen, row_of};

const DEEDS: u64 = 20_000;
const LIMIT: Duration = Duration::from_secs(20);
const SETTLE: Duration = Duration::from_secs(2);
/// Keys of one side of a run.
const KEYS: usize = 200;
/// Between two keys, so that each finds the console at rest, or at work on deeds only.
const BETWEEN: Duration = Duration::from_millis(23);
const BUSY: u64 = 10_000;
const FOLLOWED: u64 = 100;
const FOLLOW_FOR: Duration = Duration::from_secs(10);

pub(crate) fn run() {
    let made = Made::fresh(DEEDS);
    let (server, address) = made.serve_at();
    keys(&made, &address);
    follow(&made, &address);
    Made::end(server);
}

fn console(made: &Made, view: &str) -> Screen {
    let mut screen = Screen::start(env!("CARGO_BIN_EXE_deeds"), &[], &made.environment());
    screen.until(LIMIT, |text| text.contains("● live"));
    screen.keys(view);
    screen.listen(SETTLE);
    screen
}

fn keys(made: &Made, address: &str) {
    println!(
        "P10: from a key to the frame that shows it, {KEYS} keys a side in the inbox, {RUNS} runs, {COLUMNS}×{ROWS}"
    );
    let mut screen = console(made, "1");
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let quiet = pressed(&mut screen);
        let load = Load::begin(made, address, BUSY);
        screen.listen(SETTLE);
        let busy = pressed(&mut screen);
        let rate = load.written().1;
        drop(load);
        screen.listen(SETTLE);
        println!(
            "      quiet p50 {:.1} p99 {:.1} ms; {rate:.0} deeds a second: p50 {:.1} p99 {:.1} ms",
            percentile(&quiet, 50),
            percentile(&quiet, 99),
            percentile(&busy, 50),
            percentile(&busy, 99)
        );
        runs.push((percentile(&quiet, 99), percentile(&busy, 99)));
    }
    let (busy, worst) = median_and_largest(runs.iter().map(|run| run.1));
    let (ratio, worst_ratio) = median_and_largest(runs.iter().map(|run| run.1 / run.0));
    println!(
        "      p99 busy median {busy:.1}, worst {worst:.1} ms (target 5); busy / quiet median {ratio:.1}, worst {worst_ratio:.1} (target 3)"
    );
    screen.quit();
}

/// Milliseconds from each key to the chunk with which the chosen row is another.
fn pressed(screen: &mut Screen) -> Vec<f64> {
    let keys = ["j", "k"].into_iter().cycle().take(KEYS);
    keys.map(|key| {
        screen.listen(BETWEEN);
        let before = row_of(screen.cells());
        let moment = Instant::now();
        screen.keys(key);
        millis(screen.since(moment, LIMIT, |cells| row_of(cells) != before).0)
    })
    .collect()
}

fn follow(made: &Made, address: &str) {
    println!(
        "P11: bytes to the terminal for following {FOLLOWED} deeds a second for {FOLLOW_FOR:?} at {COLUMNS}×{ROWS}, beside those deeds as lines"
    );
    let mut screen = console(made, "2");
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let load = Load::begin(made, address, FOLLOWED);
        let bytes = screen.listen(FOLLOW_FOR);
        let written = load.written().0;
        drop(load);
        screen.listen(SETTLE);
        let lines = made.run(&["log", "--limit", &written.to_string()]).len();
        println!("      {written} deeds: {bytes} bytes, as lines {lines}");
        runs.push(bytes as f64 / lines as f64);
    }
    let (ratio, worst) = median_and_largest(runs);
    println!("      ratio median {ratio:.2}, worst {worst:.2} (target 1.0)");
    screen.quit();
}
