//! Asking the rules, which is all that most commands do, and how their answer is told: what came of it, why not, and what to
//! do now.

use super::context::Context;
use super::output::{self, Output, visible};
use super::session;
use super::status::Status;
use crate::client::{self, Client};
use crate::domain::command::{AlertStep, AlertVerb, Command, ItemStep, ItemVerb, LeaseStep, TokenStep};
use crate::domain::ids::AgentId;
use crate::domain::reply::Reply;

/// Asks one thing and prints the answer.
pub(super) fn ask(context: &Context, command: &Command) -> anyhow::Result<Status> {
    session::with_client(context, async |client| tell(context.out, &send(client, command).await?))
}

async fn send(client: &Client, command: &Command) -> client::Result<Reply> {
    match command {
        Command::Raise(raise) => client.raise(raise).await,
        Command::Claim(claim) => client.claim_event(claim).await,
        Command::Work(step) => client.work_step(step).await,
        Command::Handoff(handoff) => client.handoff(handoff).await,
        Command::FanOut(order) => client.fan_out(order).await,
        Command::Lease(LeaseStep::Acquire { target, ttl }) => client.acquire_lease(target, *ttl).await,
        Command::Lease(LeaseStep::Renew { lease, ttl }) => client.renew_lease(*lease, *ttl).await,
        Command::Lease(LeaseStep::Release { lease }) => client.release_lease(*lease).await,
        Command::Lease(LeaseStep::Transfer { lease, to }) => client.transfer_lease(*lease, to).await,
        Command::Publish(publish) => client.publish(publish).await,
        Command::Conclude(conclude) => client.conclude(conclude).await,
        Command::Item(ItemStep { item, step }) => match step {
            ItemVerb::Claim => client.claim(*item).await,
            ItemVerb::Release => client.release(*item).await,
            ItemVerb::Reassign { to } => client.reassign(*item, to).await,
            ItemVerb::Answer(answered) => client.answer(*item, answered).await,
            ItemVerb::Undo => client.undo(*item).await,
        },
        Command::Alert(AlertStep { alert, step, note }) => match step {
            AlertVerb::Acknowledge => client.alert_acknowledge(*alert, note.as_deref()).await,
            AlertVerb::Resolve => client.alert_resolve(*alert, note.as_deref().unwrap_or_default()).await,
            AlertVerb::Escalate => client.alert_escalate(*alert, note.as_deref()).await,
        },
        Command::MapReview(review) => client.map_reviewed(review).await,
        Command::Token(TokenStep::Revoke { token }) => client.revoke_token(token).await,
        Command::Review(review) => client.review(review).await,
        Command::Override(order) => client.override_with(order).await,
        Command::Write(_)
        | Command::Act(_)
        | Command::ActEnd(_)
        | Command::Escalate(_)
        | Command::Take(_)
        | Command::Together(_)
        | Command::ApplyMap(_)
        | Command::Token(TokenStep::Create(_))
        | Command::Import(_)
        | Command::Tick => unreachable!("no command line is one of these alone"),
    }
}

/// Prints the answer; a refusal is the answer no.
pub(super) fn tell(out: Output, reply: &Reply) -> anyhow::Result<Status> {
    out.show(reply, || lines(reply).iter().try_for_each(output::line))?;
    Ok(status(reply))
}

/// The exit status that goes with it.
pub(super) fn status(reply: &Reply) -> Status {
    if reply.is_done() { Status::Done } else { Status::No }
}

fn lines(reply: &Reply) -> Vec<String> {
    let mut first = format!("{}, deed {}", reply.outcome.as_str(), reply.deed);
    if let Some(code) = reply.code {
        first = format!("{} ({code}), deed {}", reply.outcome.as_str(), reply.deed);
    }
    if let Some(message) = &reply.message {
        first = format!("{first}: {}", visible(message));
    }
    let mut lines = vec![first];
    for field in &reply.fields {
        let by = field.by.as_ref().map(|by| format!(" by {}", visible(&by.to_string()))).unwrap_or_default();
        let value =
            field.value.as_ref().map(|value| format!(" = {}", visible(&value.plain()))).unwrap_or_default();
        lines.push(format!("  {} v{}{value}{by}", visible(&field.path.to_string()), field.version));
    }
    lines.extend(refers_to(reply));
    if let Some(next) = reply.next.as_ref().filter(|_| !reply.is_done()) {
        lines.push(format!("  next: {}", visible(next)));
    }
    lines
}

/// What was made or concerned, a line each.
fn refers_to(reply: &Reply) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |what: Option<String>| lines.extend(what.map(|what| format!("  {what}")));
    let owners: Vec<&str> = reply.owners.iter().map(AgentId::as_str).collect();
    let works: Vec<String> = reply.works.iter().map(|work| format!("#{work}")).collect();
    let alerts: Vec<String> = reply.alerts.iter().map(|alert| format!("#{alert}")).collect();
    line((!owners.is_empty()).then(|| format!("concerns {}", visible(&owners.join(", ")))));
    line(reply.item.map(|item| format!("inbox item #{item}")));
    line((!works.is_empty()).then(|| format!("work {}", works.join(" "))));
    line(reply.task.as_ref().map(|task| format!("task {}", visible(task.as_str()))));
    line(reply.act.map(|act| format!("act #{act}")));
    line(reply.lease.map(|lease| format!("lease, fencing token {lease}")));
    line(reply.fan_out.map(|fan_out| format!("fan-out #{fan_out}")));
    line((!alerts.is_empty()).then(|| format!("alert {}", alerts.join(" "))));
    line(reply.until.map(|until| format!("until {until}")));
    lines
}
