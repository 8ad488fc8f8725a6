//! What an agent does, from the shell: write, act, publish, escalate, read, and look at who was there. A program does it by
//! its own token; whoever is admin of a workspace here may do it `--as` one of its agents, to try what the map says.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::context::Context;
use super::status::{Status, Usage};
use super::{entity, list, output, outputs, reply, session, value};
use crate::client::Client;
use crate::domain::command::{self, Command, Expected, WriteKind};
use crate::domain::ids::{ActNo, AgentId, Fence, Seq, Version};
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::query::EntityView;
use crate::domain::things::Touch;
use crate::domain::time::Span;
use crate::domain::value::Value;

/// As whom it is done.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct As {
    /// As this agent, for the admin of a workspace here: its token is made where there is none, and kept beside yours
    #[arg(long = "as", value_name = "AGENT")]
    agent: Option<AgentId>,
}

impl As {
    /// The context in which that is so.
    pub(super) fn of(&self, context: &Context) -> Context {
        Context { as_agent: self.agent.clone(), ..context.clone() }
    }
}

/// What is written.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds write crm/contact/acme status=contacted --as follow-up\n  deeds write files/roadmap.md --text '# May' --reason 'Monday plan' --as planner\n  deeds write crm/contact/acme status=won --expected status=3     only if it is still that version\n  deeds write crm/contact/acme --archive --as intake\n\nWithout --expected it reads first, and goes by what is there. Exit status 1 if it was refused."
)]
pub(crate) struct Write {
    /// The record, file or queue
    entity: EntityPath,
    /// New values: JSON, or plain text
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
    /// The record as a whole, as a file is: JSON, or plain text
    #[arg(long, value_name = "VALUE")]
    text: Option<String>,
    /// The same from a JSON file
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    file: Option<PathBuf>,
    /// Make it: it must not be there yet
    #[arg(long, group = "how")]
    create: bool,
    /// Put it away
    #[arg(long, group = "how", conflicts_with_all = ["fields", "text", "file"])]
    archive: bool,
    /// Delete it
    #[arg(long, group = "how", conflicts_with_all = ["fields", "text", "file"])]
    delete: bool,
    /// The versions it starts from: of a field, or of the record alone
    #[arg(long, value_name = "FIELD=VERSION")]
    expected: Vec<String>,
    /// What it was based on besides
    #[arg(long, value_name = "PATH=VERSION")]
    depends_on: Vec<String>,
    /// The fencing token of the lease on it
    #[arg(long, value_name = "N")]
    lease: Option<Fence>,
    /// Why
    #[arg(long)]
    reason: Option<Arc<str>>,
    /// The deed that led to it
    #[arg(long, value_name = "DEED")]
    cause: Option<Seq>,
    #[command(flatten)]
    by: As,
}

/// Writes.
pub(super) fn write(context: &Context, write: &Write) -> anyhow::Result<Status> {
    let order = write.order()?;
    session::with_client(&write.by.of(context), async |client| {
        let order = if order.expected.is_some() { order } else { on_what_is_there(client, order).await? };
        reply::tell(context.out, &client.ask(&Command::Write(order)).await?)
    })
}

impl Write {
    fn order(&self) -> anyhow::Result<command::Write> {
        let kind = match (self.create, self.archive, self.delete) {
            (true, ..) => WriteKind::Create,
            (_, true, _) => WriteKind::Archive,
            (_, _, true) => WriteKind::Delete,
            (false, false, false) => WriteKind::Update,
        };
        let mut changes = BTreeMap::new();
        for (name, value) in value::attributes(&self.fields)? {
            changes.insert(field(&name)?, value);
        }
        if self.text.is_some() || self.file.is_some() {
            let whole = value::body(self.text.as_deref(), self.file.as_deref(), "")?;
            changes.insert(FieldName::whole(), whole);
        }
        if changes.is_empty() && kind == WriteKind::Update {
            return Err(Usage::error("nothing is written; say FIELD=VALUE, --text or --file"));
        }
        Ok(command::Write {
            entity: self.entity.clone(),
            kind,
            changes,
            expected: expected(&self.expected)?,
            depends_on: value::depends_on(&self.depends_on)?,
            lease: self.lease,
            reason: self.reason.clone(),
            cause: self.cause,
            call: None,
        })
    }
}

