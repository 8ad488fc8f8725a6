//! The index answers what a filter over all deeds would: the same questions are asked of both.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;

use super::follow::{Follower, Record, Source};
use super::sieve::{BLOCK, GROUP, Sieve, Sifter};
use super::*;
use crate::domain::deed::Deed;
use crate::domain::filter::sample::{self, Dice};
use crate::domain::filter::{Facts, Filter};
use crate::domain::path::Pattern;
use crate::domain::time::{Span, Time};

const IDENTITY: &str = "urn:uuid:00000000-0000-4000-8000-000000000000";

struct House {
    directory: TempDir,
    index: Index,
    deeds: Vec<Deed>,
}

impl House {
    fn path(&self) -> PathBuf {
        self.directory.path().join("index.db")
    }
}

fn encoded(deeds: &[Deed]) -> Vec<(Seq, Vec<u8>)> {
    deeds.iter().map(|deed| (deed.seq, deed.encode(&sample::origin()).unwrap())).collect()
}

fn feed(index: &Index, records: &[(Seq, Vec<u8>)]) {
    let entries: Vec<_> =
        records.iter().map(|(seq, bytes)| Entry { seq: *seq, hash: &[7; 32], bytes }).collect();
    index.apply(&entries).unwrap();
}

fn writer(house: &House) -> Connection {
    Connection::open(house.path()).unwrap()
}

fn house(seed: u64, count: u64) -> House {
    let directory = TempDir::new().unwrap();
    let index = Index::open(&directory.path().join("index.db"), IDENTITY).unwrap();
    let deeds = sample::deeds(&mut Dice::new(seed), count);
    for part in encoded(&deeds).chunks(97) {
        feed(&index, part);
    }
    House { directory, index, deeds }
}

fn now() -> Time {
    "2026-02-14T09:00:00Z".parse().unwrap()
}

fn filter(text: &str) -> Filter {
    Filter::parse(text, now()).unwrap()
}

fn meant(deeds: &[Deed], filter: &Filter) -> Vec<Seq> {
    deeds.iter().filter(|deed| filter.matches(deed)).map(|deed| deed.seq).collect()
}

fn check_pages(house: &House, text: &str, limit: usize, at: u64) {
    let filter = filter(text);
    let all = meant(&house.deeds, &filter);
    let page = |from| house.index.page(&filter, from, limit).unwrap();
    let last = |seqs: &[Seq]| seqs[seqs.len().saturating_sub(limit)..].to_vec();
    let first = |seqs: &[Seq]| seqs.iter().copied().take(limit).collect::<Vec<_>>();
    let split = all.partition_point(|seq| seq.0 < at);
    let after = all.partition_point(|seq| seq.0 <= at);
    for (from, expected, more) in [
        (PageFrom::Newest, last(&all), all.len() > limit),
        (PageFrom::Oldest, first(&all), all.len() > limit),
        (PageFrom::Before(Seq(at)), last(&all[..split]), split > limit),
        (PageFrom::After(Seq(at)), first(&all[after..]), all.len() - after > limit),
    ] {
        let page = page(from);
        assert_eq!((page.seqs, page.more), (expected, more), "{text} {from:?}");
    }
    let around = page(PageFrom::Around(Seq(at))).seqs;
    let begin = after.saturating_sub(limit.div_ceil(2));
    let rest = limit.saturating_sub(after - begin).max(1);
    let end = (after + rest).min(all.len());
    assert_eq!(around, all[begin..end], "{text} around {at}");
    let count = house.index.count(&filter).unwrap();
    assert!(count.exact);
    assert_eq!(count.deeds, all.len() as u64, "{text}");
}

