//! The ssh-agent of whoever sits here, which signs what is to be signed.

use std::path::Path;
use std::sync::Arc;

use super::ledgers;
use crate::cli::context::Context;
use crate::cli::output;
use crate::client::{SshAgent, Whose};

/// The agent that `SSH_AUTH_SOCK` names, for decisions at that server; who waits for a touch is told on standard error.
pub(super) fn agent(context: &Context, server: &str) -> Option<SshAgent> {
    with(|said| output::complain(said), ledgers::whose(context, server))
}

/// The same for a console, whose screen says it before.
pub(super) fn silent_agent(context: &Context, server: &str) -> Option<SshAgent> {
    with(|_| (), ledgers::whose(context, server))
}

/// The same for a console at the server of its own process.
pub(in crate::cli) fn own_agent() -> Option<SshAgent> {
    with(|_| (), ledgers::own())
}

/// The same, only to say which keys it has.
pub(in crate::cli) fn agent_of_keys() -> Option<SshAgent> {
    with(|_| (), Arc::new(|_, _| Err("nothing is signed here".to_owned())))
}

fn with(tell: impl Fn(&str) + Send + Sync + 'static, whose: Arc<Whose>) -> Option<SshAgent> {
    let socket = std::env::var_os("SSH_AUTH_SOCK").filter(|socket| !socket.is_empty())?;
    Some(SshAgent::new(Path::new(&socket), tell, whose))
}
