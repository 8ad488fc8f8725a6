//! `deeds override`: a person steps in. Each step needs a reason and is recorded as a manual intervention.

use std::sync::Arc;

use clap::{Args, Subcommand};

use super::context::Context;
use super::status::Status;
use super::{reply, session, value};
use crate::client::Client;
use crate::domain::command::{Command as Order, Override, OverrideVerb};
use crate::domain::ids::{AgentId, Fence, Version};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::things::{Allowance, Lasts};
use crate::domain::time::Span;
use crate::domain::value::Value;

/// What a person can do over the agents' heads.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  deeds override freeze crm/contact/acme --reason 'legal is talking to them'\n  deeds override pause sales --for 2h --reason 'sends too early'\n  deeds override allow sales --open 5000 --reason 'the backlog of the migration'\n  deeds override pause-all --reason 'something is very wrong'\n  deeds override resume-all --reason 'it was the import'\n  deeds override set 'crm/contact/acme#status' churned --reason 'told on the phone'\n  deeds override set 'crm/contact/acme#status' churned --for released --reason 'told on the phone'\n  deeds override release 'crm/contact/acme#status' --reason 'agreed'\n  deeds override revert 'crm/contact/acme#status' --to 3 --reason 'the import was wrong'\n  deeds override unlock 12 --reason 'its agent is gone'"
)]
pub(crate) enum Command {
    /// All agents keep off an entity
    Freeze {
        /// The entity
        entity: EntityPath,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        why: Why,
    },
    /// Agents may touch it again
    Unfreeze {
        /// The entity
        entity: EntityPath,
        #[command(flatten)]
        why: Why,
    },
    /// An agent stops
    Pause {
        /// The agent
        agent: AgentId,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        why: Why,
    },
    /// An agent goes on
    Resume {
        /// The agent
        agent: AgentId,
        #[command(flatten)]
        why: Why,
    },
    /// An agent may keep more than the settings say; what is not named is as they say again
    Allow {
        /// The agent
        agent: AgentId,
        /// How many bytes may be kept for it
        #[arg(long)]
        bytes: Option<u64>,
        /// How many things of it may be open
        #[arg(long)]
        open: Option<u64>,
        /// How many idempotency keys of it are kept
        #[arg(long)]
        keys: Option<u64>,
        #[command(flatten)]
        why: Why,
    },
    /// Every agent stops: what it asks is refused, and its time stands still
    PauseAll {
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        why: Why,
    },
    /// All go on from where they stood
    ResumeAll {
        #[command(flatten)]
        why: Why,
    },
    /// Set a field
    Set {
        /// The field, `entity#field`
        path: FieldPath,
        /// To what: JSON, or plain text
        value: String,
        /// The version it starts from; the present one if nothing is said
        #[arg(long, value_name = "VERSION")]
        expected: Option<Version>,
        #[command(flatten)]
        hold: Hold,
        #[command(flatten)]
        why: Why,
    },
    /// Let go of a field that was set: its owners write it again
    Release {
        /// The field, `entity#field`
        path: FieldPath,
        #[command(flatten)]
        why: Why,
    },
    /// Set a field back to an earlier version: a new version with the old value
    Revert {
        /// The field, `entity#field`
        path: FieldPath,
        /// The version whose value it gets
        #[arg(long, value_name = "VERSION")]
        to: Version,
        /// The version it starts from; the present one if nothing is said
        #[arg(long, value_name = "VERSION")]
        expected: Option<Version>,
        #[command(flatten)]
        hold: Hold,
        #[command(flatten)]
        why: Why,
    },
    /// End a lease by force: its token is void from now on
    Unlock {
        /// The lease's number
        lease: Fence,
        #[command(flatten)]
        why: Why,
    },
}

/// When a stop ends by itself.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Limit {
    /// For how long; until a person ends it if nothing is said
    #[arg(long = "for", value_name = "TIME")]
    span: Option<Span>,
}

impl Limit {
    fn lasts(self) -> Option<Lasts> {
        self.span.map(Lasts::For)
    }
}

/// For how long.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Hold {
    /// How long agents' writes to it wait for a yes: a time, `released` or `none`; 24h if nothing is said
    #[arg(long = "for", value_name = "TIME")]
    lasts: Option<Lasts>,
}

/// The reason.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// Why
    #[arg(long)]
    reason: Arc<str>,
}

/// Runs it.
pub(super) fn run(context: &Context, command: Command) -> anyhow::Result<Status> {
    let out = context.out;
    session::with_client(context, async |client| {
        let mut lasts = None;
        let (step, why) = match command {
            Command::Freeze { entity, limit, why } => {
                lasts = limit.lasts();
                (OverrideVerb::Freeze { entity }, why)
            }
            Command::Unfreeze { entity, why } => (OverrideVerb::Unfreeze { entity }, why),
            Command::Pause { agent, limit, why } => {
                lasts = limit.lasts();
                (OverrideVerb::Pause { agent }, why)
            }
            Command::Resume { agent, why } => (OverrideVerb::Resume { agent }, why),
            Command::Allow { agent, bytes, open, keys, why } => {
                (OverrideVerb::Allow { agent, allowance: Allowance { bytes, open, keys } }, why)
            }
            Command::PauseAll { limit, why } => {
                lasts = limit.lasts();
                (OverrideVerb::PauseAll, why)
            }
            Command::ResumeAll { why } => (OverrideVerb::ResumeAll, why),
            Command::Set { path, value, expected, hold, why } => {
                lasts = hold.lasts;
                let value = value::parse(&value)?;
                let expected = start_of(client, &path, expected).await?;
                (OverrideVerb::Set { path, value, expected }, why)
            }
            Command::Revert { path, to, expected, hold, why } => {
                lasts = hold.lasts;
                let expected = start_of(client, &path, expected).await?;
                // The value is the server's to find.
                (OverrideVerb::Revert { path, to, value: Value::null(), expected }, why)
            }
            Command::Release { path, why } => (OverrideVerb::Release { path }, why),
            Command::Unlock { lease, why } => (OverrideVerb::Unlock { lease }, why),
        };
        let order = Override { step, reason: why.reason, lasts };
        reply::tell(out, &client.ask(&Order::Override(order)).await?)
    })
}

/// The version that was named, or the present one.
async fn start_of(client: &Client, path: &FieldPath, named: Option<Version>) -> anyhow::Result<Version> {
    if let Some(version) = named {
        return Ok(version);
    }
    let view = client.read(&path.entity).await?;
    Ok(view.fields.get(&path.field).map_or(Version(0), |field| field.version))
}
