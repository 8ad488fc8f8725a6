//! What a case is about, by its kind: the input as received, both sides of a conflict, a publication with what was
//! published over it, an event, and the history of work and tasks that got stuck.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use ratatui::text::{Line, Span};

use super::called;
use super::case::TEXT_LINES;
use crate::console::widgets::Look;
use crate::console::widgets::facts::Facts;
use crate::console::words;
use crate::console::world::World;
use crate::domain::command::{Act, Publish, Raise, Write};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{AgentId, AlertNo, Seq, Version};
use crate::domain::path::FieldPath;
use crate::domain::rule::reviewer;
use crate::domain::state::Board;
use crate::domain::things::{AlertSide, Case, Item, Task, Work};

/// Lines of the input shown at least; all of it is one key away.
pub(super) const INPUT_LINES: usize = 10;
/// Lines of one returned feedback or one attempt.
const HISTORY_LINES: usize = 3;

/// Tells what a case is about.
pub(super) fn told<'a>(
    facts: &mut Facts<'_>,
    world: &World,
    (board, item): (&Board, &Item),
    deed: &dyn Fn(Seq) -> Option<&'a Arc<Deed>>,
) {
    let (look, wide) = (facts.look, facts.wide());
    if let Some(call) = item.case.call() {
        called::told(facts, board.map.model(), call);
    }
    match &item.case {
        Case::Conflict { alert } => {
            let sides = board.alerts.get(alert).map(|alert| sides(look, wide, world, &alert.sides));
            facts.lined("SIDES", sides.unwrap_or_default());
        }
        Case::MapOverdue { .. } | Case::UnmappedCall { .. } => {}
        Case::UnownedField { .. }
        | Case::HeldField { .. }
        | Case::UnownedTarget { .. }
        | Case::UnknownOutcome { .. }
        | Case::Escalation { .. } => {
            facts.lined("INPUT", input(look, (wide, facts.most), item));
        }
        Case::ZoneOffer { pattern, from, to, .. } => {
            let goes = format!("{pattern}: {from} {} {to}", look.glyphs.arrow);
            let mut lines = look.wrap(&goes, wide, facts.most, look.theme.base);
            let confirms = reviewer::accountable(&board.map, item);
            let words = confirms.map(|person| format!("{person} is accountable for {from} and confirms it"));
            lines.extend(look.wrap(&words.unwrap_or_default(), wide, 2, look.theme.muted));
            facts.lined("OFFER", lines);
        }
        Case::UnownedEvent { raise } => event(facts, look, raise),
        Case::TriggerCollision { alert, raise } | Case::Loop { alert, raise } => {
            event(facts, look, raise);
            between(facts, look, board, *alert);
        }
        Case::Approval { publish, over, alert } => {
            published_over(facts, look, world, over, deed);
            publication(facts, look, board, publish);
            held(facts, look, *alert);
        }
        Case::ActApproval { act, over, alert } => {
            published_over(facts, look, world, over, deed);
            outside(facts, look, board, act);
            held(facts, look, *alert);
        }
        Case::UnownedOutput { publish } => publication(facts, look, board, publish),
        Case::GivenUp { work } => given_up(facts, look, world, work),
        Case::Stuck { task, .. } => stuck(facts, look, world, task),
    }
}

