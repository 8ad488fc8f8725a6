//! The damage matrix: every kind of file that a data directory has, every kind of harm, before a start and while a server runs.
//! What was acknowledged is there afterwards, or something says what is not; `doctor` does not say fine over a fault.
//!
//! An ordinary run does each kind of harm and each kind of file at least once, every other one under a server.
//! `DEEDS_CHAOS=long cargo test --test chaos damage` does each harm to each file before a start, and a random part of them
//! under a server, where each takes seconds; `DEEDS_CHAOS=long:SEED` does the same again.

mod disks;
mod harm;
mod player;
mod table;
mod template;
mod trial;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};

use crate::run::Home;
use harm::Harm;
use player::Player;
use template::{Left, Template};
use trial::{Damage, Outcome, When};
use verdict::Broken;

/// How many damages a long run does under a server.
const LONG: usize = 300;
/// How many are played at one time in a long run: most of their time they wait.
const AT_ONCE: usize = 3;

/// Numbers that a seed gives.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// One of each, in their order; shared by the tests that run at one time, and taken away after them.
fn templates() -> Arc<[Template; 3]> {
    static MADE: Mutex<Weak<[Template; 3]>> = Mutex::new(Weak::new());
    let mut made = MADE.lock().unwrap();
    made.upgrade().unwrap_or_else(|| {
        let new = Arc::new([Left::Quiet, Left::Killed, Left::Long].map(Template::made));
        *made = Arc::downgrade(&new);
        new
    })
}

/// The seed of a long run, if this is one.
fn long() -> Option<u64> {
    let setting = std::env::var("DEEDS_CHAOS").ok()?;
    let given = setting.strip_prefix("long")?;
    Some(given.strip_prefix(':').map_or_else(
        || {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).unwrap();
            u64::from_ne_bytes(bytes)
        },
        |seed| seed.parse().unwrap(),
    ))
}

/// Each place to be damaged, with the template that has it.
fn places(templates: &[Template]) -> Vec<(&Template, PathBuf)> {
    let mut all = Vec::new();
    for template in templates {
        for place in table::everything(&template.data()) {
            assert!(table::row(&place).is_some(), "{} is of no kind in the table", place.display());
            let of_the_long = place.to_str().unwrap().contains("snapshot.past");
            if (template.left == Left::Long) == of_the_long && !place.starts_with("workspaces/other") {
                all.push((template, place));
            }
        }
    }
    all
}

/// Each kind of file and each kind of harm at least once: every other one before a start.
fn some(templates: &[Template], when: When) -> Vec<(&Template, Damage)> {
    let (mut chosen, mut rows) = (Vec::new(), BTreeSet::new());
    let mut random = Random(7);
    for (template, place) in places(templates) {
        let of_the_crash =
            template.left == Left::Killed && place.to_str().unwrap().contains("default/ledger.db");
        if !rows.insert(table::row(&place)) && !of_the_crash {
            continue;
        }
        // Where a server's socket is gone each command waits twenty seconds for one that starts: that is for a long run.
        let waits = place.ends_with("server.sock");
        let harm = if waits { Harm::Open } else { harm::ALL[chosen.len() % harm::ALL.len()] };
        chosen.push((template, Damage { when, place, harm, at: random.next() }));
    }
    let mut before = false;
    chosen.retain(|_| {
        before = !before;
        before == (when == When::BeforeAStart)
    });
    chosen
}

/// Each harm to each file, in a random order, so that one that is broken off has done some of each.
fn many(templates: &[Template], when: When, seed: u64) -> Vec<(&Template, Damage)> {
    let mut random = Random(seed);
    let places = places(templates);
    let every = places.iter().flat_map(|place| harm::ALL.map(|harm| (place.clone(), harm)));
    let mut chosen: Vec<(&Template, Damage)> = every
        .map(|((template, place), harm)| (template, Damage { when, place, harm, at: random.next() }))
        .collect();
    chosen.sort_by_cached_key(|_| random.next());
    if when == When::WhileAServerRuns {
        chosen.truncate(LONG);
    }
    chosen
}

/// After so many it is said what came of them.
const SAID: usize = 100;

/// What came of those that were played so far.
#[derive(Default)]
struct Sum {
    count: usize,
    files: BTreeSet<Option<&'static str>>,
    broken: BTreeMap<Broken, usize>,
    violations: Vec<String>,
}

