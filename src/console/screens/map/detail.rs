//! What is known of one row: who owns it since when, who reads it, what happened on it, what the map says besides.

use ratatui::text::Line;

use super::rows::{About, Cell, MapRow, Section, cell, kind_words};
use super::{Known, named};
use crate::api::{FieldActivity, Times};
use crate::console::widgets::facts::Facts;
use crate::console::widgets::{Look, styled, thousands};
use crate::console::world::World;
use crate::domain::ids::AgentId;
use crate::domain::map::{Agent, FieldKind, Model, without_access};
use crate::domain::path::{FieldPath, Pattern, overlap};
use crate::domain::state::Board;
use crate::domain::things::WorkKind;

/// Cells of the labels.
const LABEL: usize = 11;
/// The lines for a row in so many columns; beside the board is the agent that the cursor is on.
pub(super) fn lines(
    look: Look<'_>,
    room: usize,
    world: &World,
    (board, agent): (&Board, Option<&Agent>),
    row: &MapRow,
    known: &Known,
) -> Vec<Line<'static>> {
    let theme = look.theme;
    let mut facts = Facts::new(look, room, LABEL);
    let title = match &row.about {
        About::Entity(pattern) | About::Field(pattern) => pattern.as_str(),
        About::Section(_)
        | About::Folder
        | About::Trigger(_)
        | About::Output(_)
        | About::Queue(_)
        | About::Tool(_) => &row.label,
    };
    facts.title(title);
    facts.gap();
    match &row.about {
        About::Section(section) => about_section(&mut facts, *section),
        About::Folder => facts.styled("", "a part of a path that several resources share", theme.muted),
        About::Entity(pattern) | About::Field(pattern) => {
            about_pattern(&mut facts, world, board, row, pattern, known);
        }
        About::Trigger(name) => named::trigger(&mut facts, world, board, row, name),
        About::Output(name) => named::output(&mut facts, world, board, row, name),
        About::Queue(name) => named::queue(&mut facts, world, board, row, name.as_str()),
        About::Tool(at) => named::tool(&mut facts, board, row, *at),
    }
    if let (Some(agent), Some(pattern)) = (agent, row.pattern()) {
        facts.gap();
        about_agent(&mut facts, board, row, (agent, pattern));
    }
    facts.lines
}

/// What the agent under the cursor may do here, in a sentence.
fn about_agent(facts: &mut Facts<'_>, board: &Board, row: &MapRow, (agent, pattern): (&Agent, &Pattern)) {
    let others = names(&row.owners);
    let words = match (cell(agent, pattern), row.owners.is_empty()) {
        (Cell::Writes, _) => "writes it".to_owned(),
        (Cell::WritesPart, _) => "writes a part of it".to_owned(),
        (Cell::Reads, true) => {
            let queue = board.map.queue_of(&agent.id);
            format!("reads it; a write by it waits in queue {} for {}", queue.name, queue.owner)
        }
        (Cell::Reads, false) => format!("reads it; a write by it becomes a proposal to {others}"),
        (Cell::Has | Cell::Follows | Cell::Nothing, _) => "has no access to it".to_owned(),
    };
    let text = format!("{} {words}", agent.id);
    facts.styled("here", &text, facts.look.theme.subtle);
}

fn about_section(facts: &mut Facts<'_>, section: Section) {
    let words = match section {
        Section::Unowned => "What no agent owns: whatever is written there waits for a person.",
        Section::Resources => {
            "Who may write what: W writes, w writes a part of it, r reads, and a dot for no access."
        }
        Section::Triggers => {
            "Which event wakes which agent. T owns it, t comes after the owner. One that nobody owns, or that two answer, waits for a person."
        }
        Section::Outputs => {
            "Where agents publish. One publisher each, or several in turn; two voices on one thread within its window are held."
        }
        Section::Queues => "Where agents' undecided inputs go, and the people who answer there.",
        Section::Tools => {
            "What calls of tools behind a gateway mean: W and w where the agent owns what they write, r where it may look, P where it may do it, and a dot where a person or the owner decides."
        }
    };
    facts.styled("", words, facts.look.theme.subtle);
}

