//! The sample teams against a real server, each agent with a token and a client of its own.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it says"
)]

#[path = "common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use deeds::client::{Client, Direction, LedgerQuery};
use deeds::console;
use deeds::console::app::Settings;
use deeds::console::open::{Setup, frame};
use deeds::console::place::View;
use deeds::console::wire::{Endpoint, Seen};
use deeds::console::world::Me;
use deeds::coordinator::Clock;
use deeds::demo::{self, Cast, Options, Played};
use deeds::domain::command::{Command, Override, OverrideVerb, TokenStep};
use deeds::domain::deed::Deed;
use deeds::domain::ids::{PersonId, Seq, WorkspaceId};
use deeds::domain::outcome::Outcome;
use deeds::domain::things::{AlertKind, TokenClass};
use deeds::domain::time::{Span, Time};
use deeds::server::{self, Workspaces};

/// When the server's clock starts: nothing of the maps' schedules falls due within fifty seconds.
const START: Time = Time::from_micros(1_799_999_950_000_000);

/// A clock that goes like the machine's from [`START`] on, and can be moved ahead.
#[derive(Clone)]
struct Hands {
    clock: Clock,
    ahead: Arc<AtomicI64>,
}

impl Hands {
    fn go() -> (Self, JoinHandle<()>) {
        let hands = Self { clock: Clock::manual(START), ahead: Arc::default() };
        let theirs = hands.clone();
        let began = Instant::now();
        let going = tokio::spawn(async move {
            loop {
                let gone = i64::try_from(began.elapsed().as_micros()).unwrap();
                theirs.clock.set(START.plus(Span::from_micros(gone + theirs.ahead.load(Ordering::Relaxed))));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        (hands, going)
    }

    /// Moves it ahead once.
    fn jump(&self, span: Span) {
        self.ahead.store(span.micros(), Ordering::Relaxed);
    }
}

/// A server with the sample teams on it; nobody plays yet.
struct House {
    hands: Hands,
    going: JoinHandle<()>,
    workspaces: Arc<Workspaces>,
    casts: Vec<Cast>,
    reviewers: BTreeMap<&'static str, Client>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    _directory: TempDir,
}

impl House {
    async fn open() -> Self {
        patience::begun();
        let directory = TempDir::new().unwrap();
        let (hands, going) = Hands::go();
        let workspaces = Arc::new(Workspaces::open(directory.path(), hands.clock.clone()).await.unwrap());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut casts = Vec::new();
        let mut reviewers = BTreeMap::new();
        for team in demo::teams() {
            let workspace: WorkspaceId = team.workspace.parse().unwrap();
            let reviewer: PersonId = team.reviewer.parse().unwrap();
            let model = team.model(START).unwrap();
            let token = workspaces.create(&workspace, &reviewer, Some(model)).await.unwrap();
            reviewers.insert(team.workspace, Client::new(&base, &token.expose()).unwrap());
            let mut clients = BTreeMap::new();
            for agent in team.agents {
                let token =
                    workspaces.issue(&workspace, TokenClass::Agent, agent.as_str(), None).await.unwrap();
                clients.insert(agent, Client::new(&base, &token.expose()).unwrap());
            }
            casts.push(Cast { workspace: team.workspace, clients });
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let theirs = Arc::clone(&workspaces);
        let task = tokio::spawn(async move {
            let shutdown = async {
                stopped.await.ok();
            };
            server::run(listener, theirs, server::Options::default(), shutdown).await.unwrap();
        });
        Self { hands, going, workspaces, casts, reviewers, stop, task, _directory: directory }
    }

    async fn play(&self, seed: u64, secs: u64) -> Vec<Played> {
        let options =
            Options { speed: 100_000.0, seed, for_: Some(Duration::from_secs(secs)), ..Options::default() };
        let mut played = Vec::new();
        demo::run(self.casts.clone(), &options, |step| played.push(step.clone())).await.unwrap();
        played
    }

    async fn close(self) {
        self.stop.send(()).ok();
        patience::within("the end of the server", self.task).await.unwrap();
        self.workspaces.shutdown().await;
        self.going.abort();
    }

    /// The types of a team's deeds.
    async fn types(&self, workspace: &str) -> BTreeSet<&'static str> {
        let mut types = BTreeSet::new();
        let mut last = Seq(0);
        loop {
            let query =
                LedgerQuery { direction: Direction::After(last), limit: 500, ..LedgerQuery::default() };
            let page = self.reviewers.get(workspace).unwrap().ledger(&query).await.unwrap();
            for raw in &page.deeds {
                last = raw.seq;
                types.insert(Deed::decode(raw.deed.get().as_bytes()).unwrap().body.type_name());
            }
            if !page.more {
                return types;
            }
        }
    }
}

async fn played(seed: u64) -> Vec<Played> {
    let house = House::open().await;
    let mut played = house.play(seed, 150).await;
    house.close().await;
    played.retain(|played| !played.by_clock);
    played
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seed_decides_who_does_what_and_how_it_comes_out() {
    let one = played(7).await;
    assert!(one.len() > 150, "{}", one.len());
    assert_eq!(one, played(7).await);
    assert_ne!(one, played(8).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_minute_there_is_something_to_decide_everywhere() {
    let house = House::open().await;
    let played = house.play(1, 60).await;
    for (workspace, reviewer) in &house.reviewers {
        let board = reviewer.board().await.unwrap().board;
        let mine: Vec<&Played> = played.iter().filter(|step| step.workspace == *workspace).collect();
        assert!(mine.len() >= 30, "{workspace}: {}", mine.len());
        assert!((6..=15).contains(&board.items.len()), "{workspace}: {} items", board.items.len());
        assert!(board.alerts.values().any(|alert| alert.kind == AlertKind::StaleRead), "{workspace}");
        assert!(board.items.values().any(|item| item.evidence.len() > 1), "{workspace}: no evidence");
        for outcome in
            [Outcome::Committed, Outcome::Escalated, Outcome::Proposed, Outcome::Stale, Outcome::Deferred]
        {
            assert!(
                mine.iter().any(|step| step.outcome == outcome),
                "{workspace}: nothing {}",
                outcome.as_str()
            );
        }
    }
    house.close().await;
}

/// What each team's ledger must have after the first minute, and which conflicts are seen; `tests` beside the stories
/// asks for more, without a server between.
const FIRST_MINUTE: [(&str, &[&str], &[AlertKind]); 3] = [
    (
        "northwind",
        &[
            "deeds.event.raised",
            "deeds.event.escalated",
            "deeds.claim.granted",
            "deeds.claim.refused",
            "deeds.work.taken",
            "deeds.work.completed",
            "deeds.output.published",
            "deeds.output.held",
            "deeds.review.scheduled",
        ],
        &[
            AlertKind::TriggerCollision,
            AlertKind::OutputCollision,
            AlertKind::Contradiction,
            AlertKind::Overdue,
        ],
    ),
    (
        "tallyfern",
        &[
            "deeds.handoff.refused",
            "deeds.handoff.offered",
            "deeds.handoff.returned",
            "deeds.handoff.escalated",
            "deeds.fan-out.opened",
            "deeds.branch.ended",
            "deeds.fan-out.joined",
            "deeds.conclusion.drawn",
            "deeds.act.woken",
        ],
        &[AlertKind::NotConverging, AlertKind::Contradiction, AlertKind::PingPong],
    ),
    (
        "solo",
        &[
            "deeds.lease.granted",
            "deeds.lease.lapsed",
            "deeds.write.refused",
            "deeds.write.proposed",
            "deeds.work.failed",
            "deeds.work.exhausted",
        ],
        &[AlertKind::LeaseLapsed, AlertKind::NotOwner, AlertKind::StaleRead],
    ),
];

/// The server's clock is moved over the full minute at which a review is due and a scheduled event is raised.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_can_be_seen_within_the_first_minute() {
    let house = House::open().await;
    let options =
        Options { speed: 100_000.0, seed: 1, for_: Some(Duration::from_mins(1)), ..Options::default() };
    let mut by_clock = Vec::new();
    let hands = house.hands.clone();
    demo::run(house.casts.clone(), &options, |step| {
        // Long enough after the start that no lease is cut short.
        if step.at_ms > 30_000 {
            hands.jump(Span::from_mins(1));
        }
        by_clock.extend(step.by_clock.then(|| step.clone()));
    })
    .await
    .unwrap();
    for (workspace, deeds, alerts) in FIRST_MINUTE {
        // What falls due on what fell due comes with the next tick, which may be after the last step.
        let end = Instant::now() + patience::PATIENCE;
        loop {
            let types = house.types(workspace).await;
            let missing: Vec<_> = deeds.iter().filter(|deed| !types.contains(**deed)).collect();
            let board = house.reviewers.get(workspace).unwrap().board().await.unwrap().board;
            let seen = |kind: &AlertKind| board.alerts.values().any(|alert| alert.kind == *kind);
            let unseen: Vec<_> = alerts.iter().filter(|kind| !seen(kind)).collect();
            if missing.is_empty() && unseen.is_empty() {
                break;
            }
            assert!(Instant::now() < end, "{workspace}: no {missing:?}, no {unseen:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    assert!(by_clock.iter().any(|step| step.workspace == "northwind" && step.actor.as_str() == "reporting"));
    house.close().await;
}

/// A person steps in: a paused agent keeps still, one whose token was revoked is gone, the others go on.
/// The console's clock for the frames below.
static WATCH: AtomicI64 = AtomicI64::new(0);

/// Everything between header and hints of a frame, and the counts on the tabs.
async fn body(client: &Client, workspace: &WorkspaceId, view: View, then: Option<&str>) -> String {
    let setup = Setup {
        endpoints: vec![Endpoint { workspace: workspace.clone(), client: client.clone() }],
        first: workspace.clone(),
        me: Me { person: PersonId::new("nobody").unwrap(), class: TokenClass::Watcher },
        settings: Settings { view, ..Settings::default() },
        welcome: Vec::new(),
        seen: Seen::default(),
        keeper: None,
        rehearsal: None,
        options: console::run::Options {
            linear: false,
            mouse: false,
            synchronized: false,
            links: false,
            clock: || WATCH.load(Ordering::Relaxed),
        },
    };
    let text = frame(setup, 120, 36, then).await.unwrap().text();
    assert_eq!(text.contains("as of"), then.is_some(), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    [&lines[1..2], &lines[3..34]].concat().join("\n")
}

/// What a person saw in an incident is what the same person sees later, looking back at it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_screens_of_an_incident_are_the_same_afterwards() {
    const VIEWS: [View; 4] = [View::Inbox, View::Log, View::Conflicts, View::Work];
    let house = House::open().await;
    house.play(7, 45).await;
    let mut before = Vec::new();
    for (name, client) in &house.reviewers {
        let workspace: WorkspaceId = name.parse().unwrap();
        // A timer of the server may record something in between: then it is looked at again.
        let (seq, shown) = loop {
            let board = client.board().await.unwrap();
            WATCH.store(board.board.recorded.micros(), Ordering::Relaxed);
            let mut shown = Vec::new();
            for view in VIEWS {
                shown.push(body(client, &workspace, view, None).await);
            }
            if client.board().await.unwrap().seq == board.seq {
                break (board.seq, shown);
            }
        };
        before.push((workspace, client, seq, WATCH.load(Ordering::Relaxed), shown));
    }
    assert!(before.iter().any(|(.., shown)| shown[2].contains("critical")), "no incident in the demo");
    house.play(8, 45).await;
    for (workspace, client, seq, watch, shown) in before {
        assert!(client.board().await.unwrap().seq > seq, "nothing happened in {workspace}");
        WATCH.store(watch, Ordering::Relaxed);
        for (view, then) in VIEWS.into_iter().zip(shown) {
            let now = body(client, &workspace, view, Some(&seq.to_string())).await;
            assert_eq!(now, then, "{workspace}, {view:?} as of {seq}");
        }
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_others_go_on_without_those_that_were_stopped() {
    let house = House::open().await;
    let reviewer = &house.reviewers["tallyfern"];
    let pause = OverrideVerb::Pause { agent: "sales".parse().unwrap() };
    reviewer
        .ask(&Command::Override(Override { step: pause, reason: "too many mails".into(), lasts: None }))
        .await
        .unwrap();
    let tokens = reviewer.tokens().await.unwrap().tokens;
    let product = tokens.iter().find(|record| &*record.name == "product").unwrap();
    reviewer.ask(&Command::Token(TokenStep::Revoke { token: product.id.clone() })).await.unwrap();
    let played = house.play(3, 120).await;
    let by = |name: &'static str| {
        played.iter().filter(move |step| step.workspace == "tallyfern" && step.actor.as_str() == name)
    };
    assert_eq!(by("product").count(), 0);
    assert!(by("support").count() > 10);
    assert!(by("sales").all(|step| step.outcome == Outcome::Refused));
    assert!(
        (1..8).contains(&by("sales").count()),
        "it asks {} times although it is paused",
        by("sales").count()
    );
    house.close().await;
}