/// Does them all, so many at one time, tells what is broken, and adds it up.
fn played(all: &[(&Template, Damage)], at_once: usize) -> Vec<String> {
    let sum = Mutex::new(Sum::default());
    let left = Mutex::new(all.iter());
    let home = Home::new();
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                let helper = Player { home: &home, user: None };
                loop {
                    let Some((template, damage)) = left.lock().unwrap().next() else { break };
                    if let Some((outcome, broken)) = one(&helper, template, damage) {
                        add(&mut sum.lock().unwrap(), template, damage, &outcome, broken);
                    }
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap();
    say(&sum);
    sum.violations
}

/// One damage, and what was not as it must be; nothing where the file is of no use for this harm.
fn one(helper: &Player, template: &Template, damage: &Damage) -> Option<(Outcome, Vec<(Broken, String)>)> {
    let played = catch_unwind(AssertUnwindSafe(|| trial::play(template, damage)));
    let outcome = played.unwrap_or_else(|_| {
        Some(Outcome { hung: vec!["a program went on without end".to_owned()], ..Outcome::default() })
    })?;
    let mut broken = verdict::broken(damage, &outcome);
    broken.extend(verdict::mends(helper, &outcome));
    Some((outcome, broken))
}

fn add(
    sum: &mut Sum,
    template: &Template,
    damage: &Damage,
    outcome: &Outcome,
    broken: Vec<(Broken, String)>,
) {
    sum.count += 1;
    sum.files.insert(table::row(&damage.place));
    for (kind, why) in broken {
        *sum.broken.entry(kind).or_default() += 1;
        let text = told(template, damage, outcome, kind, &why);
        eprintln!("{text}");
        sum.violations.push(text);
    }
    // A long run that is broken off has said how far it came.
    if sum.count.is_multiple_of(SAID) {
        say(sum);
    }
}

fn say(Sum { count, files, broken, .. }: &Sum) {
    let sum = |kind| broken.get(&kind).copied().unwrap_or_default();
    eprintln!(
        "chaos: {count} damages over {} files; silently wrong {}, fine over a fault {}, hung {}, panicked {}, others hurt {}, \
         mends that are none {}, unknown files {}",
        files.len(),
        sum(Broken::SilentlyWrong),
        sum(Broken::FineOverAFault),
        sum(Broken::Hung),
        sum(Broken::Panicked),
        sum(Broken::OthersHurt),
        sum(Broken::NoSuchMend),
        sum(Broken::UnknownFile),
    );
}

fn told(template: &Template, damage: &Damage, outcome: &Outcome, kind: Broken, why: &str) -> String {
    let Damage { when, place, harm, at } = damage;
    let mut text = format!(
        "{kind:?}: {harm:?} of {} ({:?}, {when:?}, at {at:#x}): {why}\n    doctor at first: {} {:?}\n    doctor at last: {} {:?}\n",
        place.display(),
        template.left,
        outcome.first.status,
        outcome.first.told,
        outcome.last.status,
        outcome.last.told,
    );
    let lists = [
        ("failed", &outcome.failed),
        ("failed at last", &outcome.failed_at_last),
        ("wrong", &outcome.wrong),
        ("wrong at last", &outcome.wrong_at_last),
        ("logged", &outcome.logged),
    ];
    for (what, list) in lists {
        for one in list.iter().take(6) {
            let short: String = one.chars().take(400).collect();
            writeln!(text, "    {what}: {}", short.trim().replace('\n', " | ")).unwrap();
        }
    }
    text
}

fn matrix(when: When) {
    let templates = templates();
    let violations = match long() {
        None => played(&some(&*templates, when), 1),
        Some(seed) => {
            eprintln!("DEEDS_CHAOS=long:{seed}");
            played(&many(&*templates, when, seed), AT_ONCE)
        }
    };
    assert!(violations.is_empty(), "{} violations", violations.len());
}

#[test]
fn a_file_that_is_damaged_before_a_start_is_told_or_mended() {
    matrix(When::BeforeAStart);
}

#[test]
fn a_file_that_is_damaged_under_a_server_is_told_or_mended() {
    matrix(When::WhileAServerRuns);
}

/// Where nothing is damaged nothing is told, fails or is wrong: the others are held against this.
#[test]
fn a_home_that_is_not_damaged_has_no_fault() {
    let when = [When::BeforeAStart, When::WhileAServerRuns];
    for (template, when) in templates().iter().zip(when.into_iter().cycle()) {
        let damage = Damage { when, place: PathBuf::from("home"), harm: Harm::Nothing, at: 1 };
        let outcome = trial::play(template, &damage).unwrap();
        let shown = told(template, &damage, &outcome, Broken::FineOverAFault, "nothing was damaged");
        assert_eq!(outcome.first.status + outcome.last.status, 0, "{shown}");
        let told =
            [&outcome.first.told, &outcome.last.told, &outcome.logged, &outcome.hung, &outcome.panicked];
        let failed = [&outcome.failed, &outcome.failed_at_last, &outcome.wrong, &outcome.wrong_at_last];
        assert!(told.into_iter().chain(failed).all(Vec::is_empty), "{shown}");
        assert_eq!(outcome.unknown, Vec::<&Path>::new());
    }
}

/// Deeds that are gone with everything that had seen them are what nothing here can tell: so the checker is seen to find it.
#[test]
fn a_loss_that_nothing_tells_is_found_by_the_checker() {
    let [_, killed, _] = &*templates();
    let place = PathBuf::from("workspaces/default/ledger.db-wal");
    let damage = Damage { when: When::BeforeAStart, place, harm: Harm::Unwitnessed, at: 1 };
    let outcome = trial::play(killed, &damage).unwrap();
    let broken: Vec<Broken> = verdict::broken(&damage, &outcome).into_iter().map(|(kind, _)| kind).collect();
    let shown = told(killed, &damage, &outcome, Broken::SilentlyWrong, "a loss");
    assert!(broken.contains(&Broken::SilentlyWrong) && broken.contains(&Broken::FineOverAFault), "{shown}");
}
