//! *P7*: how long the index and the ledger take for a filtered page, an entity's trace and a day's histogram, and how much
//! longer with ten times the deeds.
//!
//! `cargo bench --bench search` asks one million deeds; `DEEDS_SEARCH=1000000,10000000 cargo bench --bench search` asks one
//! and ten, which takes 20 GB below `target/` while it runs. `DEEDS_BENCH_DIR=DIR` keeps what was made there for the next
//! time. The deeds are those of the same team, at work ten times as long. Each question is another one: which agent, which
//! record, which word, from where on. A page is its deeds' bytes, not only their numbers. Everything that was made is in
//! the system's cache when it is asked.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that meets an error has no result"
)]

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::runtime::Runtime;

use deeds::domain::code::Code;
use deeds::domain::deed::{Body, Deed, Origin, Refs};
use deeds::domain::filter::Filter;
use deeds::domain::ids::{Actor, AgentId, AlertNo, MapVersion, Seq, Version, WorkNo, WorkspaceId};
use deeds::domain::outcome::Outcome;
use deeds::domain::path::{EntityPath, FieldName};
use deeds::domain::things::FieldChange;
use deeds::domain::time::{Span, Time};
use deeds::domain::value::Value;
use deeds::index::{Entry, Index, PageFrom};
use deeds::ledger::{Append, Head, Ledger as _, SqliteLedger};

/// Names the sizes, with commas between them.
const SIZES: &str = "DEEDS_SEARCH";
/// Names a directory in which what was made is kept and found again.
const KEPT: &str = "DEEDS_BENCH_DIR";
const WORKSPACE: &str = "bench";
/// How many deeds are appended and indexed at once.
const APPEND: u64 = 10_000;
/// How many questions of each kind are asked.
const QUESTIONS: usize = 1_000;
/// Deeds on a page and of a trace.
const PAGE: usize = 100;
/// From one deed to the next: 33,000 a day.
const EVERY: Span = Span::from_micros(2_592_000);
const BUCKETS: usize = 96;
const DEEDS_PER_ENTITY: u64 = 10;
const AGENTS: u64 = 40;
const PLACES: [(&str, [&str; 2]); 4] = [
    ("crm/contact", ["status", "name"]),
    ("support/ticket", ["status", "answer"]),
    ("crm/deal", ["stage", "value"]),
    ("invoices", ["status", "amount"]),
];
const REASONS: [&str; 5] = [
    "form received",
    "the customer answered",
    "moved on by the daily sweep",
    "corrected after a call with the customer",
    "matched with the bank's statement",
];
const WORDS: [&str; 4] = ["statement", "daily sweep", "customer", "form rec"];

/// Many small texts, as in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let sizes = std::env::var(SIZES).unwrap_or_else(|_| "1000000".to_owned());
    let sizes: Vec<u64> = sizes.split(',').map(|size| size.trim().parse().unwrap()).collect();
    println!("{QUESTIONS} questions of each kind; times in ms");
    println!(
        "{:>26} {:>10} {:>9} {:>9} {:>9} {:>9}",
        "question", "deeds", "p50", "p99", "worst", "p99 ratio"
    );
    let mut first: Option<Vec<f64>> = None;
    for size in sizes {
        let house = House::with(size);
        let p99s: Vec<f64> = KINDS
            .iter()
            .enumerate()
            .map(|(at, (name, ask))| {
                let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
                let mut times: Vec<f64> = (0..QUESTIONS)
                    .map(|_| {
                        let question = ask(&house, &mut dice);
                        let begun = Instant::now();
                        question(&house);
                        begun.elapsed().as_secs_f64() * 1e3
                    })
                    .collect();
                times.sort_by(f64::total_cmp);
                let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
                let ratio = first.as_ref().map_or(String::new(), |first| format!("{:.2}", p99 / first[at]));
                println!(
                    "{name:>26} {size:>10} {p50:>9.2} {p99:>9.2} {:>9.2} {ratio:>9}",
                    times[times.len() - 1]
                );
                p99
            })
            .collect();
        first.get_or_insert(p99s);
    }
}