fn check_histogram(house: &House, text: &str, from: Time, length: Span, buckets: usize) {
    let filter = filter(text);
    let found = house.index.histogram(&filter, from, from.plus(length), buckets).unwrap();
    assert!(found.buckets.len() <= buckets);
    assert!(found.buckets[0].start <= from);
    let end = found.buckets.last().unwrap().start.plus(found.width);
    assert!(end >= from.plus(length), "{end} covers {}", from.plus(length));
    for bucket in &found.buckets {
        let mut tally = Tally::default();
        let inside = |deed: &&Deed| deed.time >= bucket.start && deed.time < bucket.start.plus(found.width);
        for deed in house.deeds.iter().filter(inside).filter(|deed| filter.matches(deed)) {
            tally.add(Some(deed.outcome), 1);
        }
        assert_eq!(bucket.tally, tally, "{text} at {}", bucket.start);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Lists of deeds, however they were cut when they were written, are read from both ends and between any two.
    #[test]
    fn a_list_is_what_was_put_in(steps in prop::collection::vec(1_i64..400_000, 1..2_000), cuts in prop::collection::vec(1_usize..700, 1..20), low: u16, high: u16) {
        let directory = TempDir::new().unwrap();
        let mut connection = Connection::open(directory.path().join("lists.db")).unwrap();
        schema::create(&mut connection, IDENTITY).unwrap();
        let all: Vec<i64> = steps.iter().scan(0, |at, step| { *at += step % 300 * (step % 7) + 1; Some(*at) }).collect();
        let (mut rest, mut cuts) = (all.as_slice(), cuts.into_iter().cycle());
        while !rest.is_empty() {
            let (now, later) = rest.split_at(cuts.next().unwrap().min(rest.len()));
            posts::add(&connection, 5, now).unwrap();
            rest = later;
        }
        posts::add(&connection, 6, &[3]).unwrap();
        let last = *all.last().unwrap();
        let (low, high) = (i64::from(low) * last / 65_000, i64::from(high) * last / 65_000);
        let meant: Vec<i64> = all.iter().copied().filter(|seq| (low..=high).contains(seq)).collect();
        prop_assert_eq!(posts::between(&connection, 5, (low, high)).unwrap(), meant.clone());
        let mut cursor = posts::Cursor::new(&connection, 5, (low, high), true);
        let mut found = Vec::new();
        while let Some(seqs) = cursor.next().unwrap() {
            found.splice(0..0, seqs);
        }
        prop_assert_eq!(found, meant);
    }

    #[test]
    fn answers_what_the_filter_means(seed: u64) {
        let house = house(seed, 400);
        let mut dice = Dice::new(seed);
        for _ in 0..40 {
            let text = sample::filter_text(&mut dice);
            let (limit, at) = (1 + dice.below(60), dice.below(420));
            check_pages(&house, &text, usize::try_from(limit).unwrap(), at);
        }
        for _ in 0..10 {
            let text = sample::filter_text(&mut dice);
            let back = Span::from_secs(i64::try_from(dice.below(7_200)).unwrap());
            let length = Span::from_secs(1 + i64::try_from(dice.below(7_200)).unwrap());
            let buckets = usize::try_from(1 + dice.below(40)).unwrap();
            check_histogram(&house, &text, sample::start().minus(back), length, buckets);
            check_histogram(&house, "", sample::start().minus(back), length, buckets);
        }
    }

    #[test]
    fn traces_are_what_a_scan_finds(seed: u64) {
        let house = house(seed, 300);
        let Some(entity) = house.deeds.iter().find_map(|deed| deed.subject.clone()) else { return Ok(()) };
        let on_entity = meant(&house.deeds, &filter(&format!("entity:{entity}")));
        let found = house.index.trace_entity(&entity, None, None, 1000).unwrap();
        prop_assert_eq!(&found, &on_entity);
        let newest = house.index.trace_entity(&entity, None, Some(Seq(200)), 3).unwrap();
        let before: Vec<_> = on_entity.into_iter().filter(|seq| seq.0 < 200).collect();
        prop_assert_eq!(newest, before[before.len().saturating_sub(3)..].to_vec());
        let status = "status".parse().unwrap();
        let found = house.index.trace_entity(&entity, Some(&status), None, 1000).unwrap();
        prop_assert_eq!(found, meant(&house.deeds, &filter(&format!("entity:{entity}#status"))));

        let seq = Seq(1 + seed % 300);
        let chain = house.index.chain(seq).unwrap().unwrap();
        let cause = |seq: Seq| house.deeds[usize::try_from(seq.0).unwrap() - 1].cause;
        let mut up: Vec<_> = std::iter::successors(cause(seq), |seq| cause(*seq)).collect();
        up.reverse();
        prop_assert_eq!(chain.causes, up);
        let under = |one: Seq| std::iter::successors(cause(one), |seq| cause(*seq)).any(|above| above == seq);
        let mut down: Vec<_> = house.deeds.iter().map(|deed| deed.seq).filter(|one| under(*one)).collect();
        for (i, effect) in chain.effects.iter().enumerate() {
            prop_assert_eq!(cause(effect.seq), Some(effect.cause));
            let parent = chain.effects[..i].iter().rev().find(|above| above.depth < effect.depth);
            prop_assert_eq!(parent.map_or(seq, |parent| parent.seq), effect.cause);
        }
        let mut found: Vec<_> = chain.effects.iter().map(|effect| effect.seq).collect();
        found.sort_unstable();
        down.sort_unstable();
        prop_assert_eq!(found, down);
    }
}

#[test]
fn thousands_of_deeds_in_many_entities() {
    let mut deeds = sample::deeds(&mut Dice::new(11), 5_000);
    for deed in &mut deeds {
        deed.subject = Some(format!("crm/contact/c{}", deed.seq.0 % 400).parse().unwrap());
    }
    let directory = TempDir::new().unwrap();
    let index = Index::open(&directory.path().join("index.db"), IDENTITY).unwrap();
    feed(&index, &encoded(&deeds));
    let house = House { directory, index, deeds };
    for text in [
        "entity:crm/contact/c*",
        "entity:**/c39*",
        "-entity:crm/contact/c1*",
        "entity:**#status",
        "entity:crm/** form",
    ] {
        check_pages(&house, text, 50, 2_500);
    }
    check_histogram(&house, "entity:crm/contact/c1*", sample::start(), Span::from_hours(20), 60);
}

#[test]
fn a_place_with_too_many_entities_to_gather_means_the_same() {
    let mut deeds = sample::deeds(&mut Dice::new(12), 4_000);
    for deed in &mut deeds {
        let place = match deed.seq.0 {
            1..=2_500 => "crm/contact",
            2_501..=3_000 => "crm",
            _ => "crm0/contact",
        };
        deed.subject = Some(format!("{place}/c{}", deed.seq.0).parse().unwrap());
    }
    deeds[3_500].subject = Some("crm".parse().unwrap());
    let directory = TempDir::new().unwrap();
    let index = Index::open(&directory.path().join("index.db"), IDENTITY).unwrap();
    feed(&index, &encoded(&deeds));
    let stray = br#"{"type":"deeds.moon.landed","time":"2026-02-14T08:00:00Z","subject":"crm//x","data":{"actor":{"class":"robot","name":"hal"},"outcome":"landed"}}"#;
    feed(&index, &[(Seq(4_001), stray.to_vec())]);
    let house = House { directory, index, deeds };
    for text in ["entity:crm/**", "entity:**", "entity:crm/**#status", "entity:crm/** entity:crm0/**"] {
        check_pages(&house, text, 50, 2_500);
    }
    assert_eq!(house.index.count(&filter("-entity:**")).unwrap().deeds, 1);
}

#[test]
fn statistics_are_what_a_scan_counts() {
    let house = house(5, 600);
    let late = house.deeds.last().unwrap().recorded;
    let pattern: Pattern = "crm/**".parse().unwrap();
    let stats = house.index.field_stats(&pattern, late).unwrap();
    let mut expected: BTreeMap<String, (u64, u64, u64, Option<Seq>)> = BTreeMap::new();
    let mut writers: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for deed in &house.deeds {
        let facts = Facts::of(deed);
        // A deed that names a field twice has touched it once.
        let mut touched: Vec<_> =
            facts.touches.iter().map(|touch| (touch.entity.to_string(), touch.field.to_string())).collect();
        if facts.outcome == "committed" {
            for key in &touched {
                writers.entry(key.clone()).or_default().push(facts.actor.to_string());
            }
        }
        touched.sort();
        touched.dedup();
        for (_, field) in touched.iter().filter(|(entity, _)| entity.starts_with("crm/")) {
            let entry = expected.entry(field.clone()).or_default();
            match facts.outcome.as_ref() {
                "committed" => {
                    entry.0 += 1;
                    entry.3 = Some(deed.seq);
                }
                "proposed" => entry.1 += 1,
                "stale" => entry.2 += 1,
                _ => {}
            }
        }
    }
    let sum = |tried: &[Tried]| tried.iter().map(|one| one.times).sum::<u64>();
    let found: BTreeMap<_, _> = stats
        .iter()
        .map(|one| {
            let last = one.last.as_ref().map(|last| last.seq);
            (one.field.clone(), (one.writes, sum(&one.proposals), sum(&one.refusals), last))
        })
        .collect();
    assert_eq!(found, expected);
    let only = house.index.field_stats(&"crm/**#status".parse().unwrap(), late).unwrap();
    assert_eq!(only, stats.iter().filter(|one| one.field == "status").cloned().collect::<Vec<_>>());

    let contested = house.index.contested(1000).unwrap();
    let mut entities = Vec::new();
    for ((entity, field), mut by) in writers {
        let times = by.len() as u64;
        by.sort();
        by.dedup();
        let one = contested.iter().find(|one| one.entity == entity && one.field == field);
        assert_eq!(
            one.map(|one| (one.writers, one.writes)),
            (by.len() > 1).then_some((by.len() as u64, times))
        );
        entities.push((entity, by));
    }
    assert!(contested.windows(2).all(|pair| pair[0].writes >= pair[1].writes));
    let mut by_entity: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (entity, by) in entities {
        by_entity.entry(entity).or_default().extend(by);
    }
    let several = by_entity.values().filter(|by| by.iter().any(|one| *one != by[0])).count();
    assert_eq!(house.index.multi_writer_entities().unwrap(), several as u64);
    let actors = house.index.actors().unwrap();
    assert_eq!(actors.iter().map(|one| one.deeds).sum::<u64>(), 600);
    assert_eq!(house.index.vocabulary(2).unwrap().actors, [actors[0].name.clone(), actors[1].name.clone()]);
}

#[test]
fn broken_and_unknown_deeds_are_indexed_raw() {
    let house = house(3, 10);
    let unknown = br#"{"type":"deeds.moon.landed","time":"2026-02-14T08:00:00Z","subject":"crm/contact/acme","data":{"actor":{"class":"robot","name":"hal"},"outcome":"landed"}}"#;
    feed(&house.index, &[(Seq(11), b"\xff\0 not JSON".to_vec()), (Seq(12), unknown.to_vec())]);
    let page = |text: &str| house.index.page(&filter(text), PageFrom::Newest, 10).unwrap().seqs;
    assert_eq!(page("type:unreadable"), [Seq(11)]);
    assert_eq!(page("\"not json\""), [Seq(11)]);
    assert_eq!(page("actor:hal entity:crm/*/acme"), [Seq(12)]);
    let from = house.deeds[9].time.minus(Span::from_days(2));
    let histogram = house.index.histogram(&filter(""), from, now(), 10).unwrap();
    assert_eq!(histogram.buckets.iter().map(|one| one.tally.total()).sum::<u64>(), 12);
    assert_eq!(histogram.buckets.iter().map(|one| one.tally.other()).sum::<u64>(), 2);
}

#[test]
fn gaps_are_refused_and_change_nothing() {
    let house = house(3, 10);
    let bytes = b"{}".as_slice();
    let error = house
        .index
        .apply(&[Entry { seq: Seq(11), hash: &[1], bytes }, Entry { seq: Seq(13), hash: &[1], bytes }])
        .unwrap_err();
    assert!(matches!(error, IndexError::Gap { head: Seq(11), given: Seq(13) }), "{error}");
    assert_eq!(house.index.head().unwrap(), Head { seq: Seq(10), hash: vec![7; 32] });
    assert_eq!(house.index.count(&filter("seq:11")).unwrap().deeds, 0);
}

/// What a batch that was not kept brought with it is not remembered.
#[test]
fn after_a_batch_that_failed_its_terms_are_found_anew() {
    let house = house(3, 10);
    let deed = br#"{"type":"deeds.moon.landed","time":"2026-02-14T08:00:00Z","subject":"moon/base","data":{"actor":{"class":"robot","name":"hal"},"action":"write","outcome":"landed"}}"#;
    let entry = |seq| Entry { seq: Seq(seq), hash: &[7; 32], bytes: deed };
    house.index.apply(&[entry(11), entry(13)]).unwrap_err();
    for seq in [11, 12] {
        house.index.apply(&[entry(seq)]).unwrap();
    }
    for text in ["actor:hal", "entity:moon/base", "entity:moon/**", "hal"] {
        let page = house.index.page(&filter(text), PageFrom::Newest, 5).unwrap();
        assert_eq!(page.seqs, [Seq(11), Seq(12)], "{text}");
    }
    house.index.check_counts().unwrap();
    house.index.check(&[entry(11), entry(12)]).unwrap();
}

/// More deeds than the sieves of one group cover, few of which say something that the others do not.
#[test]
fn a_rare_text_is_found_wherever_it_is() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("index.db");
    let index = Index::open(&path, IDENTITY).unwrap();
    let rare: BTreeMap<u64, &str> = BTreeMap::from([
        (1, "c0ffee-4711"),
        (128, "xy"),
        (129, "c0ffee-4711 again"),
        (30_000, "größer"),
        (61_440, "the end of a group"),
        (61_441, "c0ffee-4711 after it"),
        (62_999, "zq7"),
    ]);
    let records: Vec<(Seq, Vec<u8>)> = (1..=63_000)
        .map(|seq| {
            (Seq(seq), rare.get(&seq).map_or(format!("no deed {}", seq % 9), |rare| (*rare).to_owned()))
        })
        .map(|(seq, text)| (seq, text.into_bytes()))
        .collect();
    for part in records.chunks(1_777) {
        feed(&index, part);
    }
    for text in [
        "c0ffee-4711",
        "xy",
        "größer",
        "end of a group",
        "zq7",
        "q7",
        "4712",
        "c0ffee-4711 after",
        "ee-4711 a",
    ] {
        let meant: Vec<Seq> =
            rare.iter().filter(|(_, said)| said.contains(text)).map(|(seq, _)| Seq(*seq)).collect();
        let asked = filter(&format!("{text:?}"));
        for from in
            [PageFrom::Newest, PageFrom::Oldest, PageFrom::Before(Seq(63_001)), PageFrom::After(Seq(0))]
        {
            assert_eq!(index.page(&asked, from, 10).unwrap().seqs, meant, "{text} {from:?}");
        }
        let within = filter(&format!("{text:?} seq:100..61440"));
        let meant: Vec<Seq> = meant.into_iter().filter(|seq| (100..=61_440).contains(&seq.0)).collect();
        assert_eq!(index.page(&within, PageFrom::Newest, 10).unwrap().seqs, meant, "{text}");
    }
    let threes = (1..=63_000).filter(|seq| seq % 9 == 3 && !rare.contains_key(seq)).count();
    assert_eq!(index.count(&filter("\"deed 3\"")).unwrap().deeds, threes as u64);
    let looked = || check::Looked::at(&path, IDENTITY).unwrap().unwrap();
    looked().check_words().unwrap();
    for change in [
        "UPDATE sieved SET lines = zeroblob(3840) WHERE row = (SELECT min(row) FROM sieved WHERE lines <> zeroblob(3840))",
        "UPDATE sieve SET bits = zeroblob(8192) WHERE block = 480",
    ] {
        index.close_if_idle(Duration::ZERO);
        let was: Vec<u8> = fs::read(&path).unwrap();
        Connection::open(&path).unwrap().execute(change, []).unwrap();
        let found = looked().check_words().unwrap_err();
        assert!(found.is_broken(), "{change}: {found}");
        fs::write(&path, was).unwrap();
    }
}

