//! The engine as a store asks it: every workspace's ledger in one database. A workspace's folder has nothing of it; its name
//! says which ledger is meant.

use std::fs;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use deadpool_postgres::Client;

use super::super::engine::{Engine, Reached, Secret};
use super::super::nodes::Nodes;
use super::super::{
    AnyLedger, Head, Identity, LedgerError, LedgerId, MAX_READ_RECORDS, Rebuild, Record, Verified, secret_in,
    sqlite,
};
use super::databases::Databases;
use super::error::{self, Failed};
use super::link::Database;
use super::rows::Walk;
use super::{PostgresLedger, rows};
use crate::domain::ids::WorkspaceId;

/// So many records are put in at once where a ledger comes from a backup.
const RESTORED: usize = 5_000;

/// Ledgers in a PostgreSQL database.
#[derive(Debug, Clone)]
pub struct Postgres {
    pub(super) databases: Arc<Databases>,
}

type Found<T> = Result<T, LedgerError>;

impl Postgres {
    /// As the settings say it.
    ///
    /// # Errors
    /// When they name no database, or the password can't be read.
    pub(in crate::ledger) fn reached(reached: &Reached) -> Found<Self> {
        let Some(Secret(url)) = &reached.postgres else {
            let (place, reason) =
                ("postgresql".to_owned(), "no database is named; set `ledger.postgres`".to_owned());
            return Err(LedgerError::Unfit { place, reason });
        };
        let read = |file: &Path| {
            let place = file.display().to_string();
            secret_in(file).map_err(|error| LedgerError::Unfit { place, reason: error.to_string() })
        };
        let password = reached.password_file.as_deref().map(read).transpose()?;
        Self::new(url, password.as_deref(), reached.standbys)
    }

    /// In the databases of these addresses, with that password where an address has none, of each of which so many synchronous
    /// standbys are promised. Nothing is connected before it is asked.
    ///
    /// # Errors
    /// When an address is not understood; it is not told in the error.
    pub fn new(urls: &str, password: Option<&str>, standbys: u32) -> Found<Self> {
        Ok(Self { databases: Arc::new(Databases::new(urls, password, standbys)?) })
    }

    /// The database that has the workspace of that folder.
    fn at(&self, folder: &Path) -> Found<Arc<Database>> {
        let found = self.databases.find(&name(folder))?;
        found.ok_or_else(|| LedgerError::Missing { place: self.place(folder) })
    }

    /// Gives each record in order, the chain verified as it goes.
    fn walk(&self, folder: &Path, each: &mut dyn FnMut(Record) -> Found<()>) -> Found<Verified> {
        let (identity, database, place) = (self.identity(folder)?, self.at(folder)?, self.place(folder));
        let start = Head { seq: 0, hash: identity.genesis() };
        let workspace = identity.workspace.clone();
        let end = ask(&database, &place, async move |client| rows::head(&client, &workspace).await)?;
        let mut walk = Walk::new(&place, start, end);
        while !walk.is_through() {
            let (workspace, after) = (identity.workspace.clone(), walk.at().seq);
            let page = ask(&database, &place, async move |client| {
                rows::page(&client, &workspace, after, MAX_READ_RECORDS).await
            })?;
            walk.take(&page, &mut |_| {})?;
            for record in page.into_iter().take_while(|record| record.seq <= walk.at().seq) {
                each(record)?;
            }
        }
        let head = walk.finish()?;
        Ok(Verified { identity, head })
    }
}

/// Asks a database, and waits.
fn ask<T, F>(
    database: &Arc<Database>,
    place: &str,
    ask: impl FnOnce(Client) -> F + Send + 'static,
) -> Found<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failed>> + Send,
{
    database.ask_blocking(ask).map_err(|failed| failed.told(place))
}

fn opened(database: Arc<Database>, place: String, identity: Identity) -> Found<AnyLedger> {
    let (over, of, whose) = (Arc::clone(&database), place.clone(), identity.clone());
    ask(&database, &place, async move |client| rows::check_tail(&client, &over, &of, &whose).await)?;
    Ok(PostgresLedger { database, place, identity, closed: AtomicBool::new(false) }.into())
}

