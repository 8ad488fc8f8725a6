//! `deeds inbox show`: one case as a person needs it to decide.

use std::sync::Arc;

use super::due;
use crate::api::ItemView;
use crate::cli::output::{self, Output};
use crate::cli::status::Status;
use crate::cli::{deeds, list, then};
use crate::client::Client;
use crate::domain::ids::ItemNo;
use crate::domain::things::{AlertSide, Item, PastAnswers};

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
    let unforeseen = if item.unforeseen { " (a reason outside its `escalates_when`)" } else { "" };
    out.facts([
        ("item", Some(format!("#{} {}", item.no, item.case.word()))),
        ("case", Some(item.title.to_string())),
        ("from", Some(format!("{}, {}", list::who(&item.raised_by), item.opened))),
        ("queue", Some(format!("{}, due {due} ({})", item.queue, item.due))),
        ("subject", item.subject.as_ref().map(ToString::to_string)),
        ("taken by", item.claimed_by.as_ref().map(ToString::to_string)),
        ("why", Some(format!("{}{unforeseen}", item.why))),
        ("input", Some(item.input())),
        ("confirms", view.confirms.as_ref().map(ToString::to_string)),
    ])?;
    for side in view.alert.iter().flat_map(|alert| &alert.sides) {
        out.fact("side", &self::side(side))?;
    }
    for raw in &view.evidence {
        out.fact("before", deeds::line(raw).trim_start())?;
    }
    if item.joined > 0 {
        let times: Vec<String> = item.again.iter().map(ToString::to_string).collect();
        let times = times.join(", ");
        out.fact("again", &format!("met {} times, after the first {times}", item.joined + 1))?;
    }
    let also = |other: &&Arc<Item>| !view.alike.iter().any(|alike| alike.no == other.no);
    for other in view.about.iter().filter(also) {
        out.fact("about it", &format!("#{} {}: {}", other.no, other.case.word(), other.title))?;
    }
    for other in &view.alike {
        out.fact("alike", &format!("#{} {}", other.no, other.title))?;
    }
    for (what, more) in [("about it", view.more_about), ("alike", view.more_alike)] {
        if more > 0 {
            out.fact(what, &format!("and {more} more; `deeds inbox list` has all"))?;
        }
    }
    let suggestion = item.suggestion.as_ref().map(|suggestion| {
        format!("expand {} by `{}`: {}", suggestion.agent, suggestion.grant, suggestion.reason)
    });
    let answered = view.closed.as_ref().map(|closed| {
        let note = closed.answer.note().map(|note| format!(": {note}")).unwrap_or_default();
        format!("{} by {}, {}{note}", closed.answer.word(), list::who(&closed.by), closed.at)
    });
    out.facts([
        ("past", past(&view.past)),
        ("suggest", suggestion),
        ("answered", answered),
        ("digest", Some(format!("{} of version {}", view.digest, item.version))),
    ])
}

/// Who wanted what there, and what became of it: `support crm/account/acme#health = bad: stopped, stale`.
fn side(side: &AlertSide) -> String {
    let path = side.path.as_ref().map(|path| format!(" {path}")).unwrap_or_default();
    let value = side.value.as_ref().map(|value| format!(" = {}", value.plain())).unwrap_or_default();
    format!("{}{path}{value}: {}, {}", side.actor.name(), side.outcome, side.at)
}

fn past(past: &PastAnswers) -> Option<String> {
    let counts = past.counts().into_iter().filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(answer, count)| format!("{count} {}", answer.word())).collect();
    let last = past.last.as_ref().map(|last| format!("; last: {last}")).unwrap_or_default();
    (!counts.is_empty()).then(|| format!("{}{last}", counts.join(", ")))
}
