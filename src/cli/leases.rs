//! `deeds leases`: bounded-time locks with fencing tokens.

use clap::{Args, Subcommand};

use super::context::Context;
use super::output::{self, Output};
use super::status::{Status, Usage};
use super::{reply, session};
use crate::client::Client;
use crate::domain::ids::{AgentId, Fence, TaskId};
use crate::domain::path::FieldPath;
use crate::domain::things::{Lease, LeaseTarget};
use crate::domain::time::{Span, Time};

/// What is done with leases; a list if nothing is said.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  deeds leases list\n  deeds --token-file tokens/default.billing leases acquire 'crm/account/acme#balance' --for 5m\n  deeds --token-file tokens/default.billing leases acquire --task draft-7 --for 1h\n  deeds --token-file tokens/default.billing leases renew 12 --for 5m\n\nThe number is the fencing token: send it as `lease` with every write. `deeds override unlock` ends a lease by force."
)]
pub(crate) enum Command {
    /// The live ones, the oldest first
    List,
    /// Lock a field, an entity or a task that is the agent's own
    Acquire(Acquire),
    /// Hold it longer, from now on
    Renew {
        /// Its number
        lease: Fence,
        /// For how long, such as 5m
        #[arg(long = "for", value_name = "SPAN")]
        ttl: Span,
    },
    /// Give it back
    Release {
        /// Its number
        lease: Fence,
    },
    /// Give it to another agent, under a new number, for the time that is left
    Transfer {
        /// Its number
        lease: Fence,
        /// To whom
        #[arg(long, value_name = "AGENT")]
        to: AgentId,
    },
}

/// What is locked.
#[derive(Debug, Args)]
pub(crate) struct Acquire {
    /// A field (`entity#field`), or an entity with all its fields
    #[arg(required_unless_present = "task", conflicts_with = "task")]
    path: Option<FieldPath>,
    /// A task
    #[arg(long)]
    task: Option<TaskId>,
    /// For how long, such as 5m
    #[arg(long = "for", value_name = "SPAN")]
    ttl: Span,
}

impl Acquire {
    fn target(self) -> anyhow::Result<LeaseTarget> {
        let path = self.path.map(LeaseTarget::Path);
        let target = path.or_else(|| self.task.map(LeaseTarget::Task));
        target.ok_or_else(|| Usage::error("name a path or --task"))
    }
}

/// Runs it.
pub(super) fn run(context: &Context, command: Option<Command>) -> anyhow::Result<Status> {
    let out = context.out;
    session::with_client(context, async |client| match command.unwrap_or(Command::List) {
        Command::List => list(out, client).await,
        Command::Acquire(acquire) => {
            let ttl = acquire.ttl;
            reply::tell(out, &client.acquire_lease(&acquire.target()?, ttl).await?)
        }
        Command::Renew { lease, ttl } => reply::tell(out, &client.renew_lease(lease, ttl).await?),
        Command::Release { lease } => reply::tell(out, &client.release_lease(lease).await?),
        Command::Transfer { lease, to } => reply::tell(out, &client.transfer_lease(lease, &to).await?),
    })
}

async fn list(out: Output, client: &Client) -> anyhow::Result<Status> {
    let found = client.leases().await?;
    if out.json {
        output::json(&found)?;
    } else if found.leases.is_empty() {
        out.faint("no lease is held")?;
    } else {
        let now = client.now().await?;
        let rows: Vec<_> = found.leases.iter().map(|lease| row(lease, now)).collect();
        out.table(&["LEASE", "HOLDER", "ON", "SINCE", "LEFT"], &rows)?;
    }
    Ok(Status::Done)
}

fn row(lease: &Lease, now: Time) -> Vec<String> {
    vec![
        lease.fence.to_string(),
        lease.holder.to_string(),
        lease.target.to_string(),
        lease.since.to_string(),
        lease.until.since(now).rough(),
    ]
}
