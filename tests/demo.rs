//! The sample teams against a real server, each agent with a token and a client of its own.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as it says")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use deeds::{
    client::Client,
    coordinator::Clock,
    demo::{self, Cast, Options, Played},
    domain::{
        command::{Override, OverrideVerb},
        deed::Outcome,
        ids::{PersonId, WorkspaceId},
        map,
        state::{AlertKind, TokenClass},
    },
    server::{self, Workspaces},
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// A server with the sample teams on it; nobody plays yet.
struct House {
    workspaces: Arc<Workspaces>,
    casts: Vec<Cast>,
    reviewers: BTreeMap<&'static str, Client>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    _directory: TempDir,
}

impl House {
    async fn open() -> Self {
        let directory = TempDir::new().unwrap();
        let workspaces = Arc::new(Workspaces::open(directory.path(), Clock::System).await.unwrap());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut casts = Vec::new();
        let mut reviewers = BTreeMap::new();
        for team in demo::teams() {
            let workspace: WorkspaceId = team.workspace.parse().unwrap();
            let reviewer: PersonId = team.reviewer.parse().unwrap();
            let model = map::parse(team.map_toml).applicable().unwrap();
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
        Self { workspaces, casts, reviewers, stop, task, _directory: directory }
    }

    async fn play(&self, seed: u64, secs: u64) -> Vec<Played> {
        let options = Options { speed: 100_000.0, seed, for_: Some(Duration::from_secs(secs)) };
        let mut played = Vec::new();
        demo::run(self.casts.clone(), &options, |step| played.push(step.clone())).await.unwrap();
        played
    }

    async fn close(self) {
        self.stop.send(()).ok();
        self.task.await.unwrap();
        self.workspaces.shutdown().await;
    }
}

async fn played(seed: u64) -> Vec<Played> {
    let house = House::open().await;
    let played = house.play(seed, 150).await;
    house.close().await;
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
        assert!((6..=9).contains(&board.items.len()), "{workspace}: {} items", board.items.len());
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

/// A person steps in: a paused agent keeps still, one whose token was revoked is gone, the others go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_others_go_on_without_those_that_were_stopped() {
    let house = House::open().await;
    let reviewer = &house.reviewers["tallyfern"];
    let pause = OverrideVerb::Pause { agent: "sales".parse().unwrap() };
    reviewer.override_with(&Override { step: pause, reason: "too many mails".into() }).await.unwrap();
    let tokens = reviewer.tokens().await.unwrap().tokens;
    let product = tokens.iter().find(|record| &*record.name == "product").unwrap();
    reviewer.revoke_token(&product.id).await.unwrap();
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
