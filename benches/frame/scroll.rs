//! Scrolling through a million deeds in the log: from a key to the rows that it brings, page by page, and to
//! its very beginning and end.

use std::time::{Duration, Instant};

use crate::figures::{median_and_largest, millis, percentile};
use crate::made::Made;
use crate::screen::{COLUMNS, ROWS, Screen};

const DEEDS: u64 = 1_000_000;
const LIMIT: Duration = Duration::from_secs(20);
const SETTLE: Duration = Duration::from_secs(2);
/// Lines above the rows.
const ABOVE: usize = 5;
const PAGES: usize = 500;
const LEAPS: usize = 20;
const PAGE_UP: &str = "\x1b[5~";
const HOME: &str = "\x1b[H";
const END: &str = "\x1b[F";

pub(crate) fn run() {
    println!("scroll: from a key to the rows that it brings, {DEEDS} deeds, {COLUMNS}×{ROWS}");
    let made = Made::with(DEEDS);
    let server = made.serve();
    let mut screen = Screen::start(env!("CARGO_BIN_EXE_deeds"), &[], &made.environment());
    screen.until(LIMIT, |text| text.contains("● live"));
    screen.keys("2");
    screen.listen(SETTLE);
    let pages: Vec<f64> = (0..PAGES).map(|_| moved(&mut screen, PAGE_UP)).collect();
    let leaps: Vec<f64> =
        [HOME, END].into_iter().cycle().take(LEAPS).map(|key| moved(&mut screen, key)).collect();
    for (name, times) in [("page up", &pages), ("home, end", &leaps)] {
        println!(
            "{name:>10}: p50 {:.1}, p99 {:.1}, worst {:.1} ms (target: none over 50)",
            percentile(times, 50),
            percentile(times, 99),
            median_and_largest(times.iter().copied()).1
        );
    }
    screen.quit();
    Made::end(server);
}

/// Milliseconds from a key to the chunk with which the rows are others.
fn moved(screen: &mut Screen, key: &str) -> f64 {
    let before = rows(&screen.text());
    let moment = Instant::now();
    screen.keys(key);
    millis(screen.since(moment, LIMIT, |cells| rows(&cells.contents()) != before).0)
}

/// What stands below header, tabs, and the heading of the columns.
fn rows(text: &str) -> String {
    text.lines().skip(ABOVE).collect()
}