#[test]
fn an_idle_index_lets_go_of_its_file_and_goes_on_when_it_is_asked() {
    let house = house(3, 300);
    let log = house.directory.path().join("index.db-wal");
    house.index.page(&filter("form"), PageFrom::Newest, 5).unwrap();
    assert!(log.exists());
    house.index.close_if_idle(Duration::from_hours(1));
    assert!(log.exists(), "it was used a moment ago");
    house.index.close_if_idle(Duration::ZERO);
    assert!(!log.exists(), "whoever closes the file last takes its log away");
    check_pages(&house, "actor:intake form", 20, 150);
    house.index.close_if_idle(Duration::ZERO);
    feed(&house.index, &encoded(&house.deeds)[..0]);
    house.index.apply(&[Entry { seq: Seq(301), hash: &[7; 32], bytes: b"landed" }]).unwrap();
    assert_eq!(house.index.page(&filter("landed"), PageFrom::Newest, 5).unwrap().seqs, [Seq(301)]);
    house.index.check_counts().unwrap();
}

#[test]
fn another_version_ledger_or_a_broken_file_starts_anew() {
    let house = house(3, 10);
    let path = house.path();
    assert_eq!(Index::open(&path, IDENTITY).unwrap().head().unwrap().seq, Seq(10));
    assert_eq!(Index::open(&path, "urn:uuid:other").unwrap().head().unwrap().seq, Seq(0));
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let index = Index::open(&path, "urn:uuid:other").unwrap();
    feed(&index, &encoded(&house.deeds));
    drop(index);
    fs::write(
        &path,
        b"this is not a database, but somebody's notes, and long enough to be taken for a header",
    )
    .unwrap();
    assert_eq!(Index::open(&path, IDENTITY).unwrap().head().unwrap().seq, Seq(0));
}

