//! What is asked of the table, and how its rows are records. Plain SQL, one statement each.

use bytes::Bytes;
use deadpool_postgres::Client;
use tokio_postgres::{Client as Plain, Error, Row};

use super::super::{
    Hash, Head, Identity, LedgerError, LedgerId, MAX_READ_BYTES, MAX_READ_RECORDS, Record, Verifier,
};
use super::error::Failed;
use super::link::Database;

/// Inserts a batch where the record before it is there with the hash that was expected.
const INSERT: &str = "\
insert into deeds_ledger (workspace, seq, hash, bytes) \
select $1, $2 + batch.n, batch.hash, batch.bytes \
from unnest($4::bytea[], $5::bytea[]) with ordinality as batch (hash, bytes, n) \
where exists (select 1 from deeds_ledger where workspace = $1 and seq = $2 and hash = $3)";
/// Row 0, and the workspace's row in the directory.
const FOUND: &str = "\
with listed as (insert into deeds_workspace (workspace) values ($1) on conflict do nothing) \
insert into deeds_ledger (workspace, seq, hash, bytes) values ($1, 0, $2, $3)";
const HEAD: &str = "select seq, hash from deeds_ledger where workspace = $1 order by seq desc limit 1";
/// The first records after a number, up to the one with which they pass a size.
const PAGE: &str = "\
select seq, hash, bytes from ( \
  select seq, hash, bytes, sum(octet_length(bytes)) over (order by seq) - octet_length(bytes) as before from ( \
    select seq, hash, bytes from deeds_ledger where workspace = $1 and seq > $2 order by seq limit $3 \
  ) as page \
) as sized where before <= $4 order by seq";
/// Those of some numbers, in the order asked for, up to the one with which they pass a size.
const SOME: &str = "\
select seq, hash, bytes from ( \
  select seq, hash, bytes, n, sum(octet_length(bytes)) over (order by n) - octet_length(bytes) as before \
  from unnest($2::bigint[]) with ordinality as asked (number, n) \
  join deeds_ledger on workspace = $1 and seq = number and seq > 0 \
) as sized where before <= $3 order by n";
const BARRIER: &str = "update deeds_barrier set at = clock_timestamp()";
const HASH: &str = "select hash from deeds_ledger where workspace = $1 and seq = $2";
const FIRST: &str = "select hash, bytes from deeds_ledger where workspace = $1 and seq = 0";
const WORKSPACES: &str = "select workspace from deeds_workspace";
const IS_LISTED: &str = "select exists (select 1 from deeds_workspace where workspace = $1)";
const ENDS: &str = "\
select asked.workspace, last.seq, last.hash from unnest($1::text[]) as asked (workspace) \
cross join lateral ( \
  select seq, hash from deeds_ledger where workspace = asked.workspace order by seq desc limit 1 \
) as last";
const HOME: &str = "select workspace from deeds_home";
/// Where nobody has said it, or it is still the one that is known to be gone.
const SAY_HOME: &str = "\
insert into deeds_home (workspace) values ($1) \
on conflict (one) do update set workspace = excluded.workspace where deeds_home.workspace = $2";

/// What a workspace is called while its ledger comes from a backup: none has such a name, so nobody lists it.
pub(super) const STAGED: &str = ".restoring";
const CLEAR_STAGED: &str = "\
with gone as (delete from deeds_workspace where right(workspace, length($1)) = $1 returning workspace) \
delete from deeds_ledger where workspace in (select workspace from gone)";
/// All of them at once, or none.
const NAME_STAGED: &str = "\
with named as ( \
  update deeds_workspace set workspace = left(workspace, -length($1)) where right(workspace, length($1)) = $1 \
  returning workspace \
) \
update deeds_ledger set workspace = named.workspace from named where deeds_ledger.workspace = named.workspace || $1";

/// How many records at the end are verified when a ledger is opened.
const TAIL: u64 = 1_000;

/// Returns once all that could be read before is on the standby as well.
pub(super) async fn barrier(client: &Plain) -> Result<(), Error> {
    client.execute(BARRIER, &[]).await.map(|_| ())
}

/// Whether the batch was recorded; where not, the record before it is another one, or is not there.
pub(super) async fn insert(
    client: &Client,
    workspace: &str,
    expected: Head,
    records: &[Record],
) -> Result<bool, Error> {
    let Ok(before) = i64::try_from(expected.seq) else { return Ok(false) };
    let hashes: Vec<&[u8]> = records.iter().map(|record| &record.hash.0[..]).collect();
    let bytes: Vec<&[u8]> = records.iter().map(|record| &record.bytes[..]).collect();
    let statement = client.prepare_cached(INSERT).await?;
    let written =
        client.execute(&statement, &[&workspace, &before, &&expected.hash.0[..], &hashes, &bytes]).await?;
    Ok(written > 0)
}

