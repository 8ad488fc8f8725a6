//! What the database says when something fails, in our words.

use deadpool_postgres::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::super::LedgerError;

/// Why something was not done, before it is said of which ledger.
#[derive(Debug)]
pub(super) enum Failed {
    /// The database says so, or the way to it.
    Database(Error),
    /// There is no connection.
    Way(String),
    /// A commit did not wait for its standby.
    NotWaitedFor,
    /// What is stored does not hold, or is not what was asked for.
    Ledger(LedgerError),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<LedgerError> for Failed {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<PoolError> for Failed {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Way(words(&error)),
            PoolError::Timeout(_) => Self::Way("no connection became free in time".to_owned()),
            PoolError::Closed | PoolError::NoRuntimeSpecified => {
                Self::Way("its connections are closed".to_owned())
            }
            PoolError::PostCreateHook(error) => Self::Way(error.to_string()),
        }
    }
}

impl Failed {
    /// True if what was asked may have been done all the same.
    pub(super) fn outcome_unknown(&self) -> bool {
        match self {
            Self::NotWaitedFor => true,
            // Without an answer of the database; or it ended the connection, or was asked to end the work.
            Self::Database(error) => {
                error.code().is_none_or(|code| matches!(class(code), "57" | "58" | "XX" | "08" | "40"))
            }
            Self::Way(_) | Self::Ledger(_) => false,
        }
    }

    /// True if the server takes no writes.
    pub(super) fn is_read_only(&self) -> bool {
        matches!(self, Self::Database(error) if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION))
    }

    /// In the words of a ledger.
    pub(super) fn told(self, place: &str) -> LedgerError {
        let place = place.to_owned();
        let error = match self {
            Self::Ledger(error) => return error,
            Self::Way(reason) => return LedgerError::Unreachable { place, reason },
            Self::NotWaitedFor => {
                let reason = "a commit did not wait for the standby: somebody ended its wait".to_owned();
                return LedgerError::Unreachable { place, reason };
            }
            Self::Database(error) => error,
        };
        let reason = words(&error);
        match error.code() {
            None => LedgerError::Unreachable { place, reason },
            Some(code) if *code == SqlState::DISK_FULL => LedgerError::Full { place, reason },
            Some(code)
                if [SqlState::READ_ONLY_SQL_TRANSACTION, SqlState::INSUFFICIENT_PRIVILEGE].contains(code) =>
            {
                LedgerError::Unwritable { place, reason }
            }
            Some(code) if matches!(class(code), "08" | "28" | "3D" | "53" | "57") => {
                LedgerError::Unreachable { place, reason }
            }
            Some(_) => LedgerError::Io { place, reason },
        }
    }
}

/// The first two signs of a code say what it is about.
fn class(code: &SqlState) -> &str {
    code.code().get(..2).unwrap_or_default()
}

/// True if somebody else has recorded there.
pub(super) fn is_taken(error: &Error) -> bool {
    error.code() == Some(&SqlState::UNIQUE_VIOLATION)
}

/// What was said, without what was asked: no password, no deed.
pub(super) fn words(error: &Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(said), _) => format!("{}, {}", said.message(), said.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}
