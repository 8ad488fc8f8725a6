//! Why a request got no answer, with the mend. No token is ever in it.

use crate::api::Problem;
use crate::domain::ids::Seq;

/// What a call comes to.
pub type Result<T> = std::result::Result<T, ClientError>;

/// Why a request got no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClientError {
    /// The address can't be used.
    #[error("{address:?} can't be the server's address: {why}; {mend}")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        why: String,
        /// What to do about it.
        mend: String,
    },
    /// The token can't be one.
    #[error("{reason}")]
    Token {
        /// Why.
        reason: String,
    },
    /// There is no server, or the way to it broke.
    #[error(
        "{url} can't be reached: {why}; check that `deeds serve` runs there and that the address is right"
    )]
    Unreachable {
        /// The server.
        url: String,
        /// What the system said.
        why: String,
    },
    /// The server said why not.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The answer is longer than what is taken of its kind, if it ends at all.
    #[error(
        "the server's answer is longer than {bytes} bytes, the most that is taken for {what}; check that a Deeds server of this version is there, and ask for less at once"
    )]
    TooLong {
        /// Which kind of answer.
        what: &'static str,
        /// How much of it is taken.
        bytes: usize,
    },
    /// It is to be signed, and was not.
    #[error("this is to be signed: {why}")]
    Signing {
        /// Why it could not be.
        why: String,
    },
    /// The history does not continue what was seen.
    #[error(
        "deed {seq} is another than a console here saw, or is gone: nothing is decided on that history; find out what happened to it (`deeds doctor` on the server's machine), then `deeds ledger confirm`"
    )]
    Forked {
        /// The deed that was seen.
        seq: Seq,
    },
    /// The answer is none that this version understands.
    #[error("the server's answer can't be understood: {why}; check that both sides are of the same version")]
    Protocol {
        /// What does not fit.
        why: String,
    },
}

impl ClientError {
    /// The server's problem, if that is what it is.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            Self::Address { .. }
            | Self::Token { .. }
            | Self::Unreachable { .. }
            | Self::TooLong { .. }
            | Self::Signing { .. }
            | Self::Forked { .. }
            | Self::Protocol { .. } => None,
        }
    }

    /// Whether the server may answer later, so that waiting makes sense.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Problem(problem) => problem.status == 503,
            Self::Address { .. }
            | Self::Token { .. }
            | Self::TooLong { .. }
            | Self::Signing { .. }
            | Self::Forked { .. }
            | Self::Protocol { .. } => false,
        }
    }
}
