//! `deeds report`: what a team did in some days, as Markdown for whoever was not there: decisions and how long they took, what
//! was not done as asked, contested fields, changes of the map, conflicts, readiness.

mod markdown;

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::status::Status;
use super::{deeds, output, session};
use crate::api::PAGE_LIMIT;
use crate::client::{Client, Direction, LedgerQuery};
use crate::domain::code::Code;
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::ItemNo;
use crate::domain::outcome::Outcome;
use crate::domain::readiness::{GateState, Team};
use crate::domain::time::{Span, Time};

/// How long before its days an answered case may have been opened for the time to its answer to be known.
const OPENED_BEFORE: Span = Span::from_days(28);
const WEEK: u16 = 7;
/// The most days of one report.
const DAYS_MOST: i64 = 92;

/// Of which days.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds report --week > week.md       the last seven days as Markdown\n  deeds report --days 30 --json       a month, for programs\n\nWhole days in UTC, up to today."
)]
pub(crate) struct Command {
    /// The last seven days; so without it, too
    #[arg(long, conflicts_with = "days")]
    week: bool,
    /// So many days instead
    #[arg(long, value_name = "DAYS", default_value_t = WEEK, value_parser = clap::value_parser!(u16).range(1..=DAYS_MOST))]
    days: u16,
}

/// What happened in the days.
#[derive(Debug, Serialize)]
struct Report {
    workspace: String,
    from: Time,
    to: Time,
    /// For each day, oldest first, when it begins and its deeds by outcome.
    days: Vec<Day>,
    /// Answers by their word, and by person.
    answers: BTreeMap<String, u64>,
    people: BTreeMap<String, u64>,
    /// How long each answered case had waited, shortest first, in microseconds; of those whose beginning is known.
    waited: Vec<i64>,
    /// Cases that were handed on, left with a reason, or whose answer was undone.
    handed_on: u64,
    left: u64,
    undone: u64,
    /// What was not done as asked, by outcome and code, and by who asked.
    undone_by_code: BTreeMap<String, u64>,
    undone_by_actor: BTreeMap<String, u64>,
    /// The fields about which something was not done as asked: how often, and by whom.
    contested: BTreeMap<String, BTreeMap<String, u64>>,
    /// Conflicts by kind: opened, and how many were resolved.
    conflicts: BTreeMap<String, u64>,
    resolved: u64,
    maps: Vec<MapChange>,
    readiness: Readiness,
}

#[derive(Debug, Serialize)]
struct Day {
    begins: Time,
    outcomes: BTreeMap<Outcome, u64>,
}

#[derive(Debug, Serialize)]
struct MapChange {
    version: u64,
    at: Time,
    by: String,
    reason: Option<String>,
    changes: Vec<String>,
}

/// How far the team is: its stage, the gates of agents that don't hold, what the next agent waits for.
#[derive(Debug, Serialize)]
struct Readiness {
    stage: String,
    open: Vec<String>,
    missing: Vec<String>,
}

/// Runs it.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    let out = context.out;
    session::with_client(context, async |client| {
        deeds::index_caught_up(client).await?;
        let report = gather(client, i64::from(command.days)).await?;
        if out.json {
            output::json(&report)?;
        } else {
            output::line(markdown::written(&report).trim_end())?;
        }
        Ok(Status::Done)
    })
}

async fn gather(client: &Client, days: i64) -> anyhow::Result<Report> {
    let day = Span::from_days(1).micros();
    let midnight = Time::from_micros(client.now().await?.micros().div_euclid(day) * day);
    let (from, to) = (midnight.minus(Span::from_days(days - 1)), midnight.plus(Span::from_days(1)));
    let buckets = usize::try_from(days).unwrap_or(1);
    let histogram = client.histogram("", from, to, buckets).await?;
    let mut report = Report {
        workspace: client.whoami().await?.workspace.to_string(),
        from,
        to,
        days: histogram
            .buckets
            .into_iter()
            .map(|bucket| Day { begins: bucket.start, outcomes: bucket.outcomes })
            .collect(),
        answers: BTreeMap::new(),
        people: BTreeMap::new(),
        waited: Vec::new(),
        handed_on: 0,
        left: 0,
        undone: 0,
        undone_by_code: BTreeMap::new(),
        undone_by_actor: BTreeMap::new(),
        contested: BTreeMap::new(),
        conflicts: BTreeMap::new(),
        resolved: 0,
        maps: Vec::new(),
        readiness: readiness(&client.readiness(None).await?),
    };
    let mut opened = BTreeMap::new();
    let before = from.minus(OPENED_BEFORE);
    each(client, &format!("type:item.opened since:{before} until:{to}"), |deed| {
        opened.extend(deed.refs.item.map(|item| (item, deed.time)));
    })
    .await?;
    let refusals = Outcome::ALL.into_iter().filter(|outcome| not_as_asked(*outcome));
    let refusals: Vec<&str> = refusals.map(Outcome::as_str).collect();
    for filter in ["type:item.*,alert.*,map.applied".to_owned(), format!("outcome:{}", refusals.join(","))] {
        each(client, &format!("{filter} since:{from} until:{to}"), |deed| report.count(deed, &opened))
            .await?;
    }
    report.waited.sort_unstable();
    Ok(report)
}