type Stored = Vec<(Seq, Vec<u8>)>;

/// A ledger in memory that can fail a few times and grows while it is followed.
struct Shelf {
    records: Arc<Mutex<Stored>>,
    mark: u8,
    failures: Arc<AtomicUsize>,
}

impl Source for Shelf {
    type Bytes = Vec<u8>;
    type Error = String;

    fn read(&mut self, after: Seq, limit: usize) -> Result<Vec<Record<Vec<u8>>>, String> {
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            return Err("the disk is on holiday".to_owned());
        }
        let records = self.records.lock().unwrap();
        let later = records.iter().filter(|(seq, _)| *seq > after).take(limit.min(30));
        Ok(later
            .map(|(seq, bytes)| Record { seq: *seq, hash: [self.mark; 32], bytes: bytes.clone() })
            .collect())
    }

    fn read_checked(&mut self, after: Seq, limit: usize) -> Result<Vec<Record<Vec<u8>>>, String> {
        self.read(after, limit)
    }

    fn hash_of(&mut self, seq: Seq) -> Result<Option<[u8; 32]>, String> {
        Ok(self.records.lock().unwrap().iter().any(|(one, _)| *one == seq).then_some([self.mark; 32]))
    }

    fn has_more(&mut self, _after: Seq) -> bool {
        true
    }

    fn rest(&mut self, _worked: Duration) -> Duration {
        Duration::ZERO
    }
}