/// A question ready to be asked; made outside of the time that is taken.
type Question = Box<dyn FnOnce(&House)>;
type Kind = (&'static str, fn(&House, &mut Dice) -> Question);

const KINDS: [Kind; 14] = [
    ("page, agent", |house, dice| house.page(dice, |_, dice| format!("actor:{}", agent(dice)))),
    ("page, record", |house, dice| house.page(dice, |house, dice| format!("entity:{}", house.entity(dice)))),
    ("page, records", |house, dice| {
        house.page(dice, |_, dice| format!("entity:{}/**", dice.pick(&PLACES).0))
    }),
    ("page, field", |house, dice| {
        house.page(dice, |_, dice| format!("field:{}", dice.pick(&PLACES).1[dice.below(2)]))
    }),
    ("page, outcome", |house, dice| {
        house.page(dice, |_, dice| format!("outcome:{}", dice.pick(&["stale", "refused", "committed"])))
    }),
    ("page, agent and outcome", |house, dice| {
        house.page(dice, |_, dice| format!("actor:{} outcome:stale", agent(dice)))
    }),
    ("page, agent, not field", |house, dice| {
        house.page(dice, |_, dice| format!("actor:{} -field:status", agent(dice)))
    }),
    ("page, day and outcome", |house, dice| {
        house.page(dice, |house, dice| {
            let day = house.day(dice);
            format!("outcome:stale since:{day} until:{}", day.plus(Span::from_days(1)))
        })
    }),
    ("page, common word", |house, dice| house.page(dice, |_, dice| format!("{:?}", dice.pick(&WORDS)))),
    ("page, rare word", |house, dice| {
        house.page(dice, |house, dice| format!("\"state {} after\"", dice.number() % house.deeds))
    }),
    ("page, word and agent", |house, dice| {
        house.page(dice, |_, dice| format!("actor:{} {:?}", agent(dice), dice.pick(&WORDS)))
    }),
    ("trace of a record", |house, dice| {
        let entity = house.entity(dice);
        Box::new(move |house| house.bytes(house.index.trace_entity(&entity, None, None, PAGE).unwrap()))
    }),
    ("histogram of a day", |house, dice| house.histogram(dice, "")),
    ("the same of an agent", |house, dice| {
        let filter = format!("actor:{}", agent(dice));
        house.histogram(dice, &filter)
    }),
];

fn agent(dice: &mut Dice) -> String {
    format!("team/agent-{}", dice.number() % AGENTS)
}

/// Small, repeatable randomness (xorshift).
struct Dice(u64);

impl Dice {
    fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 16
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.number()).unwrap() % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// A ledger and its index, filled.
struct House {
    runtime: Runtime,
    ledger: SqliteLedger,
    index: Index,
    deeds: u64,
    begun: Time,
    /// Microseconds of processor time that the index took so far.
    indexing: Cell<f64>,
    /// Goes with the house, where it is not one that is kept.
    _directory: Option<tempfile::TempDir>,
}

impl House {
    fn with(deeds: u64) -> Self {
        let begun = Instant::now();
        let kept = std::env::var_os(KEPT).map(|dir| PathBuf::from(dir).join(format!("search-{deeds}")));
        let directory =
            kept.is_none().then(|| tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
        let place = kept.unwrap_or_else(|| directory.as_ref().unwrap().path().to_owned());
        std::fs::create_dir_all(&place).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let ledger = SqliteLedger::open_or_create(&place.join("ledger.db"), WORKSPACE).unwrap();
        let index = Index::open(&place.join("index.db"), &ledger.identity().source()).unwrap();
        let house = Self {
            runtime,
            ledger,
            index,
            deeds,
            begun: "2026-01-01T00:00:00Z".parse().unwrap(),
            indexing: Cell::new(0.0),
            _directory: directory,
        };
        let there = house.runtime.block_on(house.ledger.head()).unwrap().seq;
        if (there, house.index.head().unwrap().seq) != (deeds, Seq(deeds)) {
            assert_eq!(there, 0, "{} was left half made; remove it", place.display());
            house.fill();
            eprintln!(
                "made and indexed {deeds} deeds in {:.0} s; a deed took the index {:.1} µs of processor time",
                begun.elapsed().as_secs_f64(),
                house.indexing.get() / f64::from(u32::try_from(deeds).unwrap())
            );
        }
        house
    }

    fn fill(&self) {
        let workspace = WorkspaceId::new(WORKSPACE).unwrap();
        let origin = Origin { source: Arc::from(self.ledger.identity().source()), workspace };
        let mut head = self.runtime.block_on(self.ledger.head()).unwrap();
        let mut dice = Dice(0x2545_F491_4F6C_DD1D);
        let mut versions = HashMap::new();
        while head.seq < self.deeds {
            let last = self.deeds.min(head.seq + APPEND);
            let bytes: Vec<Bytes> = (head.seq + 1..=last)
                .map(|seq| self.deed(&mut dice, seq, &mut versions).encode(&origin).unwrap().into())
                .collect();
            head = self.append(head, bytes);
        }
    }

    /// The ledger writes while the index takes in the same deeds.
    fn append(&self, head: Head, bytes: Vec<Bytes>) -> Head {
        // Bytes are shared, so that a clone of them is a pointer.
        let numbered = (head.seq + 1..).map(Seq).zip(bytes.clone());
        let numbered: Vec<(Seq, Bytes)> = numbered.collect();
        let entries: Vec<Entry<'_>> =
            numbered.iter().map(|(seq, bytes)| Entry { seq: *seq, hash: b"bench", bytes }).collect();
        let (runtime, ledger) = (&self.runtime, &self.ledger);
        std::thread::scope(|scope| {
            let written = scope.spawn(|| runtime.block_on(ledger.append(head, bytes)));
            let before = spent();
            self.index.apply(&entries).unwrap();
            self.indexing.set(self.indexing.get() + spent() - before);
            match written.join().unwrap().unwrap() {
                Append::Appended(records) => records.last().unwrap().head(),
                Append::Moved(head) => panic!("the ledger ends at {head:?}"),
            }
        })
    }

    /// Mostly a write that went through; one in fifty did not, and one in three hundred raised an alert and made work.
    fn deed(&self, dice: &mut Dice, seq: u64, versions: &mut HashMap<u64, u32>) -> Deed {
        let number = dice.number() % self.entities();
        let (_, fields) = PLACES[usize::try_from(number % 4).unwrap()];
        let version = versions.entry(number).or_insert(0);
        *version += 1;
        let (body, outcome, code) = match dice.number() % 100 {
            0 => (Body::WriteRefused(()), Outcome::Stale, Some(Code::Stale)),
            1 => (Body::WriteRefused(()), Outcome::Refused, Some(Code::Frozen)),
            _ => (Body::WriteCommitted(()), Outcome::Committed, None),
        };
        let mut refs = Refs::default();
        if seq.is_multiple_of(300) {
            refs.alerts.push(AlertNo(seq / 300));
            refs.works.push(WorkNo(seq / 300));
        }
        let recorded = self.time(seq);
        Deed {
            seq: Seq(seq),
            time: recorded,
            recorded,
            subject: Some(path(number)),
            correlation: Seq(seq),
            cause: seq.is_multiple_of(20).then(|| Seq(seq - 1)),
            traceparent: None,
            door: None,
            token: None,
            actor: Actor::Agent(AgentId::new(&format!("team/agent-{}", dice.number() % AGENTS)).unwrap()),
            action: Cow::Borrowed("write"),
            outcome,
            code,
            verdict: None,
            reason: Some(Arc::from(dice.pick(&REASONS))),
            map_version: MapVersion(seq / 100_000),
            fields: vec![FieldChange {
                entity: None,
                name: dice.pick(&fields).parse::<FieldName>().unwrap(),
                base: Some(Version(u64::from(*version) - 1)),
                version: Version(u64::from(*version)),
                before: None,
                after: Some(Value::text(&format!("state {seq} after {version}"))),
                by: None,
                at: None,
                unseen: false,
            }],
            refs,
            decided: None,
            key: None,
            signed: None,
            body,
        }
    }

    fn entities(&self) -> u64 {
        self.deeds / DEEDS_PER_ENTITY
    }

    fn entity(&self, dice: &mut Dice) -> EntityPath {
        path(dice.number() % self.entities())
    }

    fn time(&self, seq: u64) -> Time {
        self.begun.plus(Span::from_micros(EVERY.micros() * i64::try_from(seq).unwrap()))
    }

    /// Some moment of the time that the deeds take, a day before their end at the latest.
    fn day(&self, dice: &mut Dice) -> Time {
        let whole = EVERY.micros() * i64::try_from(self.deeds).unwrap();
        let before = whole - Span::from_days(1).micros();
        let minute = Span::from_mins(1).micros();
        let at = i64::try_from(dice.number()).unwrap() % before / minute * minute;
        self.begun.plus(Span::from_micros(at))
    }

    /// A page of what the filter means: half of them the newest one, the others from somewhere on.
    fn page(&self, dice: &mut Dice, filter: impl Fn(&Self, &mut Dice) -> String) -> Question {
        let filter = Filter::parse(&filter(self, dice), self.time(self.deeds)).unwrap();
        let from = match dice.below(4) {
            0 => PageFrom::Before(Seq(dice.number() % self.deeds)),
            1 => PageFrom::After(Seq(dice.number() % self.deeds)),
            _ => PageFrom::Newest,
        };
        Box::new(move |house| house.bytes(house.index.page(&filter, from, PAGE).unwrap().seqs))
    }

    fn histogram(&self, dice: &mut Dice, filter: &str) -> Question {
        let filter = Filter::parse(filter, self.time(self.deeds)).unwrap();
        let day = self.day(dice);
        Box::new(move |house| {
            let histogram =
                house.index.histogram(&filter, day, day.plus(Span::from_days(1)), BUCKETS).unwrap();
            let deeds: u64 = histogram.buckets.iter().map(|bucket| bucket.tally.total()).sum();
            assert!(deeds > 0, "a day without deeds");
        })
    }

    /// Reads the deeds themselves.
    fn bytes(&self, seqs: Vec<Seq>) {
        let count = seqs.len();
        let seqs = seqs.into_iter().map(|seq| seq.0).collect();
        let records = self.runtime.block_on(self.ledger.read_many(seqs, usize::MAX)).unwrap();
        assert_eq!(records.len(), count, "every deed of the index is in the ledger");
    }
}

/// The processor time of this thread so far, in microseconds; 0 where there is no `/proc`.
fn spent() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).map_or(0.0, |nanos| nanos / 1e3)
}

fn path(number: u64) -> EntityPath {
    let (place, _) = PLACES[usize::try_from(number % 4).unwrap()];
    format!("{place}/{number:07}").parse().unwrap()
}
