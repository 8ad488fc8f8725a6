//! One request to the server, and its answer in the console's words.

use std::sync::Arc;

use super::{export, look};
use crate::api::Looked;
use crate::client::{Client, ClientError, Result as ClientResult};
use crate::console::ask::{Told, Trouble, What};
use crate::domain::command::{AlertStep, AlertVerb, Command, ItemStep, ItemVerb};
use crate::domain::deed::Deed;
use crate::domain::ids::Seq;
use crate::domain::reply::Reply;

/// Asks, and waits for the answer. Of what takes long, `progress` is told how far it has got.
pub(super) async fn carry(
    client: &Client,
    what: What,
    progress: impl FnMut(Looked) + Send,
) -> Result<Told, Trouble> {
    match what {
        What::Command(command) => {
            let reply = command_to(client, *command).await?;
            Ok(Told::Reply(Box::new(reply.map_err(|error| trouble(&error))?)))
        }
        What::Deeds(seqs) => deeds(client, &seqs).await.map(Told::Deeds).map_err(|error| trouble(&error)),
        What::Page(query) => {
            look::page(client, &query).await.map(Told::Page).map_err(|error| trouble(&error))
        }
        What::Histogram { filter, from, to, buckets } => {
            let histogram = client.histogram(&filter, from, to, buckets).await;
            histogram.map(Told::Histogram).map_err(|error| trouble(&error))
        }
        What::Chain(seq) => match look::chain(client, seq).await.map_err(|error| trouble(&error))? {
            Some(chain) => Ok(Told::Chain(Box::new(chain))),
            None => Err(Trouble {
                what: format!("deed #{seq} is of a type that this version does not know"),
                next: "upgrade this console".to_owned(),
            }),
        },
        What::Activity(pattern) => {
            let stats = client.stats(Some(&pattern)).await.map_err(|error| trouble(&error))?;
            Ok(Told::Activity(stats.fields))
        }
        What::Words => {
            let stats = client.stats(None).await.map_err(|error| trouble(&error))?;
            Ok(Told::Words(stats.words))
        }
        What::Plan(toml) => {
            let plan = client.plan_map(&toml, None, progress).await;
            plan.map(|plan| Told::Plan(Box::new(plan))).map_err(|error| trouble(&error))
        }
        What::Preview(item, answer) => {
            let preview = client.preview(item, &answer, &[]).await;
            preview.map(|preview| Told::Preview(Box::new(preview))).map_err(|error| trouble(&error))
        }
        What::Then(at) => {
            let then = client.as_of(&at).await.map_err(|error| trouble(&error))?;
            let view = then.board().await.map_err(|error| trouble(&error))?;
            match then.looks_at() {
                Some(as_of) => Ok(Told::Then(Box::new(view.board), as_of)),
                None => Err(not_ours("a question without a moment")),
            }
        }
        What::Export { filter, file } => {
            let deeds = export::export(client, filter, &file).await?;
            Ok(Told::Exported { file, deeds })
        }
        What::Switch(_) => Err(not_ours("switching workspaces")),
    }
}

/// An error of the outer kind says that the console has no business with such a command.
async fn command_to(client: &Client, command: Command) -> Result<ClientResult<Reply>, Trouble> {
    Ok(match command {
        Command::Item(step) => item(client, step).await,
        Command::Alert(step) => alert(client, &step).await,
        Command::ApplyMap(map) => {
            let (toml, reason) = (map.model.to_toml(), map.reason.as_deref());
            if map.planned {
                client.apply_planned_map(&toml, map.if_version, reason).await
            } else {
                client.apply_map(&toml, map.if_version, reason).await
            }
        }
        Command::MapReview(review) => client.map_reviewed(&review).await,
        Command::Override(step) => client.override_with(&step).await,
        Command::Review(step) => client.review(&step).await,
        Command::Raise(raise) => client.raise(&raise).await,
        Command::Claim(_)
        | Command::Take(_)
        | Command::Handoff(_)
        | Command::FanOut(_)
        | Command::Lease(_)
        | Command::Publish(_)
        | Command::Conclude(_)
        | Command::Write(_)
        | Command::Act(_)
        | Command::ActEnd(_)
        | Command::Escalate(_)
        | Command::Work(_)
        | Command::Together(_)
        | Command::Token(_)
        | Command::Import(_)
        | Command::Tick => return Err(not_ours("this command")),
    })
}

async fn item(client: &Client, step: ItemStep) -> ClientResult<Reply> {
    match step.step {
        ItemVerb::Claim => client.claim(step.item).await,
        ItemVerb::Release => client.release(step.item).await,
        ItemVerb::Reassign { to } => client.reassign(step.item, &to).await,
        ItemVerb::Answer(answered) => client.answer(step.item, &answered).await,
        ItemVerb::Undo => client.undo(step.item).await,
    }
}

async fn alert(client: &Client, step: &AlertStep) -> ClientResult<Reply> {
    let note = step.note.as_deref();
    match step.step {
        AlertVerb::Acknowledge => client.alert_acknowledge(step.alert, note).await,
        AlertVerb::Resolve => client.alert_resolve(step.alert, note.unwrap_or_default()).await,
        AlertVerb::Escalate => client.alert_escalate(step.alert, note).await,
    }
}

/// Those of the deeds that are there and that this version knows.
async fn deeds(client: &Client, seqs: &[Seq]) -> ClientResult<Vec<Arc<Deed>>> {
    let mut found = Vec::with_capacity(seqs.len());
    for seq in seqs {
        match client.deed(*seq).await {
            Ok(raw) => found.extend(Deed::decode(raw.deed.get().as_bytes()).ok().map(Arc::new)),
            Err(ClientError::Problem(problem)) if problem.status == 404 => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// An error in the console's words. A command whose answer did not come may have been done; the deeds will tell.
pub(super) fn trouble(error: &ClientError) -> Trouble {
    match error {
        ClientError::Problem(problem) => {
            Trouble { what: problem.detail.clone(), next: problem.next.to_string() }
        }
        ClientError::Unreachable { why, .. } => Trouble {
            what: format!("no answer came ({why}), so it may or may not be done"),
            next: "the log shows which, once the link is back".to_owned(),
        },
        ClientError::Address { .. } | ClientError::Token { .. } | ClientError::Protocol { .. } => {
            Trouble { what: error.to_string(), next: "nothing was changed".to_owned() }
        }
    }
}

fn not_ours(what: &str) -> Trouble {
    Trouble { what: format!("the console does not send {what}"), next: "use the command line".to_owned() }
}
