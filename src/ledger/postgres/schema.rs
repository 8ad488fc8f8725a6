//! The tables, how they are made, and what a database must be to hold them.

use deadpool_postgres::Client;

use super::super::LedgerError;
use super::error::Failed;

/// The form of the tables that this program makes and reads. Format 1 had no table of nodes, of workspaces and of the home.
const FORMAT: i64 = 2;
/// The oldest PostgreSQL that is tried, as it numbers itself.
const OLDEST: i32 = 140_000;
/// Held while the tables are made: `deeds` in ASCII.
const LOCK: i64 = 0x64_6565_6473;

/// What is not there yet of them. Row 0 of each ledger is looked for in all of them once, where an earlier format is there.
const TABLES: &str = "\
create table if not exists deeds_format (format bigint not null); \
create table if not exists deeds_barrier (one boolean primary key default true check (one), at timestamptz not null); \
create table if not exists deeds_ledger ( \
  workspace text collate \"C\" not null, \
  seq bigint not null check (seq >= 0), \
  hash bytea not null check (octet_length(hash) = 32), \
  bytes bytea not null, \
  primary key (workspace, seq) \
); \
create table if not exists deeds_node ( \
  instance text primary key, \
  address text not null, \
  certificate text, \
  until timestamptz not null \
); \
create table if not exists deeds_workspace (workspace text collate \"C\" primary key, node text, due bigint); \
create index if not exists deeds_workspace_due on deeds_workspace (due); \
create table if not exists deeds_home (one boolean primary key default true check (one), workspace text not null); \
insert into deeds_workspace (workspace) \
  select workspace from deeds_ledger where seq = 0 and (select format from deeds_format) < 2 on conflict do nothing; \
update deeds_format set format = 2 where format < 2; \
insert into deeds_format select 2 where not exists (select 1 from deeds_format); \
insert into deeds_barrier select true, now() where not exists (select 1 from deeds_barrier);";

/// Looks whether the database can hold ledgers, and makes the tables where they are not there, or are of an earlier format.
pub(super) async fn ready(client: &Client, place: &str) -> Result<(), Failed> {
    let unfit = |reason: String| Failed::from(LedgerError::Unfit { place: place.to_owned(), reason });
    let row = client
        .query_one(
            "select current_setting('server_version_num'), current_setting('server_version'), \
             current_setting('server_encoding'), current_setting('transaction_read_only'), pg_is_in_recovery()",
            &[],
        )
        .await?;
    let (number, version): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
    if number.parse::<i32>().is_ok_and(|number| number < OLDEST) {
        return Err(unfit(format!("it is PostgreSQL {version}; 14 or newer is needed")));
    }
    let (encoding, read_only, standby): (&str, &str, bool) =
        (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    if encoding != "UTF8" {
        return Err(unfit(format!("its encoding is {encoding}; make one with `createdb --encoding=UTF8`")));
    }
    if standby || read_only == "on" {
        return Err(unfit(
            "it takes no writes, as a standby; name the primary, or all hosts with `target_session_attrs=read-write`"
                .to_owned(),
        ));
    }
    let mut found = format(client).await?;
    if found.is_none_or(|format| format < FORMAT) {
        make(client).await?;
        found = format(client).await?;
    }
    match found {
        Some(found) if found > FORMAT => {
            Err(LedgerError::Newer { place: place.to_owned(), found, known: FORMAT }.into())
        }
        Some(_) | None => Ok(()),
    }
}

/// Of which format the tables are; none where they are not there.
async fn format(client: &Client) -> Result<Option<i64>, Failed> {
    let there = "select to_regclass('deeds_ledger') is not null and to_regclass('deeds_barrier') is not null \
                 and to_regclass('deeds_format') is not null";
    if !client.query_one(there, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    let row = client.query_opt("select format from deeds_format", &[]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// One node at a time, all of it or nothing.
async fn make(client: &Client) -> Result<(), Failed> {
    let all = format!("begin; select pg_advisory_xact_lock({LOCK}); {TABLES} commit;");
    if let Err(error) = client.batch_execute(&all).await {
        client.batch_execute("rollback").await?;
        return Err(error.into());
    }
    Ok(())
}