/// The input as received: a write as its changes, anything else as its text.
fn input(look: Look<'_>, (wide, most): (usize, usize), item: &Item) -> Vec<Line<'static>> {
    let theme = look.theme;
    let text = |text: &str| look.wrap(text, wide, most, theme.base);
    match &item.case {
        Case::UnownedField { write, .. } | Case::HeldField { write, .. } => {
            changes(look, (wide, most), write)
        }
        Case::UnknownOutcome { write: Some(write), .. } => changes(look, (wide, most), write),
        Case::UnownedTarget { act } => {
            let mut lines = text(&format!("{} {} {}", act.action, look.glyphs.arrow, act.target));
            if let Some(reason) = &act.reason {
                lines.extend(look.wrap(reason, wide, 2, theme.muted));
            }
            lines
        }
        Case::Escalation { input } => text(&words::value(input)),
        Case::ZoneOffer { .. }
        | Case::UnownedOutput { .. }
        | Case::UnownedEvent { .. }
        | Case::TriggerCollision { .. }
        | Case::Loop { .. }
        | Case::Approval { .. }
        | Case::ActApproval { .. }
        | Case::UnmappedCall { .. }
        | Case::UnknownOutcome { write: None, .. }
        | Case::GivenUp { .. }
        | Case::Stuck { .. }
        | Case::Conflict { .. }
        | Case::MapOverdue { .. } => Vec::new(),
    }
}

/// What a write changes, field by field.
fn changes(look: Look<'_>, (wide, most): (usize, usize), write: &Write) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (name, value) in write.changes.iter().take(most) {
        let name = if name.is_whole() { String::new() } else { format!("#{name}") };
        let text = format!("{}{name} {} {}", write.entity, look.glyphs.arrow, words::value(value));
        lines.extend(look.wrap(&text, wide, most, look.theme.base));
    }
    if let Some(reason) = &write.reason {
        lines.extend(look.wrap(reason, wide, 2, look.theme.muted));
    }
    lines
}

/// Each side of a conflict: when, who, what it made of which field, and why.
fn sides(look: Look<'_>, wide: usize, world: &World, sides: &[AlertSide]) -> Vec<Line<'static>> {
    let theme = look.theme;
    let mut lines = Vec::new();
    for side in sides.iter().take(TEXT_LINES) {
        let mut text =
            format!("{} {}", words::clock_or_day(world.zone, side.at, world.now), look.who(&side.actor));
        if let Some(path) = &side.path {
            _ = write!(text, " {path}");
        }
        if let Some(value) = &side.value {
            _ = write!(text, " {} {}", look.glyphs.arrow, words::value(value));
        }
        lines.extend(look.wrap(&text, wide, TEXT_LINES, theme.base));
        let why = side.why.as_deref().unwrap_or_default();
        let more = if why.is_empty() { side.outcome.to_string() } else { format!("{}: {why}", side.outcome) };
        lines.extend(look.wrap(&format!("      {more}"), wide, 2, theme.muted));
    }
    lines
}

/// An event as it came: its name, and what routes are chosen by.
fn event(facts: &mut Facts<'_>, look: Look<'_>, raise: &Raise) {
    facts.styled("EVENT", &raise.event, look.theme.accent);
    for (name, value) in raise.attributes.iter().take(facts.most) {
        facts.long("", &format!("{name}: {}", words::value(value)), 2, look.theme.base);
    }
    if raise.attributes.is_empty() {
        facts.styled("", "no attributes came with it", look.theme.muted);
    }
}

/// Who would answer the same event.
fn between(facts: &mut Facts<'_>, look: Look<'_>, board: &Board, alert: AlertNo) {
    let Some(alert) = board.alerts.get(&alert) else { return };
    let who: Vec<&str> = alert.who.iter().filter_map(|actor| actor.agent()).map(AgentId::as_str).collect();
    if !who.is_empty() {
        facts.styled("BETWEEN", &who.join(&format!(" {} ", look.glyphs.swap)), look.theme.danger);
    }
}

/// What others published on the thread since: a reviewer sees that first.
fn published_over<'a>(
    facts: &mut Facts<'_>,
    look: Look<'_>,
    world: &World,
    over: &[Seq],
    deed: &dyn Fn(Seq) -> Option<&'a Arc<Deed>>,
) {
    let theme = look.theme;
    for (at, seq) in over.iter().enumerate() {
        let label = if at == 0 { "OVER" } else { "" };
        let Some(deed) = deed(*seq) else {
            facts.styled(label, &format!("deed #{seq}, being fetched"), theme.muted);
            continue;
        };
        let when = words::clock(world.zone, deed.recorded, world.now);
        let head = format!(
            "{} {when} {} spoke on this thread already:",
            look.glyphs.attention,
            look.who(&deed.actor)
        );
        facts.styled(label, &head, theme.warning);
        if let Body::OutputPublished(what) = &deed.body {
            facts.long("", &words::value(&what.body), HISTORY_LINES, theme.base);
        }
        if let Body::ActAllowed(order) = &deed.body {
            let words = format!("{} {} {}", deed.action, look.glyphs.arrow, order.target);
            facts.long("", &words, HISTORY_LINES, theme.base);
        }
    }
    if !over.is_empty() {
        facts.gap();
    }
}

