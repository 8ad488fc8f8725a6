//! Asking the rules, which is all that most commands do, and how their answer is told: what came of it, why not, and what to
//! do now.

use super::context::Context;
use super::output::{self, Output, visible};
use super::session;
use super::status::Status;
use crate::domain::command::Command;
use crate::domain::ids::{AgentId, AlertNo};
use crate::domain::reply::Reply;

/// Asks one thing and prints the answer.
pub(super) fn ask(context: &Context, command: &Command) -> anyhow::Result<Status> {
    session::with_client(context, async |client| tell(context.out, &client.ask(command).await?))
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
    let kind = |no: &AlertNo| reply.raised.iter().find(|raised| raised.alert == *no);
    let alerts: Vec<String> = reply
        .alerts
        .iter()
        .map(|no| {
            kind(no).map_or_else(|| format!("#{no}"), |raised| format!("#{no} {}", raised.code.as_str()))
        })
        .collect();
    line((!owners.is_empty()).then(|| format!("concerns {}", visible(&owners.join(", ")))));
    line(reply.item.map(|item| format!("inbox item #{item}")));
    line((!works.is_empty()).then(|| format!("work {}", works.join(" "))));
    line(reply.task.as_ref().map(|task| format!("task {}", visible(task.as_str()))));
    line(reply.act.map(|act| format!("act #{act}")));
    line(reply.lease.map(|lease| format!("lease, fencing token {lease}")));
    line(reply.fan_out.map(|fan_out| format!("fan-out #{fan_out}")));
    line((!alerts.is_empty()).then(|| format!("alert {}", alerts.join(", "))));
    line(reply.until.map(|until| format!("until {until}")));
    lines
}
