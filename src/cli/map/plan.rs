//! `deeds map plan`: the difference to the map in force, and what a map would have said to what has happened.

use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;

use super::check;
use crate::api::{Looked, MOST_DAYS, PlanView, Window};
use crate::cli::context::Context;
use crate::cli::output::{self, Output, bar, visible};
use crate::cli::status::Status;
use crate::cli::{reply, session};
use crate::domain::map;
use crate::domain::reply::Reply;
use crate::domain::survey::plan::{Counts, Example, Kind, Plan, PlanRow, Turn};

/// How many rows of the table are printed.
const SHOWN_ROWS: usize = 40;
/// How many agents are named.
const SHOWN_AGENTS: usize = 20;

/// Which map, and how far back.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds map plan team.toml                 against the last seven days\n  deeds map plan team.toml --days 90\n  deeds map plan team.toml --json | jq '.rows[] | select(.turn == \"stopped\")'\n  deeds map plan team.toml --apply --reason 'billing joins'\n\nNothing is changed without --apply, which is done in any case and then decides the exit status. Exit status 1 if anything would be refused, proposed, escalated or hidden that was not, or if the\nmap has errors. Versions, leases and who goes first are taken as they were."
)]
pub(crate) struct Arguments {
    /// The map file
    file: PathBuf,
    /// How many days back, by the time of recording; seven if nothing is said
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DAYS)))]
    days: Option<u32>,
    /// Then put it in force, if the map that it was planned against still is; recorded as planned
    #[arg(long)]
    apply: bool,
    /// Why it changes
    #[arg(long, requires = "apply")]
    reason: Option<String>,
}

/// Checks here, plans there, says what came of it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Status> {
    let out = context.out;
    let text = check::read(&arguments.file)?;
    let parsed = map::parse(&text);
    if parsed.has_errors() {
        return check::report(out, &arguments.file, &text, &parsed, &[]);
    }
    session::with_client(context, async |client| {
        let bar = Bar::default();
        let view = client.plan_map(&text, arguments.days, |looked| bar.tell(looked)).await;
        bar.end();
        let view = view?;
        out.show(&view, || tell(out, &view))?;
        if arguments.apply {
            let (made_for, reason) = (view.window.version, arguments.reason.as_deref());
            let reply = client.apply_map(&text, made_for, reason, true).await?;
            // For programs the plan is the answer; how applying ended is in the exit status, and said beside.
            return if out.json { Ok(beside(&reply)) } else { reply::tell(out, &reply) };
        }
        Ok(if view.plan.stops_anything() { Status::No } else { Status::Done })
    })
}

/// How applying ended, beside the plan.
fn beside(reply: &Reply) -> Status {
    output::complain(reply.message.as_deref().unwrap_or(reply.outcome.as_str()));
    if reply.is_done() { Status::Done } else { Status::No }
}

/// A bar that begins when it is known how much there is to look at.
#[derive(Default)]
pub(super) struct Bar(std::sync::OnceLock<ProgressBar>);

impl Bar {
    pub(super) fn tell(&self, looked: Looked) {
        let bar = self.0.get_or_init(|| bar(looked.of, "{pos} of {len} deeds"));
        bar.set_position(looked.looked);
    }

    pub(super) fn end(&self) {
        if let Some(bar) = self.0.get() {
            bar.finish_and_clear();
        }
    }
}

/// What was looked at, in words.
pub(super) fn looked_at(window: &Window, deeds: u64) -> String {
    let until = format!("up to deed {}, under map v{}", window.head, window.version);
    match (window.days, window.since) {
        (Some(days), Some(since)) => {
            let s = if days == 1 { "" } else { "s" };
            format!("{deeds} deeds of the last {days} day{s}, since {since}, {until}")
        }
        (Some(_) | None, _) => format!("{deeds} deeds, all there are {until}"),
    }
}

