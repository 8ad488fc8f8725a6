//! Several nodes on one database: who is there, who holds what, what waits, and what they tell each other.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::super::super::engine::Engine as _;
use super::super::super::nodes::{Holder, News, Node, Nodes as _};
use super::super::super::{Ledger as _, LedgerError, Stamp, Store};
use super::super::{Postgres, testing};
use super::{appended, engine, name_of, northwind, opened};
use crate::domain::ids::{Seq, WorkspaceId};
use crate::domain::time::Time;

fn named(name: &str) -> WorkspaceId {
    WorkspaceId::new(name).unwrap()
}

fn node(instance: &str) -> Node {
    Node {
        instance: Arc::from(instance),
        address: Arc::from(format!("http://{instance}:4170")),
        certificate: (instance == "two").then(|| Arc::from("SHA256:two")),
    }
}

async fn made(engine: &Postgres, name: &str) -> WorkspaceId {
    let workspace = named(name);
    engine.create(Path::new(name), &workspace).unwrap().close().await;
    workspace
}

#[tokio::test]
async fn a_workspace_is_held_by_one_node_that_is_there() {
    let Some(server) = testing::shared() else { return };
    let url = server.fresh();
    let (engine, one, two) = (engine(&url), node("one"), node("two"));
    let workspace = made(&engine, "northwind").await;
    let hold = async |me: &Node| engine.hold(me, &workspace).await;
    assert!(matches!(hold(&one).await, Err(LedgerError::NotThere { .. })));
    let beat = engine.beat(&one).await.unwrap();
    assert_eq!((beat.was_there, beat.nodes, beat.workspaces), (false, vec![one.clone()], 1));
    assert_eq!(hold(&one).await, Ok(Holder::Me));
    assert!(!engine.beat(&two).await.unwrap().was_there);
    let beat = engine.beat(&one).await.unwrap();
    assert_eq!((beat.was_there, beat.nodes), (true, vec![one.clone(), two.clone()]));
    assert_eq!(hold(&two).await, Ok(Holder::Other(one.clone())));
    assert_eq!(hold(&one).await, Ok(Holder::Me));
    assert!(matches!(engine.hold(&one, &named("nowhere")).await, Err(LedgerError::Missing { .. })));
    // Who does not hold it lets go of nothing.
    engine.release(&two, &workspace, None).await.unwrap();
    assert_eq!(hold(&two).await, Ok(Holder::Other(one.clone())));
    engine.release(&one, &workspace, None).await.unwrap();
    assert_eq!(hold(&two).await, Ok(Holder::Me));
    assert_eq!(hold(&one).await, Ok(Holder::Other(two.clone())));
    // One that was silent for too long holds nothing, takes nothing, and is told so when it is back.
    server.sql(name_of(&url), "update deeds_node set until = now() where instance = 'two'");
    assert!(matches!(hold(&two).await, Err(LedgerError::NotThere { .. })));
    assert_eq!(hold(&one).await, Ok(Holder::Me));
    assert_eq!(engine.beat(&one).await.unwrap().nodes, std::slice::from_ref(&one));
    assert!(!engine.beat(&two).await.unwrap().was_there);
    assert_eq!(hold(&two).await, Ok(Holder::Other(one.clone())));
    engine.leave(&one).await.unwrap();
    assert_eq!(hold(&two).await, Ok(Holder::Me));
    server.sql(
        name_of(&url),
        "update deeds_node set until = now() - interval '2 hours' where instance = 'two'",
    );
    engine.beat(&one).await.unwrap();
    assert_eq!(server.sql(name_of(&url), "select instance from deeds_node"), "one");
}

#[tokio::test]
async fn of_many_that_take_one_workspace_exactly_one_holds_it() {
    let Some(server) = testing::shared() else { return };
    let engine = engine(&server.fresh());
    let nodes: Vec<Node> = (0..8).map(|n| node(&format!("node-{n}"))).collect();
    for beat in join_all(nodes.iter().map(|node| engine.beat(node))).await {
        assert!(!beat.unwrap().was_there);
    }
    for round in 0..10 {
        let workspace = made(&engine, &format!("workspace-{round}")).await;
        let held = join_all(nodes.iter().map(|node| engine.hold(node, &workspace))).await;
        let holders: Vec<&Node> = nodes
            .iter()
            .zip(&held)
            .filter(|(_, held)| matches!(held, Ok(Holder::Me)))
            .map(|(node, _)| node)
            .collect();
        assert_eq!(holders.len(), 1, "{held:?}");
        let told = |held: &Holder| *held == Holder::Me || *held == Holder::Other(holders[0].clone());
        assert!(held.iter().all(|held| held.as_ref().is_ok_and(told)), "{held:?}");
    }
}

