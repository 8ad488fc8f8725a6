//! Wrong clocks, by libfaketime around the server: nothing is lost, nothing is recorded far from now or waits for years, and who
//! looks is told.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::checker::Book;
use crate::faketime::{serving, shift};
use crate::kills::at_work;
use crate::load::{self, Caller};
use crate::patience::PATIENCE;
use crate::programs;
use crate::run::{Home, Said};
use crate::server::{Server, ask};
use crate::totals::{self, Fault};
use deeds::coordinator::Clock;
use deeds::domain::time::{Span, Time};

/// What a wrong clock does to this home, and the book of it.
struct Wrong {
    home: Home,
    callers: Vec<Caller>,
    book: Book,
    leases: u64,
}

impl Wrong {
    fn new() -> Self {
        let home = Home::new();
        let callers = load::team(&home);
        home.file("off", "+0");
        Self { home, callers, book: Book::default(), leases: 0 }
    }

    fn off(&self) -> std::path::PathBuf {
        self.home.dir.path().join("off")
    }

    fn dana(&self, server: &Server, method: &str, path: &str, body: &str) -> Value {
        let token = self.home.dir.path().join("dana.token");
        let (status, answer) = ask(&server.url, &token, method, path, body).unwrap();
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Everybody works for a while under that clock; a short lease is taken, and all that is recorded is of now.
    fn works(&mut self, server: &mut Server, why: &str) {
        self.leases += 1;
        let body =
            json!({"target": {"path": format!("ann/short/{}#text", self.leases)}, "ttl": "1s"}).to_string();
        let ann = self.home.dir.path().join("ann.token");
        let (_, lease) = ask(&server.url, &ann, "POST", "/v1/leases", &body).unwrap();
        assert_eq!(lease["outcome"], "allowed", "{why}: {lease}");
        at_work(&mut self.callers, server, |_, _| std::thread::sleep(Duration::from_millis(150)));
        for caller in &mut self.callers {
            totals::none(self.book.check(&self.home, server, &caller.hand_over()));
        }
        let (mut last, now) = (None, Clock::System.now());
        for deed in self.book.deeds() {
            let recorded: Time = deed["recordedtime"].as_str().unwrap().parse().unwrap();
            let far = recorded.micros().abs_diff(now.micros()) > Span::from_hours(2).micros().unsigned_abs();
            if far || last.is_some_and(|last| last > recorded) {
                totals::none(Err((
                    Fault::Wrong,
                    format!("{why}: recorded at {recorded}, and it is {now}: {deed}"),
                )));
            }
            last = Some(recorded);
        }
    }

    /// Waits until there is an open alert about the clock, or none.
    fn alerted(&self, server: &Server, open: bool, why: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let list = self.dana(server, "GET", "/v1/alerts", "");
            let mut alerts = list["alerts"].as_array().unwrap().iter();
            if alerts.any(|alert| alert["kind"] == "clock" && alert["state"] != "resolved") == open {
                return;
            }
            assert!(Instant::now() < end, "{why}: {list}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// No short lease is left.
    fn lapsed(&self, server: &Server, why: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let list = self.dana(server, "GET", "/v1/leases", "");
            if !list.to_string().contains("ann/short") {
                return;
            }
            assert!(Instant::now() < end, "{why}: {list}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What `deeds doctor` says where the machine's clock is that wrong.
    fn doctor(&self) -> Said {
        let mut doctor = self.home.command(&["doctor"]);
        shift(&mut doctor, &self.off());
        Said::of(&mut doctor)
    }
}

#[test]
fn a_clock_that_jumps_under_load_loses_nothing_and_makes_nothing_wait() {
    if !programs::is_there("faketime") {
        return;
    }
    let mut wrong = Wrong::new();
    let mut server = serving(&wrong.home, &wrong.off());
    // An hour is believed, and time only goes slower where it goes back; a person is asked about more. That is told, and over, within
    // some seconds, for which an ordinary run waits twice.
    let steps = [
        ("+59m", false),
        ("+0", false),
        ("-59m", false),
        ("+0", false),
        ("+1d", true),
        ("+0", false),
        ("-1d", true),
        ("+0", false),
        ("+3650d", true),
        ("+0", false),
        ("-3650d", true),
        ("+0", false),
    ];
    for (step, (off, doubted)) in steps.into_iter().enumerate() {
        fs::write(wrong.off(), off).unwrap();
        if totals::long() || off == "+1d" || step + 1 == steps.len() {
            wrong.alerted(&server, doubted, off);
        }
        wrong.works(&mut server, off);
    }
    wrong.lapsed(&server, "with the right clock");
    server.signal(Signal::KILL);
    totals::none(wrong.book.check_whole(&wrong.home));
    totals::say();
}

#[test]
fn a_clock_that_is_another_after_a_stop_loses_nothing_and_makes_nothing_wait() {
    if !programs::is_there("faketime") {
        return;
    }
    let mut wrong = Wrong::new();
    for (off, doubted) in [
        ("+0", false),
        ("-30m", false),
        ("-1d", true),
        ("+0", false),
        ("+3650d", true),
        ("-3650d", true),
        ("+0", false),
    ] {
        fs::write(wrong.off(), off).unwrap();
        let mut server = serving(&wrong.home, &wrong.off());
        wrong.alerted(&server, doubted, off);
        wrong.works(&mut server, off);
        wrong.lapsed(&server, off);
        let said = wrong.doctor();
        if doubted && said.status == 0 {
            totals::none(Err((
                Fault::Fine,
                format!("the clock is off by {off}, and doctor says\n{}", said.out),
            )));
        }
        server.signal(if doubted { Signal::KILL } else { Signal::TERM });
    }
    totals::none(wrong.book.check_whole(&wrong.home));
    totals::say();
}

/// How far off a clock must be that shows this time now, as faketime wants it.
fn showing(off: &Path, time: &str) {
    let time: Time = time.parse().unwrap();
    let seconds = time.since(Clock::System.now()).micros() / 1_000_000;
    fs::write(off, format!("{seconds:+}")).unwrap();
}

/// A review at nine is at nine by the clock on the wall, before and after the hour that there is twice or not at all; what is
/// recorded is in UTC all the while, wherever the server thinks it is.
#[test]
fn a_review_is_at_nine_whatever_summer_does() {
    if !programs::is_there("faketime") {
        return;
    }
    let home = Home::new();
    let off = home.file("off", "+0");
    for (day_before, due_before, due_after) in [
        ("2028-03-25T06:00:00Z", "2028-03-25T08:00:00.000000Z", "2028-03-26T07:00:00.000000Z"),
        ("2028-10-28T06:00:00Z", "2028-10-28T07:00:00.000000Z", "2028-10-29T08:00:00.000000Z"),
    ] {
        let home = Home::new();
        showing(&off, day_before);
        let shifted = |arguments: &[&str]| {
            let mut command = home.command(arguments);
            shift(&mut command, &off);
            command.env("TZ", "Europe/Madrid");
            let said = Said::of(&mut command);
            assert_eq!(said.status, 0, "{arguments:?}: {said:?}");
            said.out
        };
        let map = load::map("at work").replacen('\n', "\ntimezone = \"Europe/Madrid\"\n", 1);
        home.file("team.toml", &map);
        shifted(&["map", "apply", "team.toml"]);
        let due = || {
            let reviews: Value = serde_json::from_str(&shifted(&["review", "status", "--json"])).unwrap();
            reviews["reviews"][0]["due"].as_str().unwrap().to_owned()
        };
        assert_eq!(due(), due_before);
        showing(&off, &day_before.replace("T06", "T12"));
        // The one that was due has been missed, once its timer was there.
        let end = Instant::now() + PATIENCE;
        while due() == due_before && Instant::now() < end {}
        assert_eq!(due(), due_after);
        let log: Vec<Value> = shifted(&["log", "--export", "jsonl"])
            .lines()
            .skip(1)
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let times: Vec<&str> =
            log.iter().map(|line| line["deed"]["recordedtime"].as_str().unwrap()).collect();
        assert!(times.is_sorted() && times.iter().all(|time| time.ends_with('Z')), "{times:?}");
    }
}