fn held(facts: &mut Facts<'_>, look: Look<'_>, alert: Option<AlertNo>) {
    if let Some(alert) = alert {
        let words = format!("output collision, alert #{alert}: another agent speaks on this thread");
        facts.styled("HELD", &words, look.theme.warning);
    }
}

fn publication(facts: &mut Facts<'_>, look: Look<'_>, board: &Board, publish: &Publish) {
    destination(facts, look, board, (&publish.output, publish.thread.as_deref()));
    facts.long("BODY", &words::value(&publish.body), facts.most, look.theme.base);
    facts.maybe("REASON", publish.reason.as_deref());
    based_on(facts, look, &publish.depends_on);
}

/// What an agent wants to do itself: Deeds knows the word for it, not what is said.
fn outside(facts: &mut Facts<'_>, look: Look<'_>, board: &Board, act: &Act) {
    destination(facts, look, board, (&act.target, act.thread.as_deref()));
    facts.long("ACT", &act.action, facts.most, look.theme.base);
    facts.maybe("REASON", act.reason.as_deref());
    based_on(facts, look, &act.depends_on);
}

fn destination(facts: &mut Facts<'_>, look: Look<'_>, board: &Board, (name, thread): (&str, Option<&str>)) {
    let theme = look.theme;
    let output = board.map.model().outputs.iter().find(|output| output.name == name);
    let rule =
        if output.is_some_and(|output| output.needs_approval) { "  a person approves here" } else { "" };
    let mut line = look.spans(name, facts.wide(), theme.accent);
    line.push(Span::styled(rule, theme.muted));
    facts.lined("OUTPUT", vec![Line::from(line)]);
    facts.maybe("THREAD", thread);
}

fn based_on(facts: &mut Facts<'_>, look: Look<'_>, reads: &BTreeMap<FieldPath, Version>) {
    let theme = look.theme;
    let based: Vec<String> = reads.iter().map(|(path, version)| format!("{path} v{version}")).collect();
    let words = if based.is_empty() { "nothing that it names".to_owned() } else { based.join(", ") };
    facts.styled("BASED ON", &words, if based.is_empty() { theme.muted } else { theme.base });
}

/// Work that is out of attempts: what it was, and how each attempt ended.
fn given_up(facts: &mut Facts<'_>, look: Look<'_>, world: &World, work: &Work) {
    let theme = look.theme;
    facts.say("WORK", &format!("#{} {}: {}", work.no, work.kind.word(), work.title));
    facts.say("FOR", &format!("{}, tried {} of {}", work.agent, work.attempts, work.max_attempts));
    for (at, tried) in work.history.iter().enumerate() {
        let label = if at == 0 { "TRIES" } else { "" };
        let when = words::clock(world.zone, tried.at, world.now);
        facts.styled(label, &format!("{} {when} {}", tried.attempt, tried.how), theme.subtle);
        if let Some(note) = &tried.note {
            facts.long("", note, HISTORY_LINES, theme.base);
        }
    }
}

/// A task that does not get on: who gave it to whom, and every feedback.
fn stuck(facts: &mut Facts<'_>, look: Look<'_>, world: &World, task: &Task) {
    let theme = look.theme;
    facts.say("TASK", &format!("{}, attempt {}", task.id, task.tries(" of ")));
    facts.say("BETWEEN", &format!("{} {} {}", task.order.from, look.glyphs.arrow, task.order.to));
    if let Some(product) = &task.order.work_product.result {
        facts.long("PRODUCT", &words::value(product), HISTORY_LINES, theme.base);
    }
    facts.long("CONTEXT", &words::value(&task.order.context), HISTORY_LINES, theme.base);
    for (at, back) in task.history.iter().enumerate() {
        let label = if at == 0 { "RETURNED" } else { "" };
        let when = words::clock(world.zone, back.at, world.now);
        facts.styled(label, &format!("{} {when} {}", back.attempt, back.by), theme.subtle);
        facts.long("", &back.text, HISTORY_LINES, theme.base);
    }
    if task.history.is_empty() {
        facts.styled("RETURNED", "never", theme.muted);
    }
}
