//! `deeds leases`: bounded-time locks with fencing tokens.

use clap::{Args, Subcommand};

use super::context::Context;
use super::list::{List, at, of};
use super::reply;
use super::status::{Status, Usage};
use super::then::Then;
use crate::api::LeaseList;
use crate::client::Client;
use crate::domain::command::{Command as Order, LeaseStep};
use crate::domain::ids::{AgentId, Fence, TaskId};
use crate::domain::path::FieldPath;
use crate::domain::things::{Lease, LeaseTarget};
use crate::domain::time::Span;

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
    let step = match command.unwrap_or(Command::List) {
        Command::List => return LIST.run(context, &Then::default(), Client::leases),
        Command::Acquire(acquire) => {
            let ttl = acquire.ttl;
            LeaseStep::Acquire { target: acquire.target()?, ttl }
        }
        Command::Renew { lease, ttl } => LeaseStep::Renew { lease, ttl },
        Command::Release { lease } => LeaseStep::Release { lease },
        Command::Transfer { lease, to } => LeaseStep::Transfer { lease, to },
    };
    reply::ask(context, &Order::Lease(step))
}

const LIST: List<LeaseList, Lease> = List {
    none: "no lease is held",
    rows: |found| found.leases.iter().map(AsRef::as_ref).collect(),
    columns: &[
        of("LEASE", |lease| lease.fence.to_string()),
        of("HOLDER", |lease| lease.holder.to_string()),
        of("ON", |lease| lease.target.to_string()),
        of("SINCE", |lease| lease.since.to_string()),
        at("LEFT", |lease, now| lease.until.since(now).rough()),
    ],
};
