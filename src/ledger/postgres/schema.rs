//! The tables, how they are made, and what a database must be to hold them.

use deadpool_postgres::Client;

use super::super::LedgerError;
use super::error::Failed;

/// The form of the tables that this program makes and reads.
const FORMAT: i64 = 1;
/// The oldest PostgreSQL that is tried, as it numbers itself.
const OLDEST: i32 = 140_000;
/// Held while the tables are made: `deeds` in ASCII.
const LOCK: i64 = 0x64_6565_6473;

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
insert into deeds_format select 1 where not exists (select 1 from deeds_format); \
insert into deeds_barrier select true, now() where not exists (select 1 from deeds_barrier);";

/// Looks whether the database can hold ledgers, and makes the tables where they are not there.
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
    if !is_made(client).await? {
        make(client).await?;
    }
    let format: i64 = client.query_one("select format from deeds_format", &[]).await?.try_get(0)?;
    if format > FORMAT {
        return Err(LedgerError::Newer { place: place.to_owned(), found: format, known: FORMAT }.into());
    }
    Ok(())
}

async fn is_made(client: &Client) -> Result<bool, Failed> {
    let there = "select to_regclass('deeds_ledger') is not null and to_regclass('deeds_barrier') is not null \
                 and to_regclass('deeds_format') is not null";
    Ok(client.query_one(there, &[]).await?.try_get(0)?)
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
