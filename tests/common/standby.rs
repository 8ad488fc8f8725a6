//! A primary and its synchronous standby, both of a test's own: killed, promoted, and made anew from the one that took over.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::postgres::{Postgres, bin, home};

/// What a standby calls itself; whatever is committed waits for the one of this name, on a promoted one too.
const STANDBY: &str = "standby";
/// How long a standby may take until commits wait for it and no longer.
const IN_STEP: Duration = Duration::from_mins(1);

/// Two servers, one of which is the primary. The other one may be away.
pub(crate) struct Pair {
    places: [Postgres; 2],
    primary: usize,
}

impl Pair {
    /// Starts both with those lines of configuration; none where PostgreSQL is not here.
    pub(crate) fn start(settings: &str) -> Option<Self> {
        bin()?;
        Self::start_in([home(), home()], settings)
    }

    /// The same in these folders.
    pub(crate) fn start_in([one, other]: [PathBuf; 2], settings: &str) -> Option<Self> {
        let own = format!("synchronous_standby_names = '{STANDBY}'\nwal_keep_size = 256MB\n{settings}");
        let pair = Self { places: [Postgres::start_in(one, &own)?, Postgres::empty_in(other)?], primary: 0 };
        pair.rejoin();
        Some(pair)
    }

    /// The one that takes writes.
    pub(crate) fn primary(&self) -> &Postgres {
        let [first, second] = &self.places;
        if self.primary == 0 { first } else { second }
    }

    /// The other one.
    pub(crate) fn standby(&self) -> &Postgres {
        let [first, second] = &self.places;
        if self.primary == 0 { second } else { first }
    }

    /// The ports of both, always in this order.
    pub(crate) fn ports(&self) -> [u16; 2] {
        self.places.each_ref().map(|place| place.port)
    }

    /// Makes the standby anew, as a copy of the primary that follows it.
    pub(crate) fn rejoin(&self) {
        let (primary, standby) = (self.primary(), self.standby());
        let data = standby.data();
        if data.exists() {
            std::fs::remove_dir_all(&data).unwrap();
        }
        let from = format!("host=127.0.0.1 port={} user=deeds application_name={STANDBY}", primary.port);
        let to = data.display().to_string();
        standby
            .run("pg_basebackup", &["-D", &to, "-d", &from, "-R", "-X", "stream", "-c", "fast", "--no-sync"]);
        standby.up();
        self.in_step();
    }

    /// Waits until the standby has all that is committed, and commits wait for it.
    pub(crate) fn in_step(&self) {
        let end = Instant::now() + IN_STEP;
        let asked =
            "select count(*) from pg_stat_replication where sync_state = 'sync' and state = 'streaming'";
        while self.primary().sql("postgres", asked) != "1" {
            assert!(Instant::now() < end, "the standby is not in step after {IN_STEP:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until a primary that may have ended by itself works again, started anew if it has, and its standby is in step.
    pub(crate) fn recover(&self) {
        let (primary, end) = (self.primary(), Instant::now() + IN_STEP);
        while let Err(told) = primary.try_sql("postgres", "select 1") {
            assert!(Instant::now() < end, "{told}");
            if !primary.is_up() {
                // It may not be quite gone.
                primary.try_up().unwrap_or_default();
            }
        }
        self.in_step();
    }

    /// The standby takes the place of a primary that died. Nothing is committed until there is another standby.
    pub(crate) fn promote(&mut self) {
        self.primary = 1 - self.primary;
        let promoted = self.primary();
        promoted.run("pg_ctl", &["-D", &promoted.data().display().to_string(), "-w", "-t", "60", "promote"]);
    }
}

impl Postgres {
    fn is_up(&self) -> bool {
        self.try_run("pg_ctl", &["-D", &self.data().display().to_string(), "status"]).is_ok()
    }

    /// Goes on in a new file of its log, again and again, until there is no room for one: then it ends itself.
    pub(crate) fn run_out_of_log(&self) {
        let next = "select pg_logical_emit_message(false, 'next', ''), pg_switch_wal()";
        let end = Instant::now() + IN_STEP;
        while self.try_sql("postgres", next).is_ok() {
            assert!(Instant::now() < end, "there is room for its log");
        }
    }

    /// Kills it with all its processes, and waits until they are gone. It can be started again.
    pub(crate) fn kill(&self) {
        let file = self.data().join("postmaster.pid");
        let told = std::fs::read_to_string(&file).unwrap();
        let first: i32 = told.lines().next().unwrap().parse().unwrap();
        // So that it starts no more of them.
        send(first, Signal::STOP);
        let all: Vec<i32> = processes().into_iter().filter(|one| parent(*one) == Some(first)).collect();
        for one in std::iter::once(first).chain(all) {
            send(one, Signal::KILL);
            while parent(one).is_some() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        // The system may know an ended process by its number for a while, and none is started beside one of that number.
        std::fs::remove_file(file).unwrap();
    }
}

/// Sends a signal to a process, which may have ended by itself.
fn send(process: i32, signal: Signal) {
    kill_process(Pid::from_raw(process).unwrap(), signal).unwrap_or_default();
}

fn processes() -> Vec<i32> {
    let names = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name());
    names.filter_map(|name| name.to_str()?.parse().ok()).collect()
}

/// The process by which that one was started; none where it has ended.
fn parent(process: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Behind its name, which may have anything in it, come its state and its parent.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace();
    let ended = words.next()? == "Z";
    words.next()?.parse().ok().filter(|_| !ended)
}
