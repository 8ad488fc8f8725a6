//! Rounds of faults under load, each of one or two faults that are then mended, and what was told held against the ledger at the end.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use deeds::client::Client;
use rustix::process::Signal;
use serde_json::Value;

use crate::chance::Chance;
use crate::checker::Book;
use crate::load::{self, Caller, Progress, Told};
use crate::nodes::{Cluster, NODES, Space, WORKSPACES};
use crate::patience::PATIENCE;
use crate::programs;
use crate::values;
use crate::watcher::{Last, Watcher};
use crate::way::Passage;

/// A fault lasts for a random time up to this one: beyond the time for which a node is believed to be there.
const LASTS: Duration = Duration::from_secs(4);
/// Between two rounds.
const CALM: Duration = Duration::from_millis(400);
/// How far a node's clock is off at most, in seconds: with five a node does not start.
const OFF: u64 = 4;

/// What is done to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// A node dies, and is started again.
    NodeDies,
    /// A node stands still, and goes on where it was.
    NodeStops,
    /// The connections of a node to its database are ended.
    Cut,
    /// Nothing passes between a node and its database.
    Held,
    /// All that passes there takes its time.
    Slow,
    /// What callers and other nodes send to nodes comes once more by a second connection, sooner or later.
    Doubled,
    /// A node's clock jumps.
    Clock,
    /// The primary dies, its standby takes its place and gets another one.
    PrimaryDies,
    /// The standby dies, and comes back.
    StandbyDies,
    /// The disk of the primary is full.
    DiskFull,
    /// The same, and its log needs room there: it ends itself, and can't come back before there is some.
    LogFull,
}

const OF_NODES: [Fault; 6] =
    [Fault::NodeDies, Fault::NodeStops, Fault::Cut, Fault::Held, Fault::Slow, Fault::Doubled];
const OF_THE_DATABASE: [Fault; 4] = [Fault::PrimaryDies, Fault::StandbyDies, Fault::DiskFull, Fault::LogFull];
const OF_ITS_DISK: [Fault; 2] = [Fault::DiskFull, Fault::LogFull];

impl Fault {
    /// Does it; to that node, where it is a node's.
    fn begin(self, cluster: &mut Cluster, node: usize, chance: &mut Chance) {
        let node = &mut cluster.nodes[node];
        match self {
            Self::NodeDies => node.end(Signal::KILL),
            Self::NodeStops => node.send(Signal::STOP),
            Self::Cut => node.ways.iter().for_each(crate::way::Way::cut),
            Self::Held => node.ways.iter().for_each(|way| way.let_through(Passage::Held)),
            Self::Slow => {
                let later = Passage::Slow(Duration::from_millis(20 + chance.below(200)));
                node.ways.iter().for_each(|way| way.let_through(later));
            }
            Self::Doubled => cluster.let_through(Passage::Doubled),
            Self::Clock => {
                let off = i64::try_from(chance.below(2 * OFF)).unwrap();
                node.shift(off - i64::try_from(OFF).unwrap());
            }
            Self::PrimaryDies => cluster.pair.primary().kill(),
            Self::StandbyDies => cluster.pair.standby().kill(),
            Self::DiskFull => cluster.is_full(true),
            Self::LogFull => {
                cluster.is_full(true);
                cluster.pair.primary().run_out_of_log();
            }
        }
    }

    fn mend(self, cluster: &mut Cluster, node: usize) {
        let node = &mut cluster.nodes[node];
        match self {
            Self::NodeDies => node.up(),
            Self::NodeStops => node.send(Signal::CONT),
            Self::Held | Self::Slow => node.ways.iter().for_each(|way| way.let_through(Passage::Open)),
            Self::Doubled => cluster.let_through(Passage::Open),
            // The clock stays as it is until it jumps again.
            Self::Cut | Self::Clock => {}
            Self::PrimaryDies => {
                cluster.pair.promote();
                cluster.pair.rejoin();
            }
            Self::StandbyDies => {
                cluster.pair.standby().up();
                cluster.pair.in_step();
            }
            Self::DiskFull | Self::LogFull => {
                cluster.is_full(false);
                cluster.pair.recover();
            }
        }
    }
}

/// One that is over: its faults, and between which times they were.
struct Round {
    faults: Vec<Fault>,
    begun: Instant,
    /// From when on it was mended.
    mended: Instant,
    ended: Instant,
}

/// Faults in the order in which they come: each once before any comes again.
struct Deck {
    all: Vec<Fault>,
    left: Vec<Fault>,
}