#[tokio::test]
async fn what_falls_due_waits_until_a_node_takes_it() {
    let Some(server) = testing::shared() else { return };
    let (engine, me) = (engine(&server.fresh()), node("one"));
    engine.beat(&me).await.unwrap();
    let mut all = Vec::new();
    for (name, due) in [("later", Some(200)), ("sooner", Some(100)), ("never", None)] {
        let workspace = made(&engine, name).await;
        assert_eq!(engine.hold(&me, &workspace).await, Ok(Holder::Me));
        engine.release(&me, &workspace, due.map(Time::from_micros)).await.unwrap();
        all.push(workspace);
    }
    let unknown = made(&engine, "unknown").await;
    let waiting = async |now: i64, most| engine.waiting(Time::from_micros(now), most).await.unwrap();
    assert_eq!(waiting(99, 9).await, std::slice::from_ref(&unknown));
    assert_eq!(waiting(100, 9).await, [named("sooner"), unknown.clone()]);
    assert_eq!(waiting(200, 9).await, [named("sooner"), named("later"), unknown.clone()]);
    assert_eq!(waiting(200, 1).await, [named("sooner")]);
    assert_eq!(waiting(i64::MAX - 1, 9).await.len(), 3, "one in which nothing falls due");
    // What is held does not wait; of what somebody held who is gone nobody knows anything.
    assert_eq!(engine.hold(&me, &all[1]).await, Ok(Holder::Me));
    assert_eq!(waiting(200, 9).await, [named("later"), unknown.clone()]);
    engine.leave(&me).await.unwrap();
    let mut left = waiting(0, 9).await;
    left.sort();
    assert_eq!(left, [named("sooner"), unknown]);
}

/// The next news of that workspace, whatever else comes before.
async fn next(news: &mut UnboundedReceiver<News>, workspace: &WorkspaceId) -> Option<Seq> {
    loop {
        let next = timeout(Duration::from_secs(2), news.recv()).await.ok()??;
        if next.workspace == *workspace {
            return Some(next.seq);
        }
    }
}

#[tokio::test]
async fn news_reach_every_listener_of_every_node() {
    let Some(server) = testing::shared() else { return };
    let url = server.fresh();
    let (one, two) = (engine(&url), engine(&url));
    let mut heard = [one.listen(), two.listen(), two.listen()];
    let told = |seq: u64| News { workspace: northwind(), seq: Seq(seq) };
    // What comes before a listener is connected may be missed.
    let mut seq = 0;
    for news in &mut heard {
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < Duration::from_secs(20), "nothing is heard");
            seq += 1;
            one.tell(told(seq));
            if timeout(Duration::from_millis(50), news.recv()).await.is_ok() {
                break;
            }
        }
    }
    for more in 1..=1_000 {
        one.tell(told(seq + more));
    }
    seq += 1_000;
    for news in &mut heard {
        let mut count = 0;
        while next(news, &northwind()).await != Some(Seq(seq)) {
            count += 1;
        }
        assert!(count < 500, "{count} were told one by one");
    }
    // More than one notification holds.
    let many: Vec<WorkspaceId> = (0..1_000).map(|n| named(&format!("workspace-{n:04}"))).collect();
    for workspace in &many {
        two.tell(News { workspace: workspace.clone(), seq: Seq(7) });
    }
    for news in &mut heard {
        assert_eq!(next(news, &many[999]).await, Some(Seq(7)));
    }
    // A connection that is cut comes back.
    server.sql(name_of(&url), "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
    for news in &mut heard {
        let began = Instant::now();
        let after = seq;
        while timeout(Duration::from_millis(100), next(news, &northwind())).await.ok().flatten()
            <= Some(Seq(after))
        {
            assert!(began.elapsed() < Duration::from_secs(20), "nothing is heard any more");
            seq += 1;
            one.tell(told(seq));
        }
    }
}

/// Which workspace is the home is the database's to say: a directory with nothing in it does as well as any.
#[tokio::test]
async fn the_home_lies_in_the_database() {
    let Some(server) = testing::shared() else { return };
    let url = server.fresh();
    let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let store = |directory: &TempDir| Store::new(directory.path(), Arc::new(engine(&url)));
    assert_eq!(store(&first).home(), None);
    // Said before its ledger comes, as a restore does that is cut off; then another one is restored.
    store(&first).say_home(&named("southwind")).unwrap();
    store(&first).say_home(&northwind()).unwrap();
    assert!(store(&second).lost_home().is_some_and(|why| why.contains("workspace northwind: it is gone")));
    store(&first).create(&northwind()).unwrap().close().await;
    store(&first).create(&named("southwind")).unwrap().close().await;
    assert_eq!((store(&second).home(), store(&second).lost_home()), (Some(northwind()), None));
    store(&second).say_home(&named("southwind")).unwrap();
    assert_eq!(store(&first).home(), Some(northwind()), "it is said once");
    // What a directory of an earlier version says is told to the database.
    server.sql(name_of(&url), "delete from deeds_home");
    std::fs::write(first.path().join(Store::HOME), "southwind\n").unwrap();
    assert_eq!((store(&first).home(), store(&second).home()), (Some(named("southwind")), None));
    store(&first).tidy();
    assert_eq!(store(&second).home(), Some(named("southwind")));
}

