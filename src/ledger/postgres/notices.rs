//! What nodes tell each other of what was recorded: one connection of its own for each database, over which it is told and
//! heard. It promises nothing: what is told while the connection is gone, or right before the database crashes, may be lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio_postgres::Error;

use super::super::nodes::News;
use super::error;
use super::link::{self, Link};
use crate::domain::ids::{Seq, WorkspaceId};

/// So long news is gathered before it is told.
const GATHER: Duration = Duration::from_millis(4);
/// Between two attempts to reach the database.
const PAUSE: Duration = Duration::from_millis(500);
/// Most bytes of one notification; the database takes less than 8,000.
const MOST: usize = 7_900;
/// Nobody waits until it is on a disk.
const SESSION: &str =
    "set application_name = 'deeds'; set statement_timeout = 0; set synchronous_commit = off; listen deeds";
const TELL: &str = "select pg_notify('deeds', told) from unnest($1::text[]) as told";

/// What is to be told, and who listens.
pub(super) struct Notices {
    link: Link,
    both: Arc<Both>,
    /// Tells and hears, from the first time on that somebody does; none where there is no thread for it.
    task: OnceLock<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Both {
    coming: Mutex<BTreeMap<WorkspaceId, Seq>>,
    stirred: Notify,
    listeners: Mutex<Vec<UnboundedSender<News>>>,
}

impl Notices {
    pub(super) fn new(link: Link) -> Self {
        Self { link, both: Arc::default(), task: OnceLock::new() }
    }

    /// Tells it soon; of one workspace the last is enough.
    pub(super) fn tell(&self, news: News) {
        self.both.gather([(news.workspace, news.seq)]);
        self.both.stirred.notify_one();
        self.begin();
    }

    /// Gives that listener whatever is told from now on.
    pub(super) fn listen(&self, listener: UnboundedSender<News>) {
        self.both.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
        self.begin();
    }

    fn begin(&self) {
        self.task.get_or_init(|| {
            let on = link::threads().ok()?;
            Some(on.spawn(go_on(self.link.clone(), Arc::clone(&self.both))))
        });
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        if let Some(Some(task)) = self.task.get() {
            task.abort();
        }
    }
}

impl Both {
    fn gather(&self, news: impl IntoIterator<Item = (WorkspaceId, Seq)>) {
        let mut coming = self.coming.lock().unwrap_or_else(PoisonError::into_inner);
        for (workspace, seq) in news {
            let last = coming.entry(workspace).or_insert(seq);
            *last = (*last).max(seq);
        }
    }

    fn hear(&self, payload: &str) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        for news in payload.lines().filter_map(parsed) {
            listeners.retain(|listener| listener.send(news.clone()).is_ok());
        }
    }
}

/// For ever: it is connected again whenever the connection ended.
async fn go_on(link: Link, both: Arc<Both>) {
    let mut last = String::new();
    loop {
        let why = match Box::pin(connected(&link, &both)).await {
            Ok(()) => "the connection ended".to_owned(),
            Err(error) => error::words(&error),
        };
        if why != last {
            tracing::info!(why, "nodes tell each other nothing of what is recorded; they look themselves");
            last = why;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Over one connection, until it ends.
async fn connected(link: &Link, both: &Arc<Both>) -> Result<(), Error> {
    let heard = Arc::clone(both);
    let (client, mut connection) = link.open(move |payload| heard.hear(payload)).await?;
    client.batch_execute(SESSION).await?;
    loop {
        let news = std::mem::take(&mut *both.coming.lock().unwrap_or_else(PoisonError::into_inner));
        if !news.is_empty()
            && let Err(error) = client.execute(TELL, &[&payloads(&news)]).await
        {
            both.gather(news);
            return Err(error);
        }
        tokio::select! {
            _ = &mut connection => return Ok(()),
            () = both.stirred.notified() => tokio::time::sleep(GATHER).await,
        }
    }
}

/// As few as hold all of it: a line for each workspace.
fn payloads(news: &BTreeMap<WorkspaceId, Seq>) -> Vec<String> {
    let mut all = vec![String::new()];
    for (workspace, seq) in news {
        let line = format!("{workspace} {}\n", seq.0);
        match all.last_mut() {
            Some(last) if last.len() + line.len() <= MOST => last.push_str(&line),
            Some(_) | None => all.push(line),
        }
    }
    all
}

fn parsed(line: &str) -> Option<News> {
    let (workspace, seq) = line.split_once(' ')?;
    Some(News { workspace: workspace.parse().ok()?, seq: Seq(seq.parse().ok()?) })
}