/// Brings the ledger of a file into a database, under a name that nobody lists.
fn stage(database: &Arc<Database>, workspace: &WorkspaceId, file: &Path) -> Found<()> {
    let verified = sqlite::verify(file, |_| {})?;
    let (staged, identity) = (rows::staged(workspace.as_str()), verified.identity.clone());
    let mut head = Head { seq: 0, hash: identity.genesis() };
    let under = staged.clone();
    ask(database, database.place(), async move |client| Ok(rows::found(&client, &under, &identity).await?))?;
    let (mut batch, mut failed) = (Vec::new(), Ok(()));
    sqlite::read_all(file, |record| {
        batch.push(record);
        if batch.len() >= RESTORED && failed.is_ok() {
            failed = put(database, &staged, &mut head, std::mem::take(&mut batch));
        }
    })?;
    failed.and_then(|()| put(database, &staged, &mut head, batch))
}

fn put(database: &Arc<Database>, staged: &str, head: &mut Head, batch: Vec<Record>) -> Found<()> {
    let Some(last) = batch.last().map(Record::head) else { return Ok(()) };
    let (before, staged) = (std::mem::replace(head, last), staged.to_owned());
    let put = ask(database, database.place(), async move |client| {
        Ok(rows::insert(&client, &staged, before, &batch).await?)
    })?;
    if put { Ok(()) } else { Err(in_the_way(database.place())) }
}

