//! `--at`: looking at how it was. What of a command can be asked so goes through a client that looks at the past.

use clap::Args;

use super::context::Context;
use super::output::Output;
use super::session;
use super::status::Status;
use crate::client::Client;

/// Which moment is looked at; the present if nothing is said.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Then {
    /// As it was then: a sequence (4711), a time (2026-02-14T08:11, 08:11, both UTC), or -2h for two hours ago
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub(crate) at: Option<String>,
}

impl Then {
    /// The client, looking at that moment.
    pub(crate) async fn look(&self, client: &Client) -> anyhow::Result<Client> {
        match &self.at {
            None => Ok(client.clone()),
            Some(at) => Ok(client.as_of(at).await?),
        }
    }
}

/// Runs something with a client that looks at that moment.
pub(super) fn with_client(
    context: &Context,
    then: &Then,
    work: impl AsyncFnOnce(&Client) -> anyhow::Result<Status>,
) -> anyhow::Result<Status> {
    session::with_client(context, async |client| work(&then.look(client).await?).await)
}

/// Tells a person which moment is shown, if it is not the present.
pub(super) fn tell(out: Output, client: &Client) -> anyhow::Result<()> {
    match client.looks_at() {
        Some(then) if then.happened => {
            out.faint(format!("as it happened by {}, deed {}", then.time, then.seq))
        }
        Some(then) => out.faint(format!("as of {}, deed {}", then.time, then.seq)),
        None => Ok(()),
    }
}
