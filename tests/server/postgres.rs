//! A server whose ledgers lie in PostgreSQL: what it knows of closed workspaces, and what it tells of its database.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deeds::coordinator::Clock;
use deeds::domain::ids::{PersonId, WorkspaceId};
use deeds::domain::things::TokenClass;
use deeds::ledger::{Postgres, Store};
use deeds::server::Workspaces;
use tempfile::TempDir;

use crate::postgres_server::Postgres as Database;
use crate::programs;

fn started() -> Option<Database> {
    let server = Database::start("");
    if server.is_none() {
        programs::is_passed_over("psql");
    }
    server
}

/// Served from that directory, with so many standbys promised of the database.
async fn served(directory: &Path, url: &str, standbys: u32) -> Workspaces {
    let engine = Postgres::new(url, None, standbys).unwrap();
    Workspaces::open(Store::new(directory, Arc::new(engine)), Clock::System).await.unwrap()
}

async fn made(workspaces: &Workspaces, name: &str) -> WorkspaceId {
    let id = WorkspaceId::new(name).unwrap();
    workspaces.create(&id, &PersonId::new("dana").unwrap(), None).await.unwrap();
    id
}

/// One that was closed stays so at the next start, unless somebody else has gone on in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_workspace_is_known_by_its_end() {
    let Some(database) = started() else { return };
    let (url, directory, other) = (database.fresh(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let workspaces = served(directory.path(), &url, 0).await;
    let (home, southwind) = (made(&workspaces, "northwind").await, made(&workspaces, "southwind").await);
    workspaces.shutdown().await;
    let workspaces = served(directory.path(), &url, 0).await;
    assert!(workspaces.get(&home).is_some(), "the home is what the database says");
    assert!(workspaces.get(&southwind).is_none(), "its row says all that is to be known");
    workspaces.shutdown().await;
    let elsewhere = served(other.path(), &url, 0).await;
    elsewhere.issue(&southwind, TokenClass::Agent, "sales", None).await.unwrap();
    elsewhere.shutdown().await;
    let workspaces = served(directory.path(), &url, 0).await;
    assert!(workspaces.get(&southwind).is_some(), "its row is of another end");
    workspaces.shutdown().await;
}

/// A database with fewer standbys than are promised of it is told of, and records all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promise_that_is_not_kept_is_told_and_stops_nobody() {
    let Some(database) = started() else { return };
    let directory = TempDir::new().unwrap();
    let workspaces = served(directory.path(), &database.fresh(), 1).await;
    let id = made(&workspaces, "northwind").await;
    let space = workspaces.get(&id).unwrap();
    let began = Instant::now();
    while space.handle().unreplicated().is_none() {
        assert!(began.elapsed() < Duration::from_secs(20), "it is not told");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(space.handle().unreplicated().unwrap().to_string().contains("ledger.postgres_standbys"));
    assert_eq!(space.handle().trouble(), None);
    workspaces.issue(&id, TokenClass::Agent, "sales", None).await.unwrap();
    workspaces.shutdown().await;
}
