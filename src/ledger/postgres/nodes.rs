//! Nodes, as they know each other through one database: who is there, by its clock, and who holds a workspace.
//!
//! A node that is told it was there until now was there for all others, too: the rest of its lease was longer than its beat
//! took, and who takes a workspace goes by what was committed before its statement began.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Client;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;
use tokio_postgres::{Error, Row};

use super::super::nodes::{Beat, Holder, LEASE, News, Node, Nodes};
use super::super::{Engine, LedgerError};
use super::Postgres;
use super::error::Failed;
use super::link::Database;
use super::rows::STAGED;
use crate::domain::ids::WorkspaceId;
use crate::domain::time::Time;

/// How often a workspace that changes hands at this moment is asked for.
const TRIES: usize = 5;

/// The clock, how long the node of that name was to be there before, how many workspaces there are, and each other node.
macro_rules! look {
    () => {
        "\
select (extract(epoch from now()) * 1000000)::bigint, \
  (select (extract(epoch from until - now()) * 1000000)::bigint from deeds_node where instance = $1), \
  (select count(*) from deeds_workspace), node.instance, node.address, node.certificate \
from (select 1) as one left join deeds_node as node on node.until > now() and node.instance <> $1"
    };
}
const LOOK: &str = look!();
const BEAT: &str = concat!(
    "\
with beat as ( \
  insert into deeds_node (instance, address, certificate, until) \
  values ($1, $2, $3, now() + $4::double precision * interval '1 second') \
  on conflict (instance) do update \
  set address = excluded.address, certificate = excluded.certificate, until = excluded.until \
) ",
    look!()
);
/// Apart from the beat: two that wait for each other's rows would be in each other's way for ever.
const FORGET: &str = "delete from deeds_node where until < now() - interval '1 hour'";
const HOLD: &str = "\
with taken as ( \
  update deeds_workspace as held set node = $1, due = null \
  where workspace = $2 and exists (select 1 from deeds_node where instance = $1 and until > now()) and ( \
    node is null or node = $1 \
    or not exists (select 1 from deeds_node where instance = held.node and until > now()) \
  ) \
  returning 1 \
) \
select exists (select 1 from taken), exists (select 1 from deeds_node where instance = $1 and until > now()), \
  node.instance, node.address, node.certificate \
from deeds_workspace as held left join deeds_node as node on node.instance = held.node and node.until > now() \
where held.workspace = $2";
const RELEASE: &str = "update deeds_workspace set node = null, due = $3 where workspace = $2 and node = $1";
const WAITING: &str = "\
select workspace from deeds_workspace as held \
where (due is null or due <= $1) and right(workspace, length($3)) <> $3 \
  and not exists (select 1 from deeds_node where instance = held.node and until > now()) \
order by due nulls last limit $2";
const LEAVE: &str = "delete from deeds_node where instance = $1";

/// Asks a database, on its own threads.
async fn ask<T, F>(
    database: &Arc<Database>,
    ask: impl FnOnce(Client) -> F + Send + 'static,
) -> Result<T, LedgerError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failed>> + Send,
{
    database.ask(ask).await.map_err(|failed| failed.told(database.place()))
}

/// The database that has that workspace, and how it is called there.
async fn at(engine: &Postgres, workspace: &WorkspaceId) -> Result<(Arc<Database>, String), LedgerError> {
    let found = engine.databases.of(workspace.as_str()).await?;
    let place = Engine::place(engine, Path::new(workspace.as_str()));
    found.map(|database| (database, place.clone())).ok_or(LedgerError::Missing { place })
}

impl Nodes for Postgres {
    fn beat<'a>(&'a self, me: &'a Node) -> BoxFuture<'a, Result<Beat, LedgerError>> {
        Box::pin(async move {
            let one = |database| {
                let me = me.clone();
                ask(database, async move |client| beat(&client, &me).await)
            };
            together(join_all(self.databases.all().map(one)).await)
        })
    }

    fn look(&self) -> BoxFuture<'_, Result<Beat, LedgerError>> {
        Box::pin(async move {
            let one = |database| ask(database, async move |client| look(&client).await);
            together(join_all(self.databases.all().map(one)).await)
        })
    }

    fn hold<'a>(
        &'a self,
        me: &'a Node,
        workspace: &'a WorkspaceId,
    ) -> BoxFuture<'a, Result<Holder, LedgerError>> {
        Box::pin(async move {
            let (database, place) = at(self, workspace).await?;
            let (me, workspace) = (me.clone(), workspace.clone());
            ask(&database, async move |client| hold(&client, &place, &me, &workspace).await).await
        })
    }

    fn release<'a>(
        &'a self,
        me: &'a Node,
        workspace: &'a WorkspaceId,
        due: Option<Time>,
    ) -> BoxFuture<'a, Result<(), LedgerError>> {
        Box::pin(async move {
            let (database, _) = at(self, workspace).await?;
            let (me, workspace) = (me.clone(), workspace.clone());
            ask(&database, async move |client| Ok(release(&client, &me, &workspace, due).await?)).await
        })
    }

    fn waiting(&self, now: Time, most: usize) -> BoxFuture<'_, Result<Vec<WorkspaceId>, LedgerError>> {
        Box::pin(async move {
            // Of each as many as of the others, so that none has all the turns.
            let each = most.div_ceil(self.databases.all().count());
            let one = |database| ask(database, async move |client| Ok(waiting(&client, now, each).await?));
            let all = join_all(self.databases.all().map(one)).await;
            let mut all = all.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
            all.truncate(most);
            Ok(all)
        })
    }

    fn leave<'a>(&'a self, me: &'a Node) -> BoxFuture<'a, Result<(), LedgerError>> {
        Box::pin(async move {
            let one = |database| {
                let me = me.clone();
                ask(database, async move |client| Ok(leave(&client, &me).await?))
            };
            join_all(self.databases.all().map(one)).await.into_iter().collect()
        })
    }

    fn tell(&self, news: News) {
        self.databases.likely(news.workspace.as_str()).notices().tell(news);
    }

    fn listen(&self) -> UnboundedReceiver<News> {
        let (tell, told) = unbounded_channel();
        for database in self.databases.all() {
            database.notices().listen(tell.clone());
        }
        told
    }
}