impl Deck {
    fn draw(&mut self, chance: &mut Chance) -> Fault {
        if self.left.is_empty() {
            self.left.clone_from(&self.all);
        }
        let at = usize::try_from(chance.below(self.left.len() as u64)).unwrap();
        self.left.swap_remove(at)
    }
}

/// A round: a fault, in some rounds with one of another node.
fn round(cluster: &mut Cluster, deck: &mut Deck, chance: &mut Chance, progress: &Progress) -> Round {
    let mut any = |most: usize| usize::try_from(chance.below(most as u64)).unwrap();
    let (nodes, first) = (cluster.nodes.len(), any(cluster.nodes.len()));
    let (beside, more) = (OF_NODES[any(OF_NODES.len())], any(3) == 0);
    let fault = deck.draw(chance);
    let mut faults = vec![(fault, first)];
    if more {
        faults.push((beside, (first + 1) % nodes));
    }
    std::thread::sleep(CALM);
    let begun = Instant::now();
    for (fault, node) in &faults {
        fault.begin(cluster, *node, chance);
    }
    chance.sleep(LASTS);
    let mended = Instant::now();
    // The database first, without which no node starts.
    faults.sort_by_key(|(fault, _)| !OF_THE_DATABASE.contains(fault));
    let (doubled, others): (Vec<_>, Vec<_>) = faults.iter().partition(|(fault, _)| *fault == Fault::Doubled);
    for (fault, node) in others {
        fault.mend(cluster, node);
    }
    // However short the fault is, something is said twice.
    for (fault, node) in doubled {
        goes_on(cluster, progress, &[fault]);
        fault.mend(cluster, node);
    }
    let faults: Vec<Fault> = faults.into_iter().map(|(fault, _)| fault).collect();
    goes_on(cluster, progress, &faults);
    Round { faults, begun, mended, ended: Instant::now() }
}

