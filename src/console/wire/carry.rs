//! One request to the server, and its answer in the console's words.

use std::sync::Arc;

use super::{export, pages};
use crate::api::Looked;
use crate::client::{Client, ClientError, Result as ClientResult};
use crate::console::ask::{Told, Trouble, Waiting, What};
use crate::domain::deed::Deed;
use crate::domain::ids::Seq;

/// Asks, and waits for the answer. Of what takes long, `progress` is told how far it has got.
pub(super) async fn carry(
    client: &Client,
    what: What,
    progress: impl FnMut(Looked) + Send,
) -> Result<Told, Trouble> {
    match what {
        What::Command(command) => {
            let reply = client.ask(&command).await.map_err(|error| trouble(&error))?;
            Ok(Told::Reply(Box::new(reply)))
        }
        What::Deeds(seqs) => deeds(client, &seqs).await.map(Told::Deeds).map_err(|error| trouble(&error)),
        What::Page(query) => {
            pages::page(client, &query).await.map(Told::Page).map_err(|error| trouble(&error))
        }
        What::Histogram { filter, from, to, buckets } => {
            let histogram = client.histogram(&filter, from, to, buckets).await;
            histogram.map(Told::Histogram).map_err(|error| trouble(&error))
        }
        What::Chain(seq) => match pages::chain(client, seq).await.map_err(|error| trouble(&error))? {
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
        What::Entity(entity, at) => {
            let view = async { then(client, at).await?.read(&entity).await };
            view.await.map(|view| Told::Entity(Box::new(view))).map_err(|error| unread(&error))
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
            preview.map(|preview| Told::Preview(Box::new(preview))).map_err(|error| unread(&error))
        }
        What::Then(at) => {
            let then = client.as_of(&at).await.map_err(|error| trouble(&error))?;
            let view = then.board().await.map_err(|error| trouble(&error))?;
            let as_of = then.looks_at().ok_or_else(|| not_ours("a question without a moment"))?;
            Ok(Told::Then(view.board, as_of))
        }
        What::Whole(thing, at) => {
            let whole = async { then(client, at).await?.whole(&thing).await };
            whole.await.map(Told::Whole).map_err(|error| unread(&error))
        }
        What::Agents(at) => {
            let agents = async { then(client, at).await?.agents().await };
            agents.await.map(|found| Told::Agents(Box::new(found))).map_err(|error| unread(&error))
        }
        What::Export { filter, file } => {
            let deeds = export::export(client, filter, &file).await?;
            Ok(Told::Exported { file, deeds })
        }
        What::Save { file, text } => {
            export::save(&file, &text).await?;
            Ok(Told::Saved(file))
        }
        What::Waiting(_) => waiting(client).await.map(Told::Waiting).map_err(|error| trouble(&error)),
        What::Switch(_) | What::Notify(_) | What::Keep(_) | What::Move(_) => {
            Err(not_ours("what is no server's to do"))
        }
    }
}

/// How much waits where that client leads.
async fn waiting(client: &Client) -> ClientResult<Waiting> {
    let start = client.board().await?;
    Ok(Waiting::of(&start.board, client.now().await?))
}

/// A client of that moment; of the present where none is named.
async fn then(client: &Client, at: Option<Seq>) -> ClientResult<Client> {
    match at {
        Some(seq) => client.as_of(&seq.to_string()).await,
        None => Ok(client.clone()),
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
        ClientError::TooLong { .. } => Trouble {
            what: format!("{error}; it may or may not be done"),
            next: "the log shows which".to_owned(),
        },
        ClientError::Address { .. }
        | ClientError::Token { .. }
        | ClientError::Signing { .. }
        | ClientError::Forked { .. }
        | ClientError::Protocol { .. } => {
            Trouble { what: error.to_string(), next: "nothing was changed".to_owned() }
        }
    }
}

/// The same of a question that changes nothing.
fn unread(error: &ClientError) -> Trouble {
    if let ClientError::Unreachable { why, .. } = error {
        return Trouble { what: format!("no answer came ({why})"), next: "ask again".to_owned() };
    }
    trouble(error)
}

fn not_ours(what: &str) -> Trouble {
    Trouble { what: format!("the console does not send {what}"), next: "use the command line".to_owned() }
}