#[test]
fn the_follower_catches_up_survives_errors_and_tells_a_replaced_ledger() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("deeper/index.db");
    let index = Arc::new(Index::open(&path, IDENTITY).unwrap());
    let deeds = sample::deeds(&mut Dice::new(2), 200);
    let all = encoded(&deeds);
    let records = Arc::new(Mutex::new(all[..150].to_vec()));
    let failures = Arc::new(AtomicUsize::new(2));
    let shelf = |mark| Shelf { records: Arc::clone(&records), mark, failures: Arc::clone(&failures) };

    let follower = Follower::start(Arc::clone(&index), shelf(1), |_| {}).unwrap();
    assert!(follower.wait_for(Seq(150), Duration::from_secs(20)), "{:?}", follower.progress());
    records.lock().unwrap().extend_from_slice(&all[150..]);
    follower.waker()();
    assert!(follower.wait_for(Seq(200), Duration::from_secs(20)));
    assert_eq!(failures.load(Ordering::SeqCst), 0);
    drop(follower);
    assert_eq!(index.head().unwrap(), Head { seq: Seq(200), hash: vec![1; 32] });

    // The ledger was put back from a backup: shorter, and with other hashes.
    records.lock().unwrap().truncate(40);
    let follower = Follower::start(Arc::clone(&index), shelf(2), |_| {}).unwrap();
    assert!(follower.wait_for(Seq(40), Duration::from_secs(20)));
    drop(follower);
    assert_eq!(index.head().unwrap(), Head { seq: Seq(40), hash: vec![2; 32] });
    assert_eq!(index.page(&filter(""), PageFrom::Newest, 5).unwrap().seqs.last(), Some(&Seq(40)));
}