/// Whether exactly these records follow that head.
pub(super) async fn stand(
    client: &Client,
    workspace: &str,
    expected: Head,
    records: &[Record],
) -> Result<bool, Error> {
    let seqs: Vec<u64> = records.iter().map(|record| record.seq).collect();
    let found = some(client, workspace, &seqs, usize::MAX).await?;
    let before = match expected.seq {
        0 => true,
        seq => hash(client, workspace, seq).await? == Some(expected.hash),
    };
    Ok(before && found == records)
}

/// Says which ledger a workspace's is, under that name, where nobody has.
pub(super) async fn found(client: &Client, under: &str, identity: &Identity) -> Result<(), Error> {
    let (genesis, id) = (identity.genesis(), identity.id);
    client.execute(FOUND, &[&under, &&genesis.0[..], &&id.as_bytes()[..]]).await.map(|_| ())
}

/// Under what name the ledger of a workspace comes.
pub(super) fn staged(workspace: &str) -> String {
    format!("{workspace}{STAGED}")
}

/// Takes away what came and was never named.
pub(super) async fn clear_staged(client: &Client) -> Result<(), Error> {
    client.execute(CLEAR_STAGED, &[&STAGED]).await.map(|_| ())
}

/// Gives what came the names of its workspaces.
pub(super) async fn name_staged(client: &Client) -> Result<(), Error> {
    client.execute(NAME_STAGED, &[&STAGED]).await.map(|_| ())
}

/// Which ledger a workspace's is; none where it has none.
pub(super) async fn identity(
    client: &Client,
    place: &str,
    workspace: &str,
) -> Result<Option<Identity>, Failed> {
    let Some(row) = client.query_opt(FIRST, &[&workspace]).await? else { return Ok(None) };
    let (hash, id): (&[u8], &[u8]) = (row.try_get(0)?, row.try_get(1)?);
    let id = id.try_into().map(LedgerId::from_bytes);
    let identity = id.ok().map(|id| Identity { id, workspace: workspace.to_owned() });
    match identity.filter(|identity| identity.genesis().0[..] == *hash) {
        Some(identity) => Ok(Some(identity)),
        None => Err(corrupt(place, 0, "the row that says which ledger it is does not hold").into()),
    }
}

/// Every workspace that has a ledger.
pub(super) async fn workspaces(client: &Client) -> Result<Vec<String>, Error> {
    client.query(WORKSPACES, &[]).await?.iter().map(|row| row.try_get(0)).collect()
}

/// Whether a workspace has a ledger here.
pub(super) async fn is_listed(client: &Client, workspace: &str) -> Result<bool, Error> {
    client.query_one(IS_LISTED, &[&workspace]).await?.try_get(0)
}

/// Where these ledgers end; those that are not there are left out.
pub(super) async fn ends(client: &Client, workspaces: &[&str]) -> Result<Vec<(String, Head)>, Error> {
    let rows = client.query(ENDS, &[&workspaces]).await?;
    let end = |row: &Row| {
        let (workspace, seq, hash) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        Ok((workspace, Head { seq: number(seq), hash: Hash(of_row(hash)) }))
    };
    rows.iter().map(end).collect()
}

/// Which workspace was said to be the home.
pub(super) async fn home(client: &Client) -> Result<Option<String>, Error> {
    client.query_opt(HOME, &[]).await?.map(|row| row.try_get(0)).transpose()
}

/// Says that it is that one, where nobody has said it, or `gone` was.
pub(super) async fn say_home(client: &Client, home: &str, gone: Option<&str>) -> Result<(), Error> {
    client.execute(SAY_HOME, &[&home, &gone]).await.map(|_| ())
}

/// Where a ledger ends.
pub(super) async fn head(client: &Client, workspace: &str) -> Result<Head, Failed> {
    let statement = client.prepare_cached(HEAD).await?;
    let row = client.query_one(&statement, &[&workspace]).await?;
    Ok(Head { seq: number(row.try_get(0)?), hash: Hash(of_row(row.try_get(1)?)) })
}

/// A page of records.
pub(super) async fn page(
    client: &Client,
    workspace: &str,
    after: u64,
    limit: usize,
) -> Result<Vec<Record>, Failed> {
    let Ok(after) = i64::try_from(after) else { return Ok(Vec::new()) };
    let limit = i64::try_from(limit.min(MAX_READ_RECORDS)).unwrap_or(i64::MAX);
    let most = i64::try_from(MAX_READ_BYTES).unwrap_or(i64::MAX);
    let statement = client.prepare_cached(PAGE).await?;
    let rows = client.query(&statement, &[&workspace, &after, &limit, &most]).await?;
    Ok(rows.iter().map(record).collect::<Result<_, _>>()?)
}