/// A closed ledger is told by its end, all of them in one question.
#[tokio::test]
async fn a_closed_ledger_is_told_by_its_end() {
    let Some(server) = testing::shared() else { return };
    let url = server.fresh();
    let directory = TempDir::new().unwrap();
    let store = Store::new(directory.path(), Arc::new(engine(&url)));
    made(&engine(&url), "southwind").await;
    let ledger = opened(&url);
    let head = appended(&ledger, ledger.head().await.unwrap(), "first").await;
    let asked = [northwind(), named("nowhere"), named("southwind")];
    let before = store.stamps(&asked);
    assert_eq!(before.keys().cloned().collect::<Vec<_>>(), [northwind(), named("southwind")]);
    let stamp = Stamp::End { seq: 1, hash: head.hash };
    assert_eq!((before[&northwind()], store.stamp(&northwind())), (stamp, Some(stamp)));
    assert!(stamp.ends_at(1) && !stamp.ends_at(0));
    let kept = serde_json::to_string(&stamp).unwrap();
    assert_eq!(serde_json::from_str::<Stamp>(&kept).unwrap(), stamp);
    appended(&ledger, head, "second").await;
    let after = store.stamps(&asked);
    assert_ne!(after[&northwind()], stamp);
    assert_eq!(after[&named("southwind")], before[&named("southwind")]);
}

/// A workspace lies in one of several databases, and is found there in whatever order they are named.
#[tokio::test]
async fn several_databases_share_the_workspaces() {
    let Some(server) = testing::shared() else { return };
    let urls = [server.fresh(), server.fresh()];
    let both = || (engine(&urls.join(" ")), engine(&format!("{} {}", urls[1], urls[0])));
    let ((engine_of_one, engine_of_two), one, two) = (both(), node("one"), node("two"));
    let mut all = Vec::new();
    for n in 10..26 {
        let workspace = made(&engine_of_one, &format!("workspace-{n}")).await;
        all.push(made(&engine_of_two, workspace.as_str()).await);
    }
    let there =
        |url: &str| server.sql(name_of(url), "select count(*) from deeds_workspace").parse::<u64>().unwrap();
    let counts = [there(&urls[0]), there(&urls[1])];
    assert!(counts.iter().sum::<u64>() == 16 && !counts.contains(&0), "{counts:?}");
    assert_eq!(
        (engine_of_one.list(Path::new("")), engine_of_two.list(Path::new(""))),
        (Ok(all.clone()), Ok(all.clone()))
    );
    assert_eq!(engine_of_two.ends(&all).unwrap().unwrap().len(), 16);
    engine_of_two.beat(&two).await.unwrap();
    let beat = engine_of_one.beat(&one).await.unwrap();
    assert_eq!((beat.workspaces, beat.nodes, beat.was_there), (16, vec![one.clone(), two.clone()], false));
    assert!(engine_of_one.beat(&one).await.unwrap().was_there);
    for workspace in &all {
        assert_eq!(engine_of_one.hold(&one, workspace).await, Ok(Holder::Me));
        assert_eq!(engine_of_two.hold(&two, workspace).await, Ok(Holder::Other(one.clone())));
    }
    engine_of_one.leave(&one).await.unwrap();
    assert_eq!(engine_of_two.waiting(Time::from_micros(0), 99).await.unwrap().len(), 16);
    assert_eq!(engine_of_two.waiting(Time::from_micros(0), 3).await.unwrap().len(), 3);
    // Named by hand in the other one, too: it is told with both, and the others are served.
    let place = engine_of_one.place(Path::new("workspace-10"));
    let elsewhere = if place.contains(name_of(&urls[0])) { &urls[1] } else { &urls[0] };
    made(&engine(elsewhere), "workspace-10").await;
    let (anew, _) = both();
    assert_eq!(anew.list(Path::new("")), Ok(all));
    let told = anew.open(Path::new("workspace-10")).unwrap_err().to_string();
    assert!(
        urls.iter().all(|url| told.contains(&format!("/{}, workspace workspace-10", name_of(url)))),
        "{told}"
    );
    anew.open(Path::new("workspace-11")).unwrap();
    let twice = Postgres::new(&format!("{0} {0}", urls[0]), None, 0).unwrap_err().to_string();
    assert!(twice.contains("named twice"), "{twice}");
}
