//! `deeds inbox show`: one case as a person needs it to decide.

use super::due;
use crate::api::ItemView;
use crate::cli::output::{self, Output};
use crate::cli::status::Status;
use crate::cli::{deeds, then};
use crate::client::Client;
use crate::domain::ids::ItemNo;
use crate::domain::things::PastAnswers;

/// Prints one item.
pub(super) async fn run(out: Output, client: &Client, item: ItemNo) -> anyhow::Result<Status> {
    let view = client.item(item).await?;
    if out.json {
        output::json(&view)?;
    } else {
        let now = client.now().await?;
        then::tell(out, client)?;
        print(out, &view, &due(&view.item, now))?;
    }
    Ok(Status::Done)
}

fn print(out: Output, view: &ItemView, due: &str) -> anyhow::Result<()> {
    let item = &view.item;
    out.fact("item", &format!("#{} {}", item.no, item.case.word()))?;
    out.fact("case", &item.title)?;
    out.fact("from", &format!("{}, {}", item.raised_by, item.opened))?;
    out.fact("queue", &format!("{}, due {due} ({})", item.queue, item.due))?;
    if let Some(subject) = &item.subject {
        out.fact("subject", subject.as_str())?;
    }
    if let Some(person) = &item.claimed_by {
        out.fact("taken by", person.as_str())?;
    }
    let unforeseen = if item.unforeseen { " (a reason outside its `escalates_when`)" } else { "" };
    out.fact("why", &format!("{}{unforeseen}", item.why))?;
    out.fact("input", &item.input())?;
    for raw in &view.evidence {
        out.fact("before", deeds::line(raw).trim_start())?;
    }
    for other in &view.alike {
        out.fact("alike", &format!("#{} {}", other.no, other.title))?;
    }
    if let Some(past) = past(&view.past) {
        out.fact("past", &past)?;
    }
    if let Some(suggestion) = &item.suggestion {
        let words = format!("expand {} by `{}`: {}", suggestion.agent, suggestion.grant, suggestion.reason);
        out.fact("suggest", &words)?;
    }
    if let Some(closed) = &view.closed {
        let note = closed.answer.note().map(|note| format!(": {note}")).unwrap_or_default();
        out.fact("answered", &format!("{} by {}, {}{note}", closed.answer.word(), closed.by, closed.at))?;
    }
    out.fact("digest", &format!("{} of version {}", view.digest, item.version))
}

fn past(past: &PastAnswers) -> Option<String> {
    let counts = [(past.expand, "expand"), (past.handle, "handle"), (past.out_of_scope, "out of scope")];
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let last = past.last.as_ref().map(|last| format!("; last: {last}")).unwrap_or_default();
    (!counts.is_empty()).then(|| format!("{}{last}", counts.join(", ")))
}