/// One thread for all: who has much to take does not hold up who has little.
#[test]
fn indexes_have_their_turns() {
    let directory = TempDir::new().unwrap();
    let open = |name: &str| Arc::new(Index::open(&directory.path().join(name), IDENTITY).unwrap());
    let shelf = |count: u64| Shelf {
        records: Arc::new(Mutex::new(encoded(&sample::deeds(&mut Dice::new(count), count)))),
        mark: 1,
        failures: Arc::default(),
    };
    let much = Follower::start(open("much.db"), shelf(6_000), |_| {}).unwrap();
    let little: Vec<Follower> = (0..3_u8)
        .map(|nth| Follower::start(open(&format!("{nth}.db")), shelf(90), |_| {}).unwrap())
        .collect();
    for follower in &little {
        assert!(follower.wait_for(Seq(90), Duration::from_secs(20)), "{:?}", follower.progress());
    }
    assert!(much.progress().seq < Seq(6_000), "the others came first: {:?}", much.progress());
    drop(little);
    assert!(much.wait_for(Seq(6_000), Duration::from_mins(1)), "{:?}", much.progress());
}

/// A source that panics ends its own following, and nobody else's.
#[test]
fn a_follower_that_breaks_off_leaves_the_others_alone() {
    struct Broken;
    impl Source for Broken {
        type Bytes = Vec<u8>;
        type Error = String;

        fn read(&mut self, _after: Seq, _limit: usize) -> Result<Vec<Record<Vec<u8>>>, String> {
            panic!("a defect");
        }

        fn read_checked(&mut self, after: Seq, limit: usize) -> Result<Vec<Record<Vec<u8>>>, String> {
            self.read(after, limit)
        }

        fn hash_of(&mut self, _seq: Seq) -> Result<Option<[u8; 32]>, String> {
            Ok(None)
        }

        fn has_more(&mut self, _after: Seq) -> bool {
            true
        }

        fn rest(&mut self, _worked: Duration) -> Duration {
            Duration::ZERO
        }
    }
    let directory = TempDir::new().unwrap();
    let open = |name: &str| Arc::new(Index::open(&directory.path().join(name), IDENTITY).unwrap());
    let broken = Follower::start(open("broken.db"), Broken, |_| {}).unwrap();
    let records = Arc::new(Mutex::new(encoded(&sample::deeds(&mut Dice::new(1), 90))));
    let shelf = Shelf { records, mark: 1, failures: Arc::default() };
    let other = Follower::start(open("other.db"), shelf, |_| {}).unwrap();
    assert!(other.wait_for(Seq(90), Duration::from_secs(20)));
    assert!(!broken.wait_for(Seq(1), Duration::from_secs(20)));
    assert!(broken.progress().ended);
}