/// `1 act`, `2 acts`.
pub(super) fn several(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

pub(super) fn names(agents: &[AgentId]) -> String {
    agents.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Nobody owns it: what becomes of what comes.
pub(super) fn nobody(facts: &mut Facts<'_>, board: &Board, what: &str) {
    let (look, queue) = (facts.look, board.map.first_queue());
    facts.styled("owner", &format!("{} nobody", look.glyphs.attention), look.theme.warning);
    let words = format!("{what} waits in queue {} for {}", queue.name, queue.owner);
    facts.styled("", &words, look.theme.muted);
}

fn people(model: &Model, owners: &[AgentId]) -> String {
    let mut people: Vec<&str> =
        owners.iter().filter_map(|owner| Some(model.agent(owner)?.owner.as_str())).collect();
    people.dedup();
    people.join(", ")
}

pub(super) fn owners(facts: &mut Facts<'_>, board: &Board, row: &MapRow, known: &Known) {
    let (theme, model) = (facts.look.theme, board.map.model());
    let attention = facts.look.glyphs.attention;
    if row.owners.is_empty() {
        if row.opens {
            return;
        }
        nobody(facts, board, "a write to it");
        return;
    }
    let since = known.since.map(|(version, at_least)| {
        if version.0 == 0 {
            " (since the first map)".to_owned()
        } else if at_least {
            format!(" (since map v{version} or before)")
        } else {
            format!(" (since map v{version})")
        }
    });
    let owners = format!("{}{}", names(&row.owners), since.unwrap_or_default());
    facts.styled("owner", &owners, if row.contested { theme.danger } else { theme.accent });
    if row.contested {
        let words =
            format!("{attention} contested: two may write it, so one overwrites the other in silence");
        facts.styled("", &words, theme.danger);
    }
    facts.say("people", &people(model, &row.owners));
}

fn about_pattern(
    facts: &mut Facts<'_>,
    world: &World,
    board: &Board,
    row: &MapRow,
    pattern: &Pattern,
    known: &Known,
) {
    let model = board.map.model();
    owners(facts, board, row, known);
    readers(facts, model, pattern);
    if matches!(row.about, About::Field(_)) || !row.opens {
        facts.say("kind", &kind_words(model, pattern, facts.look.glyphs.arrow));
    }
    for agent in model.agents.iter().filter(|agent| row.owners.contains(&agent.id)) {
        let grants = agent.writes.iter().filter(|grant| overlap(grant, &[], pattern, &[]).may_be());
        let own = grants.flat_map(|grant| agent.own_exceptions(grant));
        let taken = agent.except.iter().chain(own);
        let taken = taken.filter(|except| overlap(except, &[], pattern, &[]).may_be());
        let taken: Vec<&str> = taken.map(Pattern::as_str).collect();
        if !taken.is_empty() {
            facts.say("except", &format!("{} not on {}", agent.id, taken.join(", ")));
        }
    }
    facts.gap();
    activity(facts, world, known);
    let waiting = board.works.values().filter(|work| match &work.kind {
        WorkKind::Proposal { write, .. } => write
            .changes
            .keys()
            .any(|name| pattern.matches_path(&FieldPath::new(write.entity.clone(), name.clone()))),
        WorkKind::Decision { .. }
        | WorkKind::Notice { .. }
        | WorkKind::Ruling { .. }
        | WorkKind::Dispatch { .. }
        | WorkKind::Handoff { .. }
        | WorkKind::Returned { .. }
        | WorkKind::Branch { .. }
        | WorkKind::Join { .. }
        | WorkKind::Changed { .. }
        | WorkKind::Free { .. } => false,
    });
    let waiting = waiting.count();
    if waiting > 0 {
        facts.say("waiting", &format!("{} for the owner to accept or decline", several(waiting, "proposal")));
    }
    rules(facts, board, pattern);
}

/// What the map says of it besides, and what is going wrong on it.
fn rules(facts: &mut Facts<'_>, board: &Board, pattern: &Pattern) {
    let model = board.map.model();
    for rule in &model.contradictions {
        let touches =
            rule.all.iter().any(|clause| overlap(&clause.template.to_pattern(), &[], pattern, &[]).may_be());
        if touches {
            let clauses: Vec<String> = rule.all.iter().map(ToString::to_string).collect();
            facts.say("never", &format!("{}: {}", rule.name, clauses.join(" and ")));
            if !rule.stops.is_empty() {
                facts.say("", &format!("{} waits while it is open", rule.stops.join(", ")));
            }
        }
    }
    for rule in &model.bases {
        if rule.needs.iter().any(|need| overlap(&need.to_pattern(), &[], pattern, &[]).may_be()) {
            let actions =
                if rule.actions.is_empty() { "anything".to_owned() } else { rule.actions.join(", ") };
            facts.say("basis", &format!("{actions} goes out only where this was read"));
        }
    }
    let theme = facts.look.theme;
    for alert in board.alerts.values().rev().take(3) {
        if alert.on.as_ref().is_some_and(|on| pattern.matches_path(on)) {
            let (sign, style) = crate::console::words::severity(facts.look, alert.severity);
            let times = format!(
                "{}, met {}",
                alert.kind.as_str(),
                if alert.count == 1 { "once".to_owned() } else { format!("{} times", alert.count) }
            );
            facts.styled("alert", &format!("{sign} #{} {times}: {}", alert.no, alert.title), style);
        }
    }
    let held = board.held.iter().flat_map(|(entity, fields)| fields.iter().map(move |held| (entity, held)));
    for (entity, held) in held.filter(|(entity, held)| pattern.matches(entity, &held.field)).take(3) {
        let words = crate::console::words::held(facts.look, held, board.recorded);
        facts.styled("held", &format!("{entity}#{} {words}", held.field), theme.warning);
    }
    let frozen = board.frozen.iter().filter(|(entity, _)| pattern.matches_entity(entity)).take(3);
    for (entity, stop) in frozen {
        facts.styled(
            "frozen",
            &format!("{entity} by {}: {}", facts.look.who(&stop.by), stop.reason),
            theme.warning,
        );
    }
}

fn readers(facts: &mut Facts<'_>, model: &Model, pattern: &Pattern) {
    let blind: Vec<AgentId> = without_access(model, pattern).into_iter().cloned().collect();
    if blind.is_empty() {
        facts.say("readers", "everyone");
    } else {
        facts.say("readers", "everyone but those without access");
        facts.say("no access", &names(&blind));
    }
}

/// What the last seven days say.
fn activity(facts: &mut Facts<'_>, world: &World, known: &Known) {
    let theme = facts.look.theme;
    let Some(activity) = &known.activity else {
        let words = if known.past {
            "counted for the present only; t shows them in the log"
        } else {
            "being fetched"
        };
        facts.styled("writes", words, theme.muted);
        return;
    };
    let writes: u64 = activity.iter().map(|field| field.writes).sum();
    facts.say("writes", &format!("{} in 7 d", thousands(writes)));
    let tried = |of: fn(&FieldActivity) -> &Vec<Times>| {
        let each: Vec<String> = activity
            .iter()
            .flat_map(of)
            .map(|times| {
                format!(
                    "{} {}{}, last {}",
                    times.actor,
                    times.times,
                    facts.look.glyphs.times,
                    world.ago(times.last)
                )
            })
            .collect();
        (!each.is_empty()).then(|| each.join("; "))
    };
    let (proposals, refused) = (tried(|field| &field.proposals), tried(|field| &field.refusals));
    let last = activity.iter().filter_map(|field| field.last.as_ref()).max_by_key(|last| last.time);
    facts.maybe(
        "last",
        last.map(|last| {
            format!("{}, {}, v{} on {}", last.actor, world.ago(last.time), last.version, last.entity)
        }),
    );
    facts.maybe("proposals", proposals);
    if let Some(refused) = refused {
        facts.styled("refused", &refused, theme.danger);
    }
}

/// The answer to `who owns this path?`, in lines.
pub(super) fn answer(look: Look<'_>, room: usize, board: &Board, path: &FieldPath) -> Vec<Line<'static>> {
    let theme = look.theme;
    let mut facts = Facts::new(look, room, LABEL);
    let map = &board.map;
    let owners: Vec<AgentId> = map.owners(&path.entity, &path.field).into_iter().cloned().collect();
    facts.lines.extend(look.wrap(&path.to_string(), room, 2, theme.accent));
    if owners.is_empty() {
        nobody(&mut facts, board, "a write to it");
    } else {
        let person = people(map.model(), &owners);
        facts.styled("owner", &format!("{} ({person})", names(&owners)), theme.accent);
    }
    match map.field_kind(&path.entity, &path.field) {
        FieldKind::Owned => {}
        other @ (FieldKind::Append
        | FieldKind::Progression { .. }
        | FieldKind::Sequenced { .. }
        | FieldKind::Constant) => facts.say("kind", other.as_str()),
    }
    let blind = map.model().agents.iter().filter(|agent| map.is_hidden(&agent.id, &path.entity, &path.field));
    let blind: Vec<AgentId> = blind.map(|agent| agent.id.clone()).collect();
    if !blind.is_empty() {
        facts.say("hidden", &format!("from {}", names(&blind)));
    }
    if let Some(stop) = board.frozen.get(&path.entity) {
        facts.styled("frozen", &format!("by {}: {}", facts.look.who(&stop.by), stop.reason), theme.warning);
    }
    let held = board.held.get(&path.entity).into_iter().flatten();
    for held in held.filter(|held| held.field == path.field) {
        facts.styled("held", &crate::console::words::held(facts.look, held, board.recorded), theme.warning);
    }
    facts.say("map", &format!("v{}", board.map_version));
    facts.gap();
    facts.lines.push(styled(look.glyphs.rule.repeat(room), theme.border));
    facts.lines
}