/// Waits until something that is asked from now on is acknowledged in each workspace, and every node is ready.
fn goes_on(cluster: &Cluster, progress: &Progress, faults: &[Fault]) {
    let (mended, end) = (Instant::now(), Instant::now() + PATIENCE);
    for space in progress {
        while space.lock().unwrap().is_none_or(|begun| begun < mended) {
            assert!(Instant::now() < end, "after {faults:?} nothing is acknowledged");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    cluster.nodes.iter().for_each(crate::nodes::Node::is_ready);
}

fn campaign(rounds: usize, clocks: bool) {
    let mut chance = Chance::of("faults of a cluster");
    let Some(mut cluster) = Cluster::start(NODES, clocks) else { return };
    let mut callers = load::team(&cluster);
    let lasts = WORKSPACES.map(|_| Last::unknown());
    let watchers = cluster.spaces.iter().zip(&lasts).enumerate();
    let watchers: Vec<_> = watchers
        .map(|(at, (space, last))| {
            let watcher = Watcher::new(&cluster, space, at, last);
            std::thread::spawn(|| watcher.follow())
        })
        .collect();
    let mut all = [&OF_NODES[..], &OF_THE_DATABASE].concat();
    all.retain(|fault| cluster.disks.is_some() || !OF_ITS_DISK.contains(fault));
    all.extend(clocks.then_some(Fault::Clock));
    let mut deck = Deck { all, left: Vec::new() };
    let (over, progress) = (AtomicBool::new(false), WORKSPACES.map(|_| Mutex::new(None)));
    let rounds: Vec<Round> = std::thread::scope(|scope| {
        for caller in &mut callers {
            scope.spawn(|| caller.work(&over, &progress));
        }
        // Whoever fails lets the others end.
        let over = Over(&over);
        let rounds = (0..rounds).map(|_| round(&mut cluster, &mut deck, &mut chance, &progress)).collect();
        drop(over);
        rounds
    });
    let twice: u64 = cluster.nodes.iter().map(|node| node.front.said_twice()).sum();
    let mut watchers = watchers.into_iter();
    for (at, space) in cluster.spaces.iter().enumerate() {
        let book = same_everywhere(&cluster, space);
        lasts[at].is(book.len() as u64);
        let mine = callers.iter().filter(|caller| caller.space == at);
        let told: Vec<Told> = mine.flat_map(|caller| caller.told.iter().cloned()).collect();
        values::are_same(&cluster, space, &book);
        let found = book.check(&told);
        assert!(found.is_ok(), "{}: {found:?}", space.name);
        let mut seen = watchers.next().unwrap().join().unwrap();
        // A lease may have lapsed meanwhile.
        seen.truncate(book.len());
        assert!(seen == book.hashes(), "{}: a watcher saw something else", space.name);
    }
    for node in &mut cluster.nodes {
        node.end(Signal::TERM);
    }
    cluster.nodes[0].ok(&["verify"]);
    let is_doubled = rounds.iter().any(|round| round.faults.contains(&Fault::Doubled));
    assert!(twice > 0 || !is_doubled, "nothing was said twice");
    say(&rounds, &callers, twice);
}

/// Says that it is over.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Waits until every node is at the same deed of a workspace, and holds their boards and ledgers against each other.
fn same_everywhere(cluster: &Cluster, space: &Space) -> Book {
    let token = space.dana.trim_start_matches("Authorization: Bearer ");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let end = Instant::now() + PATIENCE;
    loop {
        let boards: Vec<(u64, Value)> = runtime.block_on(async {
            let mut boards = Vec::new();
            for address in cluster.addresses() {
                let client = Client::new(&format!("http://{address}"), token).unwrap();
                let start = client.board().await.unwrap();
                boards.push((start.seq.0, serde_json::to_value(&start.board).unwrap()));
            }
            boards
        });
        // A lease may lapse meanwhile.
        if boards.iter().all(|(seq, _)| *seq == boards[0].0) {
            assert!(boards.iter().all(|board| *board == boards[0]), "{}: the boards differ", space.name);
            let books: Vec<Book> = cluster.nodes.iter().map(|node| Book::read(node, &space.dana)).collect();
            if books.iter().all(|book| book.len() as u64 == boards[0].0) {
                assert!(books.iter().all(|book| book.hashes() == books[0].hashes()), "the ledgers differ");
                return books.into_iter().next().unwrap();
            }
        }
        assert!(Instant::now() < end, "{}: the nodes do not come to one deed", space.name);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Says what was done, and how long nothing was acknowledged in a workspace, by what was done alone; where that was to the database, from
/// when on it was mended, for without a primary or its standby nothing is.
fn say(rounds: &[Round], callers: &[Caller], twice: u64) {
    let told: usize = callers.iter().map(|caller| caller.told.len()).sum();
    let retried: u64 = callers.iter().map(|caller| caller.retried).sum();
    let mut text = format!(
        "cluster: {} rounds on {NODES} nodes, {told} acknowledgements, {retried} times asked again, {twice} sent twice on the way; lost 0, doubled 0, out of order 0\n",
        rounds.len()
    );
    for fault in [&OF_NODES[..], &OF_THE_DATABASE, &[Fault::Clock]].concat() {
        let mut gaps: Vec<Duration> = rounds
            .iter()
            .filter(|round| round.faults == [fault])
            .flat_map(|round| (0..WORKSPACES.len()).map(|space| gap(round, space, callers)))
            .collect();
        gaps.sort();
        if let (Some(longest), Some(median)) = (gaps.last(), gaps.get(gaps.len() / 2)) {
            writeln!(text, "cluster: {fault:?}: without a writer {median:?} (median), {longest:?} at most")
                .unwrap();
        }
    }
    // Past the harness, which keeps what a passing test prints.
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

/// The longest time within a round in which nothing was acknowledged in a workspace.
fn gap(round: &Round, space: usize, callers: &[Caller]) -> Duration {
    let of_the_database = round.faults.iter().any(|fault| OF_THE_DATABASE.contains(fault));
    let begun = if of_the_database { round.mended } else { round.begun };
    let mine = callers.iter().filter(|caller| caller.space == space);
    let mut ends: Vec<Instant> = mine
        .flat_map(|caller| caller.told.iter().map(|told| told.ended))
        .filter(|ended| (begun..round.ended).contains(ended))
        .chain([begun, round.ended])
        .collect();
    ends.sort();
    ends.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

/// Rounds of an ordinary run: each fault once.
fn rounds(ordinary: usize) -> usize {
    std::env::var("DEEDS_CLUSTER_ROUNDS").map_or(ordinary, |said| said.parse().unwrap())
}

#[test]
fn a_campaign_of_faults_loses_and_doubles_nothing() {
    campaign(rounds(OF_NODES.len() + OF_THE_DATABASE.len()), false);
}

#[test]
fn a_campaign_with_clocks_apart_loses_and_doubles_nothing() {
    if programs::is_there("faketime") {
        campaign(rounds(4), true);
    }
}