/// Says that it is over, however it ends.
struct Ends<'d>(&'d AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn readers_never_wait_and_never_fail_while_it_grows_and_starts_anew() {
    let directory = TempDir::new().unwrap();
    let index = Index::open(&directory.path().join("index.db"), IDENTITY).unwrap();
    let records = encoded(&sample::deeds(&mut Dice::new(4), 2_000));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for text in ["actor:intake", "form -entity:crm/**", "entity:**", ""] {
            let (index, done) = (&index, &done);
            scope.spawn(move || {
                let filter = filter(text);
                while !done.load(Ordering::Acquire) {
                    let page = index.page(&filter, PageFrom::Newest, 50).unwrap();
                    assert!(page.seqs.last().is_none_or(|last| *last <= page.head), "{text}: one snapshot");
                    assert!(page.seqs.is_sorted());
                }
            });
        }
        let _end = Ends(&done);
        for _ in 0..3 {
            for part in records.chunks(100) {
                feed(&index, part);
            }
            index.reset().unwrap();
            assert_eq!(index.head().unwrap().seq, Seq(0));
        }
    });
}

/// Each table, changed by one row: the counts or the comparison find it.
#[test]
fn what_is_wrong_in_the_file_is_found_by_comparing_it_with_the_ledger() {
    let house = house(11, 300);
    let records = encoded(&house.deeds);
    let entries: Vec<_> =
        records.iter().map(|(seq, bytes)| Entry { seq: *seq, hash: &[7; 32], bytes }).collect();
    house.index.check_counts().unwrap();
    house.index.check(&entries).unwrap();
    for part in entries.chunks(50) {
        house.index.check(part).unwrap();
    }
    let changes = [
        "UPDATE deed SET time = time + 1 WHERE seq = 7",
        "UPDATE deed SET actor = actor + 1 WHERE seq = 100",
        "UPDATE deed SET cause = cause + 1 WHERE seq = 30",
        "UPDATE text SET said = replace(said, 'form', 'from') WHERE first = 1",
        "UPDATE text SET lengths = substr(lengths, 2) WHERE first = 129",
        "DELETE FROM text WHERE first = 129",
        "UPDATE sieve SET bits = zeroblob(8192) WHERE block = 1",
        "DELETE FROM sieve WHERE block = 2",
        "DELETE FROM post WHERE first = (SELECT max(first) FROM post)",
        "UPDATE post SET steps = x'02' || substr(steps, 2) WHERE first = 1 AND deeds = (SELECT max(deeds) FROM post)",
        "UPDATE post SET steps = x'', deeds = 1 WHERE deeds = (SELECT max(deeds) FROM post)",
        "UPDATE term SET name = name || 'x' WHERE id = 3",
        "UPDATE touch SET version = version + 1 WHERE seq = (SELECT max(seq) FROM touch)",
        "DELETE FROM ref WHERE seq = (SELECT min(seq) FROM ref)",
        "UPDATE minute SET deeds = deeds + 1 WHERE minute = (SELECT min(minute) FROM minute)",
        "UPDATE term SET deeds = deeds + 1 WHERE id = 5",
        "UPDATE writer SET writes = writes + 1 WHERE entity = (SELECT min(entity) FROM writer)",
    ];
    for change in changes {
        let copy = TempDir::new().unwrap();
        let path = copy.path().join("index.db");
        writer(&house).execute("VACUUM INTO ?", [path.to_str().unwrap()]).unwrap();
        Connection::open(&path).unwrap().execute(change, []).unwrap();
        let index = Index::open(&path, IDENTITY).unwrap();
        let found = index.check_counts().and_then(|()| index.check(&entries)).unwrap_err();
        assert!(found.is_broken(), "{change}: {found}");
    }
}

