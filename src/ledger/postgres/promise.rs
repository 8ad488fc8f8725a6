//! Whether a database keeps what the settings promise of it: that a commit is on so many standbys before it is acknowledged.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_postgres::{Client, Error};

use super::super::LedgerError;
use super::error::Failed;
use super::link::Link;

/// It is asked no more often.
const EVERY: Duration = Duration::from_secs(1);
/// What a commit waits for, and who is there. Whoever may not see the latter is shown rows without a state.
const ASK: &str = "\
select current_setting('synchronous_standby_names'), current_setting('synchronous_commit'), \
  (select count(*) from pg_stat_replication where state = 'streaming' and sync_state in ('sync', 'quorum')), \
  exists (select 1 from pg_stat_replication where sync_state is null)";

/// How many standbys are promised, and what was seen last. It has a connection of its own: while no standby is there
/// all others may be busy waiting for one.
pub(super) struct Promise {
    standbys: u32,
    link: Link,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    over: Option<Client>,
    last: Option<(Instant, Result<(), LedgerError>)>,
}

impl Promise {
    pub(super) fn new(link: Link, standbys: u32) -> Self {
        Self { standbys, link, seen: Mutex::default() }
    }

    /// Whether it is kept, as of no more than a second ago.
    ///
    /// # Errors
    /// [`LedgerError::Unreplicated`] where it is not, another where the database can't be asked.
    pub(super) async fn look(&self, place: &str) -> Result<(), LedgerError> {
        if self.standbys == 0 {
            return Ok(());
        }
        let mut seen = self.seen.lock().await;
        if let Some((at, found)) = &seen.last
            && at.elapsed() < EVERY
        {
            return found.clone();
        }
        let found = match self.ask(&mut seen.over).await {
            Ok(None) => Ok(()),
            Ok(Some(reason)) => Err(LedgerError::Unreplicated { place: place.to_owned(), reason }),
            Err(error) => Err(Failed::from(error).told(place)),
        };
        seen.last = Some((Instant::now(), found.clone()));
        found
    }

    /// What is missing, with the mend.
    async fn ask(&self, over: &mut Option<Client>) -> Result<Option<String>, Error> {
        let client = match over.take() {
            Some(client) if !client.is_closed() => client,
            Some(_) | None => self.link.apart().await?,
        };
        let row = client.query_one(ASK, &[]).await?;
        *over = Some(client);
        let (names, commit): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        let (there, hidden): (i64, bool) = (row.try_get(2)?, row.try_get(3)?);
        let (promised, waited) = (self.standbys, waited_for(names));
        Ok(if waited < promised {
            Some(format!(
                "a commit waits for {waited} standbys, and {promised} are promised; set synchronous_standby_names in the database, such as to `ANY {promised} (*)`"
            ))
        } else if !["on", "remote_apply"].contains(&commit) {
            Some(format!("synchronous_commit is {commit} in our sessions; set it to `on` for the account"))
        } else if !hidden && there < i64::from(promised) {
            Some(format!(
                "{there} standbys are there, and {promised} are promised; start the others: commits wait for them"
            ))
        } else {
            None
        })
    }
}

/// For how many standbys a commit waits, by that value of `synchronous_standby_names`: one where names stand without a number.
fn waited_for(names: &str) -> u32 {
    let names = names.trim();
    let word = names.split(|at: char| at == '(' || at.is_whitespace()).next().unwrap_or_default();
    let rest = if ["any", "first"].contains(&word.to_ascii_lowercase().as_str()) {
        names.get(word.len()..).unwrap_or_default()
    } else {
        names
    };
    match rest.split_once('(') {
        Some((number, _)) => number.trim().parse().unwrap_or(1),
        None => u32::from(!names.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::waited_for;

    #[test]
    fn the_number_of_standbys_is_read() {
        let cases = [
            ("", 0),
            ("*", 1),
            ("one, two", 1),
            ("2 (one, two)", 2),
            ("FIRST 2 (one, two)", 2),
            ("any 3(\"a (b\", c, d)", 3),
            ("first", 1),
        ];
        for (names, number) in cases {
            assert_eq!(waited_for(names), number, "{names}");
        }
    }
}