fn field(name: &str) -> anyhow::Result<FieldName> {
    name.parse().map_err(|error| Usage::error(format!("{name}: {error}")))
}

/// A version alone is the record's; with a field before it, the field's.
fn expected(pairs: &[String]) -> anyhow::Result<Option<Expected>> {
    let wrong = |pair: &str| {
        Usage::error(format!("--expected {pair}: write status=3, or 7 for the record as a whole"))
    };
    let mut fields = BTreeMap::new();
    for pair in pairs {
        let Some((name, version)) = pair.rsplit_once('=') else {
            let whole = pair.parse::<Version>().map_err(|_| wrong(pair))?;
            return if pairs.len() == 1 { Ok(Some(Expected::Entity(whole))) } else { Err(wrong(pair)) };
        };
        fields.insert(field(name)?, version.parse::<Version>().map_err(|_| wrong(pair))?);
    }
    Ok((!fields.is_empty()).then_some(Expected::Fields(fields)))
}

/// What the author is shown of a record; nothing where it may not see it: what it may write is not decided here.
async fn seen(client: &Client, entity: &EntityPath) -> anyhow::Result<Option<EntityView>> {
    match client.read(entity).await {
        Err(error) if error.problem().is_some_and(|problem| problem.status == 404) => Ok(None),
        read => Ok(Some(read?)),
    }
}

/// The same write on the versions that its author is shown now.
async fn on_what_is_there(client: &Client, order: command::Write) -> anyhow::Result<command::Write> {
    let view = match order.kind {
        WriteKind::Create => return Ok(order),
        WriteKind::Update | WriteKind::Archive | WriteKind::Delete => seen(client, &order.entity).await?,
    };
    let whole = view.as_ref().map_or(Version(0), |view| view.version);
    let version = |name: &FieldName| {
        let field = || view.as_ref()?.fields.get(name).map(|field| field.version);
        if name.is_whole() { whole } else { field().unwrap_or(Version(0)) }
    };
    let expected = match order.kind {
        WriteKind::Archive | WriteKind::Delete => Expected::Entity(whole),
        WriteKind::Update | WriteKind::Create => {
            Expected::Fields(order.changes.keys().map(|name| (name.clone(), version(name))).collect())
        }
    };
    Ok(command::Write { expected: Some(expected), ..order })
}

/// A side effect, or how one ended.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds act mail/sales send_offer --subject crm/account/acme --depends-on 'crm/account/acme#health=4' --as sales\n  deeds act --done 12 --as sales\n  deeds act --failed 12 --note 'the API answered 503' --as sales\n\nExit status 0 if it may go ahead, or waits for a person's approval, 1 if not."
)]
pub(crate) struct Act {
    /// Where it goes: an output of the agent, or a path in its zone
    #[arg(required_unless_present_any = ["done", "failed"])]
    target: Option<Arc<str>>,
    /// The agent's word for it, such as `send_offer`
    #[arg(required_unless_present_any = ["done", "failed"])]
    action: Option<Arc<str>>,
    /// The record that it is about
    #[arg(long, value_name = "ENTITY", required_unless_present_any = ["done", "failed"])]
    subject: Option<EntityPath>,
    /// The conversation in it
    #[arg(long)]
    thread: Option<Arc<str>>,
    /// What it was based on
    #[arg(long, value_name = "PATH=VERSION")]
    depends_on: Vec<String>,
    /// Wait where another goes first, and be woken
    #[arg(long)]
    wait: bool,
    /// Why
    #[arg(long)]
    reason: Option<Arc<str>>,
    /// The deed that led to it
    #[arg(long, value_name = "DEED")]
    cause: Option<Seq>,
    /// That act was done
    #[arg(long, value_name = "N", conflicts_with_all = ["target", "failed"])]
    done: Option<ActNo>,
    /// That act failed
    #[arg(long, value_name = "N", conflicts_with = "target")]
    failed: Option<ActNo>,
    /// What to keep of how it ended
    #[arg(long)]
    note: Option<Arc<str>>,
    #[command(flatten)]
    by: As,
}