fn tell(out: Output, view: &PlanView) -> anyhow::Result<()> {
    let plan = &view.plan;
    if plan.changes.is_empty() {
        out.faint(format!("nothing changes against v{}", view.window.version))?;
    }
    for change in &plan.changes {
        output::line(visible(&change.to_string()))?;
    }
    output::line("")?;
    out.faint(looked_at(&view.window, plan.deeds))?;
    if plan.decisions == 0 {
        return output::line("no decision in them that a map has a say in: nothing to compare");
    }
    output::line(summary(plan))?;
    if plan.unknown > 0 {
        out.faint(format!("of {} the deed does not tell enough", plan.unknown))?;
    }
    by_agent(out, plan)?;
    rows(out, plan)
}

/// One sentence with what counts.
fn summary(plan: &Plan) -> String {
    let count = |counts: Counts| {
        let some = Turn::ALL.into_iter().filter(|turn| counts.of(*turn) > 0);
        some.map(|turn| format!("{} {}", counts.of(turn), turn.words())).collect::<Vec<_>>().join("; ")
    };
    let news = if plan.counts.all() == 0 {
        "none would turn out differently".to_owned()
    } else {
        count(plan.counts)
    };
    let already = match plan.already.all() {
        0 => String::new(),
        _ => format!(" (besides, as the map in force already says: {})", count(plan.already)),
    };
    format!("of {} decisions: {news}{already}", plan.decisions)
}

fn by_agent(out: Output, plan: &Plan) -> anyhow::Result<()> {
    if plan.agents.len() < 2 {
        return Ok(());
    }
    output::line("")?;
    let turns: Vec<Turn> = Turn::ALL.into_iter().filter(|turn| plan.counts.of(*turn) > 0).collect();
    let header: Vec<&str> = std::iter::once("AGENT").chain(turns.iter().map(|turn| heading(*turn))).collect();
    let rows: Vec<Vec<String>> = plan
        .agents
        .iter()
        .take(SHOWN_AGENTS)
        .map(|sums| {
            let name = sums.agent.as_ref().map_or("–", |agent| agent.as_str()).to_owned();
            let counts = turns.iter().map(|turn| match sums.counts.of(*turn) {
                0 => String::new(),
                times => times.to_string(),
            });
            std::iter::once(name).chain(counts).collect()
        })
        .collect();
    out.table(&header, &rows)?;
    more(out, plan.agents.len(), SHOWN_AGENTS, "agents")
}

fn heading(turn: Turn) -> &'static str {
    match turn {
        Turn::Stopped => "STOPPED",
        Turn::Freed => "ALLOWED",
        Turn::Elsewhere => "ELSEWHERE",
        Turn::Hidden => "HIDDEN",
        Turn::Marked => "MARKED",
    }
}

fn rows(out: Output, plan: &Plan) -> anyhow::Result<()> {
    if plan.rows.is_empty() {
        return Ok(());
    }
    output::line("")?;
    let header = ["TIMES", "AGENT", "ON", "WAS", "WOULD BE", "FOR EXAMPLE"];
    let cells: Vec<Vec<String>> = plan.rows.iter().take(SHOWN_ROWS).map(cells).collect();
    out.table(&header, &cells)?;
    more(out, plan.rows.len() + usize::try_from(plan.left_out).unwrap_or(0), SHOWN_ROWS, "rows")
}

fn cells(row: &PlanRow) -> Vec<String> {
    let what = if row.kind == Kind::Write {
        row.what.clone()
    } else {
        format!("{} {}", row.kind.as_str(), row.what)
    };
    let already = if row.already { " (already)" } else { "" };
    let example = |example: &Example| format!("{} {}", example.seq, example.path);
    vec![
        row.times.to_string(),
        row.agent.as_ref().map_or("–", |agent| agent.as_str()).to_owned(),
        what,
        row.was.to_string(),
        format!("{}{already}", row.would),
        row.examples.first().map(example).unwrap_or_default(),
    ]
}

fn more(out: Output, all: usize, shown: usize, what: &str) -> anyhow::Result<()> {
    if all <= shown {
        return Ok(());
    }
    out.faint(format!("and {} more {what}; --json has them", all - shown))
}