/// What several databases tell as one.
fn together(beats: Vec<Result<Beat, LedgerError>>) -> Result<Beat, LedgerError> {
    let mut all = Beat { now: Time::from_micros(0), was_there: true, nodes: Vec::new(), workspaces: 0 };
    for beat in beats {
        let beat = beat?;
        all.now = all.now.max(beat.now);
        all.was_there &= beat.was_there;
        all.nodes.extend(beat.nodes);
        all.workspaces += beat.workspaces;
    }
    all.nodes.sort_by(|one, other| one.instance.cmp(&other.instance));
    all.nodes.dedup_by(|one, other| one.instance == other.instance);
    Ok(all)
}

/// Says that the node is there.
async fn beat(client: &Client, me: &Node) -> Result<Beat, Failed> {
    let began = Instant::now();
    let (instance, address, certificate) = (&*me.instance, &*me.address, me.certificate.as_deref());
    let lease = LEASE.as_secs_f64();
    let rows = client.query(BEAT, &[&instance, &address, &certificate, &lease]).await?;
    let took = began.elapsed();
    client.execute(FORGET, &[]).await?;
    let mut beat = told(&rows, took)?;
    beat.nodes.push(me.clone());
    Ok(beat)
}

/// Who is there, without a word of this node.
async fn look(client: &Client) -> Result<Beat, Failed> {
    Ok(told(&client.query(LOOK, &[&""]).await?, Duration::MAX)?)
}

/// What the rows of a beat say that took so long: that node is not among those that are there.
fn told(rows: &[Row], took: Duration) -> Result<Beat, Error> {
    let mut beat = Beat { now: Time::from_micros(0), was_there: false, nodes: Vec::new(), workspaces: 0 };
    for row in rows {
        let (now, left): (i64, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
        let left = left.and_then(|left| u64::try_from(left).ok()).map(Duration::from_micros);
        beat.now = Time::from_micros(now);
        beat.was_there = left.is_some_and(|left| left > took);
        beat.workspaces = u64::try_from(row.try_get::<_, i64>(2)?).unwrap_or_default();
        beat.nodes.extend(node(row, 3)?);
    }
    Ok(beat)
}

/// Takes a workspace where nobody holds it that is there.
async fn hold(client: &Client, place: &str, me: &Node, workspace: &WorkspaceId) -> Result<Holder, Failed> {
    let place = place.to_owned();
    for _ in 0..TRIES {
        let asked = client.query_opt(HOLD, &[&&*me.instance, &workspace.as_str()]).await?;
        let Some(row) = asked else { return Err(LedgerError::Missing { place }.into()) };
        if row.try_get(0)? {
            return Ok(Holder::Me);
        }
        if let Some(other) = node(&row, 2)? {
            return Ok(Holder::Other(other));
        }
        if !row.try_get::<_, bool>(1)? {
            return Err(LedgerError::NotThere { place }.into());
        }
    }
    Err(LedgerError::Locked { place, reason: "it changes hands".to_owned() }.into())
}

/// Lets go of a workspace.
async fn release(
    client: &Client,
    me: &Node,
    workspace: &WorkspaceId,
    due: Option<Time>,
) -> Result<(), Error> {
    let due = due.map_or(i64::MAX, Time::micros);
    client.execute(RELEASE, &[&&*me.instance, &workspace.as_str(), &due]).await.map(|_| ())
}

/// What waits for a node, the earliest first, and after that those of which nobody knows.
async fn waiting(client: &Client, now: Time, most: usize) -> Result<Vec<WorkspaceId>, Error> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let statement = client.prepare_cached(WAITING).await?;
    let rows = client.query(&statement, &[&now.micros(), &most, &STAGED]).await?;
    let names: Vec<&str> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    Ok(names.into_iter().filter_map(|name| name.parse().ok()).collect())
}

/// The node goes.
async fn leave(client: &Client, me: &Node) -> Result<(), Error> {
    client.execute(LEAVE, &[&&*me.instance]).await.map(|_| ())
}

/// The node in a row, from that column on; none where it is empty.
fn node(row: &Row, at: usize) -> Result<Option<Node>, Error> {
    let instance: Option<&str> = row.try_get(at)?;
    let Some(instance) = instance.map(Arc::from) else { return Ok(None) };
    let (address, certificate): (&str, Option<&str>) = (row.try_get(at + 1)?, row.try_get(at + 2)?);
    Ok(Some(Node { instance, address: Arc::from(address), certificate: certificate.map(Arc::from) }))
}