/// Asks for it, or says how it ended.
pub(super) fn act(context: &Context, act: Act) -> anyhow::Result<Status> {
    let context = act.by.of(context);
    if let Some(no) = act.done.or(act.failed) {
        let end = command::ActEnd { act: no, done: act.done.is_some(), note: act.note };
        return reply::ask(&context, &Command::ActEnd(end));
    }
    let (Some(target), Some(action), Some(subject)) = (act.target, act.action, act.subject) else {
        return Err(Usage::error("say where it goes, what it is, and --subject"));
    };
    let order = command::Act {
        target,
        subject,
        action,
        thread: act.thread,
        depends_on: value::depends_on(&act.depends_on)?,
        wait: act.wait,
        reason: act.reason,
        cause: act.cause,
        call: None,
    };
    reply::ask(&context, &Command::Act(order))
}

/// What is published.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds publish mail/billing 'thank you' --thread m-8812 --as billing\n\nExit status 0 if it went out or waits for a person's approval, 1 if it was refused."
)]
pub(crate) struct Publish {
    #[command(flatten)]
    what: outputs::PublishArguments,
    #[command(flatten)]
    by: As,
}

/// Publishes.
pub(super) fn publish(context: &Context, publish: Publish) -> anyhow::Result<Status> {
    reply::ask(&publish.by.of(context), &Command::Publish(publish.what.order()?))
}

/// What can't be decided.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds escalate 'half price for students' --why 'an offer goes below cost' --as growth"
)]
pub(crate) struct Escalate {
    /// The input as received: JSON, or plain text
    input: String,
    /// Why the agent can't decide; one of its `escalates_when`, or it is marked unforeseen
    #[arg(long)]
    why: Arc<str>,
    /// The record that it is about
    #[arg(long, value_name = "ENTITY")]
    subject: Option<EntityPath>,
    /// Deeds that led to it
    #[arg(long, value_name = "DEED")]
    evidence: Vec<Seq>,
    #[command(flatten)]
    by: As,
}

/// Tells a person.
pub(super) fn escalate(context: &Context, escalate: Escalate) -> anyhow::Result<Status> {
    let input: Value = value::parse(&escalate.input)?;
    let Escalate { why, subject, evidence, by, .. } = escalate;
    reply::ask(&by.of(context), &Command::Escalate(command::Escalate { input, subject, why, evidence }))
}

/// What is read.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds read crm/contact/acme --as intake      what intake is shown of it\n\nExit status 1 if nothing is known of it, or nothing of it is shown."
)]
pub(crate) struct Read {
    #[command(flatten)]
    what: entity::Command,
    #[command(flatten)]
    by: As,
}

/// Reads.
pub(super) fn read(context: &Context, read: &Read) -> anyhow::Result<Status> {
    entity::run(&read.by.of(context), &read.what)
}

/// Whose activity.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds activity crm/contact/acme --within 1h --as sales\n\nExit status 1 if nobody was there."
)]
pub(crate) struct Activity {
    /// The record
    entity: EntityPath,
    /// How far back
    #[arg(long, value_name = "SPAN")]
    within: Option<Span>,
    #[command(flatten)]
    by: As,
}

/// Shows what others did there lately.
pub(super) fn activity(context: &Context, activity: &Activity) -> anyhow::Result<Status> {
    let out = context.out;
    session::with_client(&activity.by.of(context), async |client| {
        let touches = client.activity(&activity.entity, activity.within).await?;
        out.show(&touches, || {
            if touches.is_empty() {
                return output::line("nobody was there");
            }
            let path = |name: &FieldName| FieldPath::new(activity.entity.clone(), name.clone()).to_string();
            let row = |touch: &Arc<Touch>| {
                let fields: Vec<String> = touch.fields.iter().map(path).collect();
                vec![
                    touch.at.to_string(),
                    list::who(&touch.actor),
                    touch.action.to_string(),
                    touch.outcome.as_str().to_owned(),
                    touch.deed.to_string(),
                    fields.join(", "),
                ]
            };
            let rows: Vec<_> = touches.iter().map(row).collect();
            out.table(&["AT", "WHO", "WHAT", "OUTCOME", "DEED", "FIELDS"], &rows)
        })?;
        Ok(if touches.is_empty() { Status::No } else { Status::Done })
    })
}
