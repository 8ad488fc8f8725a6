//! How a command ends: the exit statuses, and the errors that choose among them.

use std::io;
use std::process::ExitCode;

use thiserror::Error;

use crate::client::ClientError;
use crate::config::ConfigError;

/// How a command that ran ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Done.
    Done,
    /// The answer is no: a rule refused, a check found errors, nothing was found.
    No,
    /// As the console ended, such as by a signal.
    Other(u8),
}

/// The exit status of a command that was used wrongly; clap's own.
pub(crate) const USED_WRONGLY: u8 = 2;
/// The exit status of a command that could not reach what it needs, or failed.
pub(crate) const FAILED: u8 = 3;

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Done => 0,
            Status::No => 1,
            Status::Other(code) => code,
        })
    }
}

/// The command was used wrongly: what is wrong, and the mend.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Usage(pub String);

impl Usage {
    /// As the error that commands return.
    pub(crate) fn error(text: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self(text.into()))
    }
}

/// The exit status of an answer that is no.
const NO: u8 = 1;

/// The exit status that goes with an error.
pub(crate) fn code(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if cause.is::<Usage>() || cause.is::<ConfigError>() {
            return USED_WRONGLY;
        }
        if let Some(error) = cause.downcast_ref::<ClientError>() {
            return code_of(error);
        }
    }
    FAILED
}

/// What the server's way to say no means here.
fn code_of(error: &ClientError) -> u8 {
    match error {
        ClientError::Address { .. } | ClientError::Token { .. } => USED_WRONGLY,
        ClientError::Signing { .. } | ClientError::Forked { .. } => NO,
        ClientError::Unreachable { .. } | ClientError::TooLong { .. } | ClientError::Protocol { .. } => {
            FAILED
        }
        ClientError::Problem(problem) => match problem.status {
            400 | 413 | 428 => USED_WRONGLY,
            403 | 404 | 409 | 412 | 422 => NO,
            _ => FAILED,
        },
    }
}

/// Whoever read our output has gone away (`deeds log | head`): nothing to complain about.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn errors_choose_the_exit_status_wherever_they_are_in_the_chain() {
        let wrong = Err::<(), _>(Usage::error("no such view")).context("screen").unwrap_err();
        assert_eq!(code(&wrong), USED_WRONGLY);
        assert_eq!(code(&anyhow::anyhow!("could not reach")), FAILED);
        let pipe = anyhow::Error::new(io::Error::from(io::ErrorKind::BrokenPipe)).context("writing");
        assert!(is_broken_pipe(&pipe) && !is_broken_pipe(&wrong));
    }
}
