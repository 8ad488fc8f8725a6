//! The ssh-agent of whoever sits here, which signs what is to be signed.

use std::path::Path;

use crate::cli::output;
use crate::client::SshAgent;

/// The agent that `SSH_AUTH_SOCK` names; who waits for a touch is told on standard error.
pub(in crate::cli) fn agent() -> Option<SshAgent> {
    with(|said| output::complain(said))
}

/// The same for a console, whose screen says it before.
pub(in crate::cli) fn silent_agent() -> Option<SshAgent> {
    with(|_| ())
}

fn with(tell: impl Fn(&str) + Send + Sync + 'static) -> Option<SshAgent> {
    let socket = std::env::var_os("SSH_AUTH_SOCK").filter(|socket| !socket.is_empty())?;
    Some(SshAgent::new(Path::new(&socket), tell))
}