/// A page of the file is overwritten while the index is in use: a reader meets it, and the follower starts anew.
#[test]
fn an_index_that_a_reader_finds_broken_is_rebuilt() {
    let house = house(5, 600);
    writer(&house).execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let path = house.path();
    let length = std::fs::metadata(&path).unwrap().len();
    let mut bytes = std::fs::read(&path).unwrap();
    let from = 4 * 4_096;
    bytes[from..].fill(0x5a);
    std::fs::write(&path, &bytes).unwrap();
    assert!(length > from as u64);
    let House { directory, index, deeds } = house;
    drop(index);
    let index = Arc::new(Index::open(&path, IDENTITY).unwrap());
    let broken = index.page(&filter("the"), PageFrom::Oldest, 10).unwrap_err();
    assert!(broken.is_broken(), "{broken}");
    let records = Arc::new(Mutex::new(encoded(&deeds)));
    let shelf = Shelf { records, mark: 7, failures: Arc::default() };
    let follower = Follower::start(Arc::clone(&index), shelf, |_| {}).unwrap();
    let answers = || {
        index.check_counts().is_ok()
            && index.page(&filter(""), PageFrom::Oldest, 600).is_ok_and(|page| page.seqs.len() == 600)
    };
    assert!(
        (0..6_000).any(|_| answers() || {
            std::thread::sleep(Duration::from_millis(10));
            false
        }),
        "{:?}",
        follower.progress()
    );
    drop((follower, directory));
}

/// More blocks than one stack has, each with a text of its own, in every way that sieves lie.
#[test]
fn the_sieves_of_stacks_groups_and_blocks_name_the_same_blocks() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("index.db");
    drop(Index::open(&path, IDENTITY).unwrap());
    let mut connection = connect(&path, false).unwrap();
    let (stack, end) = (8 * GROUP, 9 * GROUP + 3);
    let groups = || (0..end).step_by(usize::try_from(GROUP).unwrap());
    let text = |block: i64| format!("c0ffee-{block:05}");
    let sieve = |block: i64| {
        let mut sieve = Sieve::default();
        sieve.add(&text(block));
        sieve
    };
    let transaction = connection.transaction().unwrap();
    (0..end).for_each(|block| sieve(block).write(&transaction, block, true).unwrap());
    transaction.commit().unwrap();
    let count = |table: &str| -> i64 {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!([count("stacked"), count("sieved"), count("sieve")], [8_192, 1_024, 3]);
    let head = end * BLOCK;
    for said in [0, 7, 8, 479, 480, 2_500, stack - 1, stack, stack + 479, stack + 480, end - 1] {
        let mut sifter = Sifter::new(&text(said), head);
        let found: Vec<i64> =
            (0..end).filter(|block| sifter.may_be_in(&connection, *block).unwrap()).collect();
        assert_eq!(found, [said]);
    }
    let check = |first: i64| {
        let sieves: Vec<Sieve> = (first..(first + GROUP).min(end)).map(sieve).collect();
        sieve::check(&connection, first, &sieves, head)
    };
    for first in groups() {
        check(first).unwrap();
    }
    let change = "UPDATE stacked SET lines = zeroblob(3840) WHERE row = (SELECT min(row) FROM stacked WHERE lines <> zeroblob(3840))";
    connection.execute(change, []).unwrap();
    let broken = groups().filter(|first| check(*first).is_err()).count();
    assert!(broken > 0);
    connection.execute("DELETE FROM stacked WHERE row = 5", []).unwrap();
    assert!(check(0).unwrap_err().is_broken());
}
