//! `kill -9` at random moments: under load, and in the middle of whatever makes something.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::chance::Chance;
use crate::checker::{Book, is_well};
use crate::load::{self, Caller};
use crate::run::Home;
use crate::server::Server;
use crate::totals::{self, ACKNOWLEDGED, KILLS};

/// Kills of one ledger in an ordinary run.
const KILLS_HERE: u64 = 4;
/// Kills of one ledger in a long one, which begins another one then.
const KILLS_EACH: u64 = 50;
/// What a long run comes to at least.
const LONG: (u64, u64) = (500, 300_000);
/// The server is killed after a random time up to this one, in an ordinary run and in a long one.
const LIFE: (Duration, Duration) = (Duration::from_millis(900), Duration::from_millis(1_500));

/// All callers at work on this server, until what is done meanwhile has ended it.
/// Answers that come when it is `over` are none; it is at the latest when that has returned.
pub(crate) fn at_work(
    callers: &mut [Caller],
    server: &mut Server,
    meanwhile: impl FnOnce(&mut Server, &AtomicBool),
) {
    let (address, over) = (server.url.trim_start_matches("http://").to_owned(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for caller in callers {
            scope.spawn(|| caller.work(&address, &over));
        }
        meanwhile(server, &over);
        over.store(true, Ordering::SeqCst);
    });
}

/// Kills a server under load again and again; between two of them it ends in order once, so that there is a snapshot with a tail.
fn killed_under_load(chance: &mut Chance, kills: u64) {
    let home = Home::new();
    let life = if totals::long() { LIFE.1 } else { LIFE.0 };
    let mut callers = load::team(&home);
    let mut book = Book::default();
    let mut server = is_well(&home, "before the first kill");
    for round in 0..kills {
        let mut after = Duration::ZERO;
        at_work(&mut callers, &mut server, |server, _| {
            after = chance.sleep(life);
            if round == kills / 2 {
                server.signal(Signal::TERM);
            } else {
                server.signal(Signal::KILL);
                totals::count(&KILLS, 1);
            }
        });
        let why = format!("round {round}, ended after {after:?}");
        server = is_well(&home, &why);
        for caller in &mut callers {
            let told = caller.hand_over();
            if std::env::var_os("DEEDS_CHAOS_SHOW").is_some() {
                eprintln!("{why}: {} {:#?}", caller.who, load::made_of(&told));
            }
            totals::none(book.check(&home, &server, &told));
        }
    }
    // What the last kill left without an answer is asked again, and what was answered too.
    at_work(&mut callers, &mut server, |_, _| std::thread::sleep(LIFE.0));
    for caller in &mut callers {
        totals::none(book.check(&home, &server, &caller.hand_over()));
    }
    assert!(book.len() > usize::try_from(kills).unwrap() * 20, "the callers did ask: {} deeds", book.len());
    let retried: u64 = callers.iter().map(|caller| caller.retried).sum();
    assert!(retried > kills, "answers were lost, and asked for again: {retried}");
    server.signal(Signal::KILL);
    totals::none(book.check_whole(&home));
}

#[test]
fn what_was_acknowledged_under_load_is_there_once_and_as_it_was_told() {
    let mut chance = Chance::of("kills under load");
    if totals::long() {
        let done = |of: &std::sync::atomic::AtomicU64| of.load(Ordering::Relaxed);
        while done(&KILLS) < LONG.0 || done(&ACKNOWLEDGED) < LONG.1 {
            killed_under_load(&mut chance, KILLS_EACH);
            totals::say();
        }
    } else {
        killed_under_load(&mut chance, KILLS_HERE);
    }
    totals::say();
}