/// Hands on every deed that a filter means, oldest first.
async fn each(client: &Client, filter: &str, mut take: impl FnMut(&Deed)) -> anyhow::Result<()> {
    let mut direction = Direction::Oldest;
    loop {
        let filter = filter.to_owned();
        let query = LedgerQuery { filter, direction, limit: PAGE_LIMIT, ..LedgerQuery::default() };
        let page = client.ledger(&query).await?;
        for raw in &page.deeds {
            // What a later version recorded is not counted.
            if let Ok(deed) = Deed::decode(raw.deed.get().as_bytes()) {
                take(&deed);
            }
        }
        match page.deeds.last() {
            Some(last) if page.more => direction = Direction::After(last.seq),
            Some(_) | None => return Ok(()),
        }
    }
}

/// Whether something else came of it than what was asked.
fn not_as_asked(outcome: Outcome) -> bool {
    outcome.is_refusal() || matches!(outcome, Outcome::Proposed | Outcome::Escalated | Outcome::Deferred)
}

impl Report {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are counted by their outcome")]
    fn count(&mut self, deed: &Deed, opened: &BTreeMap<ItemNo, Time>) {
        if not_as_asked(deed.outcome) {
            return self.count_undone(deed);
        }
        match &deed.body {
            Body::ItemAnswered(closed) => {
                *self.answers.entry(closed.answer.word().to_owned()).or_insert(0) += 1;
                *self.people.entry(deed.actor.to_string()).or_insert(0) += 1;
                let opened = deed.refs.item.and_then(|item| opened.get(&item));
                self.waited.extend(opened.map(|opened| deed.time.since(*opened).micros()));
            }
            Body::ItemReassigned(_) => self.handed_on += 1,
            Body::ItemLeft(()) => self.left += 1,
            Body::ItemUndone(()) => self.undone += 1,
            Body::AlertOpened(alert) | Body::AlertReopened(alert) => {
                *self.conflicts.entry(alert.kind.as_str().to_owned()).or_insert(0) += 1;
            }
            Body::AlertResolved(()) => self.resolved += 1,
            Body::MapApplied(map) => self.maps.push(MapChange {
                version: map.version.0,
                at: deed.time,
                by: deed.actor.to_string(),
                reason: deed.reason.as_deref().map(str::to_owned),
                changes: map.changes.clone(),
            }),
            _ => {}
        }
    }

    fn count_undone(&mut self, deed: &Deed) {
        let outcome = deed.outcome.as_str();
        let code = deed.code.map(Code::as_str).filter(|code| *code != outcome);
        let why = code.map_or_else(|| outcome.to_owned(), |code| format!("{outcome}: {code}"));
        *self.undone_by_code.entry(why).or_insert(0) += 1;
        let actor = deed.actor.to_string();
        *self.undone_by_actor.entry(actor.clone()).or_insert(0) += 1;
        for field in &deed.fields {
            let Some(entity) = field.entity.as_ref().or(deed.subject.as_ref()) else { continue };
            let path =
                if field.name.is_whole() { entity.to_string() } else { format!("{entity}#{}", field.name) };
            *self.contested.entry(path).or_default().entry(actor.clone()).or_insert(0) += 1;
        }
    }
}

fn readiness(team: &Team) -> Readiness {
    let open = team.agents.iter().filter_map(|agent| {
        let gates = agent.gates.iter().filter(|gate| gate.state != GateState::Holds);
        let gates: Vec<String> = gates.map(|gate| format!("{} ({})", gate.kind, gate.words)).collect();
        (!gates.is_empty()).then(|| format!("{}: {}", agent.agent, gates.join(", ")))
    });
    Readiness {
        stage: format!("{} ({})", team.stage.number(), team.stage.row().name),
        open: open.collect(),
        missing: team.next.iter().map(|missing| missing.words.clone()).collect(),
    }
}
