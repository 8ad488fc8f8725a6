//! P9: the console while nothing happens: bytes to the terminal, and time on a processor, its own server's included.

use std::time::Duration;

use crate::figures::{RUNS, median_and_largest, millis};
use crate::made::Made;
use crate::screen::Screen;
use deeds::coordinator::Clock;

const DEEDS: u64 = 20_000;
const LIMIT: Duration = Duration::from_secs(20);
/// How long it may take to come to rest; threads without work are let go after ten seconds.
const SETTLE: Duration = Duration::from_secs(12);
const WINDOW: Duration = Duration::from_secs(10);
const MINUTE_MICROS: i64 = 60_000_000;

pub(crate) fn run() {
    println!(
        "P9: the console while nothing happens, {RUNS} times {WINDOW:?}, the clock's redraw once a minute left out"
    );
    let made = Made::with(DEEDS);
    let mut screen = Screen::start(env!("CARGO_BIN_EXE_deeds"), &[], &made.environment());
    screen.until(LIMIT, |text| text.contains("● live"));
    for (view, key) in [("inbox", "1"), ("log", "2")] {
        screen.keys(key);
        screen.listen(SETTLE);
        let runs: Vec<(f64, f64)> = (0..RUNS).map(|_| window(&mut screen)).collect();
        let (bytes, most_bytes) = median_and_largest(runs.iter().map(|run| run.0));
        let (processor, most_processor) = median_and_largest(runs.iter().map(|run| run.1));
        println!(
            "{view:>6}: bytes median {bytes:.0}, worst {most_bytes:.0} (target 0); processor median {processor:.3} %, worst {most_processor:.3} % (target 0.0 %)"
        );
    }
    screen.quit();
}

/// Bytes and percent of a processor in a window that no change of the minute falls into.
#[expect(clippy::cast_precision_loss, reason = "few bytes")]
fn window(screen: &mut Screen) -> (f64, f64) {
    let into = Clock::System.now().micros().rem_euclid(MINUTE_MICROS);
    let left = Duration::from_micros(u64::try_from(MINUTE_MICROS - into).unwrap());
    let margin = Duration::from_secs(1);
    if left < WINDOW + margin {
        screen.listen(left + margin);
    }
    let before = screen.processor();
    let bytes = screen.listen(WINDOW);
    let spent = screen.processor().since(&before);
    (bytes as f64, 100.0 * millis(spent) / millis(WINDOW))
}
