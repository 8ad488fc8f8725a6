//! P8: from the command to the first full frame on a ledger of a million deeds, beside `lnav` to the tail of the same
//! deeds as a JSON log; and the memory that both hold then. The console is measured in both ways that it starts:
//! *attached* to a server that runs already, and *alone*, with the server in its own process.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::figures::{RUNS, median_and_largest, median_and_smallest, millis};
use crate::made::Made;
use crate::screen::{COLUMNS, ROWS, Screen, resident_mib};

const DEEDS: u64 = 1_000_000;
/// How long either may take to show its frame.
const LIMIT: Duration = Duration::from_mins(1);
/// Memory is read this long after the frame.
const SETTLE: Duration = Duration::from_secs(1);

/// How `lnav` reads deeds: one JSON object a line, some of it in columns.
const FORMAT: &str = r#"{
  "$schema": "https://lnav.org/schemas/format-v1.schema.json",
  "deeds_log": {
    "title": "Deeds", "description": "Deeds as CloudEvents", "json": true, "hide-extra": true,
    "timestamp-field": "time", "body-field": "type",
    "line-format": [{"field": "__timestamp__"}, " ", {"field": "sequence"}, " ", {"field": "type"}, " ", {"field": "subject"}],
    "value": {
      "sequence": {"kind": "string"}, "type": {"kind": "string"}, "subject": {"kind": "string"},
      "data": {"kind": "json", "hidden": true}
    }
  }
}
"#;

/// One start.
struct Start {
    first_byte: Duration,
    full_frame: Duration,
    resident_mib: f64,
}

pub(crate) fn run() {
    println!(
        "P8: from the command to the first full frame at {COLUMNS}×{ROWS}, {DEEDS} deeds, file cache warm"
    );
    let made = Made::with(DEEDS);
    let reference = if has_lnav() {
        teach_lnav(&made.home());
        five(|| lnav(&made))
    } else {
        println!("lnav is not on the PATH (Debian: apt-get install lnav), so there is no reference");
        Vec::new()
    };
    print("lnav", &reference);
    let mut server = made.serve();
    let attached = five(|| console(&made));
    // Without it, each console would have started one of its own.
    assert!(server.try_wait().unwrap().is_none(), "the server was ended by somebody else");
    report("attached", &attached, &reference);
    println!("{:>8}  the server that it attaches to: resident {:.0} MiB", "", resident_mib(server.id()));
    Made::end(server);
    report("alone", &five(|| console(&made)), &reference);
}

fn five(start: impl Fn() -> Start) -> Vec<Start> {
    (0..RUNS).map(|_| start()).collect()
}

fn print(name: &str, runs: &[Start]) {
    if runs.is_empty() {
        return;
    }
    let (first, first_worst) = median_and_largest(runs.iter().map(|run| millis(run.first_byte)));
    let (full, full_worst) = median_and_largest(runs.iter().map(|run| millis(run.full_frame)));
    let (memory, memory_worst) = median_and_largest(runs.iter().map(|run| run.resident_mib));
    println!(
        "{name:>8}: first byte {first:.0} ms (worst {first_worst:.0}), full frame {full:.0} ms (worst {full_worst:.0}), resident {memory:.0} MiB (worst {memory_worst:.0})"
    );
}

/// The runs, and what they make with those of the reference, pair by pair.
fn report(name: &str, runs: &[Start], reference: &[Start]) {
    print(name, runs);
    if reference.is_empty() {
        return;
    }
    let ratios = |ratio: fn(&Start, &Start) -> f64| {
        runs.iter().zip(reference).map(move |(ours, lnav)| ratio(ours, lnav))
    };
    let (sooner, least) =
        median_and_smallest(ratios(|ours, lnav| millis(lnav.full_frame) / millis(ours.full_frame)));
    let (memory, most) = median_and_largest(ratios(|ours, lnav| ours.resident_mib / lnav.resident_mib));
    println!(
        "{:>8}  sooner by median {sooner:.1}, worst {least:.1} times (target ≥ 10); memory of its median {memory:.2}, worst {most:.2} (target ≤ 0.5)",
        ""
    );
}

/// The console: its header says live, and its list has cases in it.
fn console(made: &Made) -> Start {
    measure(env!("CARGO_BIN_EXE_deeds"), &[], made, |text| {
        text.contains("● live") && text.lines().filter(|line| line.contains("#extra_")).count() > 20
    })
}

/// `lnav`: the last deed is on the screen.
fn lnav(made: &Made) -> Start {
    let last = last_sequence(&made.log());
    measure("lnav", &[made.log().display().to_string()], made, |text| text.contains(&last))
}

fn measure(program: &str, arguments: &[String], made: &Made, full: impl Fn(&str) -> bool) -> Start {
    let mut screen = Screen::start(program, arguments, &made.environment());
    let full_frame = screen.until(LIMIT, full);
    let first_byte = screen.first.unwrap();
    screen.listen(SETTLE);
    let resident_mib = resident_mib(screen.pid());
    screen.quit();
    Start { first_byte, full_frame, resident_mib }
}

/// The number of the last deed in the log, as it stands there.
fn last_sequence(log: &Path) -> String {
    let mut file = fs::File::open(log).unwrap();
    file.seek(SeekFrom::End(-4_096)).unwrap();
    let mut tail = String::new();
    file.read_to_string(&mut tail).unwrap();
    let deed: serde_json::Value = serde_json::from_str(tail.lines().last().unwrap()).unwrap();
    deed["sequence"].as_str().unwrap().to_owned()
}

fn has_lnav() -> bool {
    let mut asked = Command::new("lnav");
    asked.arg("-V").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    asked.status().is_ok_and(|status| status.success())
}

fn teach_lnav(home: &Path) {
    let formats = home.join(".config/lnav/formats/deeds");
    fs::create_dir_all(&formats).unwrap();
    fs::write(formats.join("deeds.json"), FORMAT).unwrap();
}