fn found(database: &Arc<Database>, place: &str, identity: &Identity) -> Found<()> {
    let identity = identity.clone();
    let found = ask(database, place, async move |client| {
        match rows::found(&client, &identity.workspace, &identity).await {
            Ok(()) => Ok(true),
            Err(error) if error::is_taken(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    })?;
    if found { Ok(()) } else { Err(in_the_way(place)) }
}

/// There is a ledger where one was to be put.
fn in_the_way(place: &str) -> LedgerError {
    let reason = "the database has this workspace already; name an empty one".to_owned();
    LedgerError::Unwritable { place: place.to_owned(), reason }
}

/// The workspace whose folder that is.
fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Engine for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn place(&self, folder: &Path) -> String {
        let workspace = name(folder);
        format!("{}, workspace {workspace}", self.databases.likely(&workspace).place())
    }

    fn list(&self, _: &Path) -> Found<Vec<WorkspaceId>> {
        let list = |database| {
            ask(database, database.place(), async |client| Ok(rows::workspaces(&client).await?))
                .map(|names| (database, names))
        };
        let names = self.databases.note(self.databases.all().map(list).collect::<Found<_>>()?);
        let mut all: Vec<WorkspaceId> = names.iter().filter_map(|name| name.parse().ok()).collect();
        all.sort();
        Ok(all)
    }

    fn create(&self, folder: &Path, workspace: &WorkspaceId) -> Found<AnyLedger> {
        let there = self.databases.find(workspace.as_str())?;
        let place = self.place(folder);
        let id = LedgerId::random()
            .map_err(|error| LedgerError::Io { place: place.clone(), reason: error.to_string() })?;
        let new = Identity { id, workspace: workspace.to_string() };
        let database = there.as_ref().unwrap_or_else(|| self.databases.chosen(workspace.as_str()));
        match found(database, &place, &new) {
            // Somebody has made it.
            Err(LedgerError::Unwritable { .. }) => self.open(folder),
            // Somebody may have made it elsewhere meanwhile, whose settings name the databases otherwise.
            made => made.and_then(|()| opened(self.at(folder)?, place, new)),
        }
    }

    fn identity(&self, folder: &Path) -> Found<Identity> {
        let (database, place, workspace) = (self.at(folder)?, self.place(folder), name(folder));
        let of = place.clone();
        let found =
            ask(&database, &place, async move |client| rows::identity(&client, &of, &workspace).await)?;
        found.ok_or(LedgerError::Missing { place })
    }

    fn open(&self, folder: &Path) -> Found<AnyLedger> {
        let identity = self.identity(folder)?;
        opened(self.at(folder)?, self.place(folder), identity)
    }

    fn verify(&self, folder: &Path, progress: &mut dyn FnMut(Head)) -> Found<Verified> {
        self.walk(folder, &mut |record| {
            progress(record.head());
            Ok(())
        })
    }

    fn inspect(&self, folder: &Path) -> Found<(Verified, Option<Record>)> {
        let (identity, database, place) = (self.identity(folder)?, self.at(folder)?, self.place(folder));
        let (over, of, whose) = (Arc::clone(&database), place.clone(), identity.clone());
        let (head, last) = ask(&database, &place, async move |client| {
            let head = rows::check_tail(&client, &over, &of, &whose).await?;
            Ok((head, rows::some(&client, &whose.workspace, &[head.seq], 0).await?.pop()))
        })?;
        Ok((Verified { identity, head }, last))
    }

    fn read_all(&self, folder: &Path, each: &mut dyn FnMut(Record)) -> Found<Verified> {
        self.walk(folder, &mut |record| {
            each(record);
            Ok(())
        })
    }

    fn has(&self, folder: &Path) -> bool {
        !matches!(self.identity(folder), Err(LedgerError::Missing { .. }))
    }

    fn heads(&self, folder: &Path, seqs: &[u64]) -> Found<Vec<Head>> {
        let (workspace, seqs) = (name(folder), seqs.to_vec());
        let found = ask(&self.at(folder)?, &self.place(folder), async move |client| {
            Ok(rows::some(&client, &workspace, &seqs, usize::MAX).await?)
        })?;
        Ok(found.iter().map(Record::head).collect())
    }

    fn copy(&self, folder: &Path, to: &Path) -> Found<()> {
        let mut copy = Rebuild::begin(&to.join(sqlite::FILE), &self.identity(folder)?)?;
        let verified = self.walk(folder, &mut |record| copy.take(&record.bytes))?;
        let head = copy.finish()?;
        if head == verified.head {
            return Ok(());
        }
        Err(LedgerError::Corrupt {
            place: self.place(folder),
            seq: Some(head.seq),
            reason: "its copy ends otherwise".to_owned(),
        })
    }

    fn restore(&self, from: &Path, root: &Path) -> Found<()> {
        // What a restore left that was cut off; the ledgers of a database come all at once.
        for database in self.databases.all() {
            ask(database, database.place(), async |client| Ok(rows::clear_staged(&client).await?))?;
        }
        let file = |workspace: &WorkspaceId| from.join(workspace.as_str()).join(sqlite::FILE);
        let workspaces = sqlite::ENGINE.list(from)?;
        for workspace in &workspaces {
            stage(self.databases.chosen(workspace.as_str()), workspace, &file(workspace))?;
        }
        for database in self.databases.all() {
            let came =
                ask(database, database.place(), async |client| match rows::name_staged(&client).await {
                    Err(error) if error::is_taken(&error) => Ok(false),
                    named => Ok(named.map(|()| true)?),
                })?;
            if !came {
                return Err(in_the_way(database.place()));
            }
        }
        for workspace in &workspaces {
            let file = file(workspace);
            fs::remove_file(&file).map_err(|error| LedgerError::of_system(&file, &error))?;
        }
        // What else lies with them, such as the heads that were signed.
        fs::rename(from, root).map_err(|error| LedgerError::of_system(root, &error))
    }

    fn nodes(&self) -> Option<Arc<dyn Nodes>> {
        Some(Arc::new(self.clone()))
    }

    fn home(&self) -> Found<Option<WorkspaceId>> {
        let first = self.databases.first();
        let home = ask(first, first.place(), async |client| Ok(rows::home(&client).await?))?;
        Ok(home.and_then(|home| home.parse().ok()))
    }

    fn say_home(&self, home: &WorkspaceId) -> Found<bool> {
        // One that has no ledger, as after a restore that was cut off, is nobody's home.
        let gone = self.home()?.filter(|said| !self.has(Path::new(said.as_str())));
        let (first, home) = (self.databases.first(), home.clone());
        ask(first, first.place(), async move |client| {
            Ok(rows::say_home(&client, home.as_str(), gone.as_ref().map(WorkspaceId::as_str)).await?)
        })?;
        Ok(true)
    }

    fn ends(&self, workspaces: &[WorkspaceId]) -> Found<Option<Vec<(WorkspaceId, Head)>>> {
        let mut all = Vec::with_capacity(workspaces.len());
        for database in self.databases.all() {
            let asked = workspaces.to_vec();
            let ends = ask(database, database.place(), async move |client| {
                let names: Vec<&str> = asked.iter().map(WorkspaceId::as_str).collect();
                Ok(rows::ends(&client, &names).await?)
            })?;
            all.extend(ends.into_iter().filter_map(|(name, head)| Some((name.parse().ok()?, head))));
        }
        Ok(Some(all))
    }
}
