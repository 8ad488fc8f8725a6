//! Scrolling through a million deeds in the log: from a key to the rows that it brings, page by page, and to
//! its very beginning and end.

use std::time::{Duration, Instant};

use crate::figures::{median_and_largest, millis, percentile};
use crate::made::Made;
use crate::screen::{COLUMNS, ROWS, Screen};

const DEEDS: u64 = 1_000_000;
const LIMIT: Duration = Duration::from_secs(20);
const SETTLE: Duration = Duration::from_secs(2);
/// How often a key comes that is held down.
const REPEAT: Duration = Duration::from_millis(33);
/// Without anything drawn for so long, the key before is done.
const REST: Duration = Duration::from_millis(10);
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

/// Milliseconds from a key to the chunk with which the rows are others. At the edge of what is here a key is pressed again, as
/// by whoever holds it down, until more has come.
fn moved(screen: &mut Screen, key: &str) -> f64 {
    // What is still on its way belongs to the key before.
    screen.listen(REST);
    let before = rows(&screen.text());
    let moment = Instant::now();
    while moment.elapsed() < LIMIT {
        screen.keys(key);
        if let Some(came) = screen.within(REPEAT, |cells| rows(&cells.contents()) != before) {
            return millis(came - moment);
        }
    }
    panic!("{key:?} does nothing on\n{}", screen.text());
}

/// What stands below header, tabs, and the heading of the columns.
fn rows(text: &str) -> String {
    text.lines().skip(ABOVE).collect()
}
