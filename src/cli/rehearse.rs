//! `deeds rehearse`: a team lives for weeks in seconds, under a clock that is simulated, and what became of it is told; or
//! a recorded history is played again under another map, and what would have been different is told.

mod live;
mod player;
mod story;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use live::Start;
use player::{Came, Play, Player};

use super::context::Context;
use super::output::{self, Output, visible};
use super::status::{Status, Usage};
use super::{map, session};
use crate::console::place::View;
use crate::demo::teams;
use crate::domain::map::{Model, parse};
use crate::rehearse::{Life, Rehearsal, Rehearsed, Stands, Week};

/// For how many days a team is rehearsed where nothing is said.
const DAYS: u32 = 60;

/// Which map, how long, and by which seed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds rehearse                              60 days of the map in force, or of the demo's team\n  deeds rehearse --map team.toml --days 90 --seed 7\n  deeds rehearse --map team.toml --begins '2026-03-01 09:00'     over a change of clocks\n  deeds rehearse --map team.toml --json | jq '.weeks[-1].agents'\n  deeds rehearse --story ledger.db --map new.toml     what would have been different\n  deeds rehearse --story deeds.jsonl                  the same history by the rules of now\n\nThe agents of the map write, publish, act, lock, hand over and ask within their zones, and meddle and ask now and then in the first two weeks; its people hold their reviews and answer what waits. With --story every command that a history recorded is decided again at its own time, under --map or its own maps, and what comes out otherwise is told by rule and agent. A story is a ledger (ledger.db), an export (`deeds log --export jsonl`), or a log of beads. On a terminal the console opens on it, with its own clock: `;` pauses, `.` goes a day on, `>` and `<` change the pace, `D` lists what comes out otherwise; --headless prints the report only. The workspace and the story stay as they are. With --map or --story it needs no server. Exit status 1 if the map can't be applied."
)]
pub(crate) struct Command {
    /// The map; the one in force if nothing is said, the demo's where that has no agents
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// A recorded history that is played again instead: a ledger, an export, or a log of beads
    #[arg(long, value_name = "FILE", conflicts_with_all = ["begins", "seed"])]
    story: Option<PathBuf>,
    /// How many days; 60 if nothing is said, and of a story all of it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3660))]
    days: Option<u32>,
    /// From when on, in the map's timezone
    #[arg(long, value_name = "TIME", default_value = "2026-01-05 09:00")]
    begins: String,
    /// Print the report only, also on a terminal
    #[arg(long)]
    headless: bool,
    /// What decides who does what: the same seed gives the same deeds
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// Rehearses.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    let out = context.out;
    let map = match &command.map {
        Some(file) => {
            let text = map::check::read(file)?;
            let parsed = parse(&text);
            if parsed.has_errors() {
                return map::check::report(out, file, &text, &parsed, &[]);
            }
            Some(Arc::new(parsed.model.ok_or_else(|| Usage::error("the map says nothing"))?))
        }
        None => None,
    };
    if let Some(file) = &command.story {
        return story::play(context, command, file, map);
    }
    let map = match map {
        Some(map) => map,
        None => match in_force(context)? {
            empty if empty.agents.is_empty() => demo(context.out)?,
            map => map,
        },
    };
    play(context, command, map)
}

/// The map of the demo's first team, for those who have no agents yet.
fn demo(out: Output) -> anyhow::Result<Arc<Model>> {
    let team = teams().into_iter().next().and_then(|team| parse(team.map_toml).model);
    let model = team.context("the demo has no team")?;
    if !out.json {
        out.faint(format!("the map in force has no agents: the demo's team {} plays", model.workspace))?;
    }
    Ok(Arc::new(model))
}

/// The map in force.
fn in_force(context: &Context) -> anyhow::Result<Arc<Model>> {
    let mut found = None;
    session::with_client(context, async |client| {
        found = Some(client.map(None).await?.model);
        Ok(Status::Done)
    })?;
    let model = found.ok_or_else(|| Usage::error("there is no map in force"))?;
    Ok(Arc::new(Model::clone(&model)))
}

/// Whether the console opens on it: on a terminal, where nobody asked for the report alone.
fn is_shown(out: Output, command: &Command) -> bool {
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    terminal && !out.json && !command.headless
}

fn play(context: &Context, command: &Command, model: Arc<Model>) -> anyhow::Result<Status> {
    let out = context.out;
    if model.agents.is_empty() {
        return Err(Usage::error(
            "the map has no agents yet, so nobody would do anything; name one with --map",
        ));
    }
    let rehearsal = Rehearsal::new(Arc::clone(&model), command.days.unwrap_or(DAYS), command.seed);
    let rehearsal = rehearsal.beginning(&command.begins).ok_or_else(|| {
        Usage::error(format!("--begins {}: this is no time; write it as 2026-02-02 09:00", command.begins))
    })?;
    if is_shown(out, command) {
        let begins = rehearsal.begins;
        let player = Box::new(|world| Player::new(Play::Life(Box::new(Life::new(rehearsal, world)))));
        return shown(context, Start { model, begins, view: View::Agents, player });
    }
    let mut last = BTreeMap::new();
    let mut told = Ok(());
    let came = rehearsal.play(|week| {
        if !out.json && told.is_ok() {
            told = tell_week(out, week, &last);
            last.clone_from(&week.agents);
        }
    });
    told?;
    out.show(&came, || tell(out, &came))?;
    Ok(Status::Done)
}

/// The console on it, and what became of it when that was closed.
fn shown(context: &Context, start: Start<'_>) -> anyhow::Result<Status> {
    let out = context.out;
    let (status, player) = live::run(context, start)?;
    match player.finish() {
        Came::Life(came) => tell(out, &came)?,
        Came::Story(came) => story::tell(out, &came)?,
    }
    Ok(status)
}

type Gates = BTreeMap<String, BTreeMap<&'static str, Stands>>;

/// A week, with the gates that stand otherwise than the week before.
fn tell_week(out: Output, week: &Week, before: &Gates) -> anyhow::Result<()> {
    output::line(format!(
        "week {}, until {}: {} deeds, stage {}",
        week.week, week.ends, week.deeds, week.stage
    ))?;
    for (agent, gates) in &week.agents {
        let was = before.get(agent);
        for (gate, stands) in gates {
            let was = was.and_then(|gates| gates.get(gate)).map_or("too little", |stands| stands.state);
            if was != stands.state {
                let (agent, words) = (visible(agent), visible(&stands.words));
                out.faint(format!("  {agent} {gate}: {was} → {}, {words}", stands.state))?;
            }
        }
    }
    Ok(())
}

fn tell(out: Output, came: &Rehearsed) -> anyhow::Result<()> {
    output::line("")?;
    let reviews = came.reviews.iter();
    let reviews: Vec<String> =
        reviews.map(|(queue, (held, missed))| format!("{queue} held {held}, missed {missed}")).collect();
    out.facts([
        ("from", Some(came.begins.clone())),
        ("to", Some(came.ends.clone())),
        ("not done", listed(&came.codes)),
        ("events", listed(&came.events)),
        ("alerts", listed(&came.alerts)),
        ("reviews", (!reviews.is_empty()).then(|| reviews.join("; "))),
        ("open items", Some(came.open.to_string())),
        ("deeds", Some(format!("{}, seed {}, chain {}", came.deeds, came.seed, came.chain))),
    ])
}

fn listed<K: Display>(counts: &BTreeMap<K, u64>) -> Option<String> {
    let all: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    (!all.is_empty()).then(|| all.join(", "))
}