/// Those of the named records that exist, in the order asked for; the one with which they pass `bytes` is the last.
pub(super) async fn some(
    client: &Client,
    workspace: &str,
    seqs: &[u64],
    bytes: usize,
) -> Result<Vec<Record>, Error> {
    let asked: Vec<i64> = seqs.iter().filter_map(|seq| i64::try_from(*seq).ok()).collect();
    let most = i64::try_from(bytes).unwrap_or(i64::MAX);
    let statement = client.prepare_cached(SOME).await?;
    let rows = client.query(&statement, &[&workspace, &asked, &most]).await?;
    rows.iter().map(record).collect()
}

async fn hash(client: &Client, workspace: &str, seq: u64) -> Result<Option<Hash>, Error> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let row = client.query_opt(HASH, &[&workspace, &seq]).await?;
    row.map(|row| row.try_get(0).map(|hash| Hash(of_row(hash)))).transpose()
}

/// From where the last [`TAIL`] records are verified, and to where.
async fn tail(client: &Client, place: &str, identity: &Identity) -> Result<(Head, Head), Failed> {
    let end = head(client, &identity.workspace).await?;
    let seq = end.seq.saturating_sub(TAIL);
    let hash = match seq {
        0 => identity.genesis(),
        seq => {
            let hash = hash(client, &identity.workspace, seq).await?;
            hash.ok_or_else(|| corrupt(place, seq, "it is missing"))?
        }
    };
    Ok((Head { seq, hash }, end))
}

/// Verifies the end of a ledger, and says where it is. Its standby has it there, too: another node may have left what it lacks.
pub(super) async fn check_tail(
    client: &Client,
    database: &Database,
    place: &str,
    identity: &Identity,
) -> Result<Head, Failed> {
    let (start, end) = tail(client, place, identity).await?;
    database.barrier_over(client).await?;
    let mut walk = Walk::new(place, start, end);
    while !walk.is_through() {
        walk.take(&page(client, &identity.workspace, walk.at().seq, MAX_READ_RECORDS).await?, &mut |_| {})?;
    }
    Ok(walk.finish()?)
}

/// A verification on its way from one head to another, page by page.
pub(super) struct Walk<'a> {
    place: &'a str,
    verifier: Verifier,
    end: Head,
}

impl<'a> Walk<'a> {
    pub(super) fn new(place: &'a str, start: Head, end: Head) -> Self {
        Self { place, verifier: Verifier::after(start), end }
    }

    /// How far it has come.
    pub(super) fn at(&self) -> Head {
        self.verifier.head()
    }

    pub(super) fn is_through(&self) -> bool {
        self.at().seq >= self.end.seq
    }

    /// Takes the records that come next, and tells `progress` each of them.
    pub(super) fn take(
        &mut self,
        page: &[Record],
        progress: &mut dyn FnMut(Head),
    ) -> Result<(), LedgerError> {
        if page.is_empty() {
            return Err(corrupt(self.place, self.at().seq + 1, "it is missing"));
        }
        for record in page.iter().take_while(|record| record.seq <= self.end.seq) {
            let held = self.verifier.check(record.seq, record.hash, &record.bytes);
            held.map_err(|broken| corrupt(self.place, broken.seq(), &broken.to_string()))?;
            progress(self.at());
        }
        Ok(())
    }

    /// Where it ends, if that is where the ledger does.
    pub(super) fn finish(self) -> Result<Head, LedgerError> {
        if self.at() == self.end {
            return Ok(self.end);
        }
        Err(corrupt(self.place, self.end.seq, "its hash does not fit the record before"))
    }
}

fn corrupt(place: &str, seq: u64, reason: &str) -> LedgerError {
    LedgerError::Corrupt { place: place.to_owned(), seq: Some(seq), reason: reason.to_owned() }
}

fn record(row: &Row) -> Result<Record, Error> {
    let bytes: &[u8] = row.try_get(2)?;
    let (seq, hash) = (number(row.try_get(0)?), Hash(of_row(row.try_get(1)?)));
    Ok(Record { seq, hash, bytes: Bytes::copy_from_slice(bytes) })
}

/// The table has no negative number.
fn number(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or_default()
}

/// One of another length than 32 holds nowhere.
fn of_row(hash: &[u8]) -> [u8; 32] {
    hash.try_into().unwrap_or_default()
}
