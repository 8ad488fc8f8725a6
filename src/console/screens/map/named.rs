//! What is known of a trigger, an output, a queue or a tool: who, by which rules, when next, and what happened last.

use super::Known;
use super::detail::{names, nobody, owners, several};
use super::rows::{Cell, MapRow};
use crate::console::widgets::facts::Facts;
use crate::console::words;
use crate::console::world::World;
use crate::domain::ids::{Actor, AgentId};
use crate::domain::key::key;
use crate::domain::map::{Does, Output, ToolFields, ToolRow, Unmapped};
use crate::domain::rule::{conversation, output};
use crate::domain::state::Board;
use crate::domain::things::{Case, QueueReviews, WaitingPublication, Work, WorkKind};

/// Most publications that wait for a turn shown one by one.
const IN_LINE: usize = 6;

/// Which agent an event wakes.
pub(super) fn trigger(facts: &mut Facts<'_>, world: &World, board: &Board, row: &MapRow, name: &str) {
    let (theme, model) = (facts.look.theme, board.map.model());
    if row.owners.is_empty() {
        nobody(facts, board, "each one");
    } else {
        let style = if row.contested { theme.danger } else { theme.accent };
        facts.styled("owner", &names(&row.owners), style);
    }
    if row.contested {
        let words = format!(
            "{} contested: no route decides, so each one is a collision and waits for a person",
            facts.look.glyphs.attention
        );
        facts.styled("", &words, theme.danger);
    }
    let routes: Vec<_> = model.routes.iter().filter(|route| route.event == name).collect();
    for (at, route) in routes.iter().enumerate() {
        let when: Vec<String> = route.when.iter().map(|(key, glob)| format!("{key} is {glob}")).collect();
        let case = if route.case && !when.is_empty() { ", case matters" } else { "" };
        let when = if when.is_empty() { "always".to_owned() } else { when.join(" and ") + case };
        let then =
            if route.then.is_empty() { String::new() } else { format!(", then {}", names(&route.then)) };
        let label = if at == 0 { "routes" } else { "" };
        facts.say(label, &format!("{}  {when}: {}{then}", at + 1, route.agent));
    }
    if routes.len() > 1 {
        facts.styled("", "the first that fits decides", theme.muted);
    }
    if let Some(event) = board.map.event(name) {
        facts.maybe("raised", event.schedule.as_ref().map(|schedule| format!("{schedule}, by Deeds itself")));
        facts.maybe("raised", event.on.as_ref().map(|on| format!("when {on}")));
        if event.schedule.is_some() {
            let next = board.schedules.get(name).map(|at| words::clock(world.zone, *at, world.now));
            facts.maybe("next", next);
        }
    } else {
        facts.styled("", "no [[event]] of the map declares it", theme.muted);
    }
    facts.gap();
    let dispatched =
        |work: &&Work| matches!(&work.kind, WorkKind::Dispatch { event, .. } if **event == *name);
    let open: Vec<&Work> = board.works.values().map(AsRef::as_ref).filter(dispatched).collect();
    let newest = open.iter().max_by_key(|work| work.at);
    let words = if open.is_empty() { "nothing".to_owned() } else { format!("{} dispatched", open.len()) };
    facts.say("under way", &words);
    facts.maybe("latest", newest.map(|work| format!("to {}, {}", work.agent, world.ago(work.at))));
    let cases = board.items.values().filter(|item| match &item.case {
        Case::UnownedEvent { raise } | Case::TriggerCollision { raise, .. } | Case::Loop { raise, .. } => {
            *raise.event == *name
        }
        Case::UnownedField { .. }
        | Case::HeldField { .. }
        | Case::ZoneOffer { .. }
        | Case::UnownedTarget { .. }
        | Case::UnownedOutput { .. }
        | Case::Escalation { .. }
        | Case::Conflict { .. }
        | Case::MapOverdue { .. }
        | Case::Approval { .. }
        | Case::ActApproval { .. }
        | Case::UnmappedCall { .. }
        | Case::UnknownOutcome { .. }
        | Case::GivenUp { .. }
        | Case::Stuck { .. } => false,
    });
    waiting(facts, cases.count());
}

/// Who publishes where, by which rules.
pub(super) fn output(facts: &mut Facts<'_>, world: &World, board: &Board, row: &MapRow, name: &str) {
    let (theme, model) = (facts.look.theme, board.map.model());
    owners(facts, board, row, &Known::default());
    let rule = model.outputs.iter().find(|output| output.name == name);
    let last = board.threads.get(&key(&[name]));
    if let Some(output) = rule {
        if !output.order.is_empty() {
            let order: Vec<&str> = output.order.iter().map(AgentId::as_str).collect();
            facts.say("in turn", &order.join(&format!(" {} ", facts.look.glyphs.arrow)));
            facts.maybe("", turn(output, last.map(|last| &last.by)));
        }
        let approval = if output.needs_approval { "a person approves each one" } else { "none needed" };
        facts.say("approval", approval);
    } else {
        facts.say("rules", "none but its publisher: no approval");
    }
    let elsewhere = if output::takes_turns(&board.map, name) { " from elsewhere" } else { "" };
    let window = conversation::window(&board.map, name).map_or_else(
        || "the team's own: it opens no conversation".to_owned(),
        |window| format!("{}: a second voice{elsewhere} in the same conversation is held", window.rough()),
    );
    facts.say("window", &window);
    facts.gap();
    match last {
        Some(last) => {
            facts.say(
                "last",
                &format!(
                    "{}, {}, deed #{}",
                    facts.look.who(&Actor::Agent(last.by.clone())),
                    world.ago(last.at),
                    last.deed
                ),
            );
        }
        None => facts.styled("last", "nothing was published yet", theme.muted),
    }
    in_line(facts, world, board, name);
    let open = board.acts.values().filter(|act| &*act.target == name).count();
    if open > 0 {
        facts.say("under way", &several(open, "act"));
    }
    let cases = board.items.values().filter(|item| match &item.case {
        Case::Approval { publish, .. } | Case::UnownedOutput { publish } => *publish.output == *name,
        Case::UnownedTarget { act } => *act.target == *name,
        Case::ActApproval { act, .. } => *act.target == *name,
        Case::UnownedField { .. }
        | Case::HeldField { .. }
        | Case::ZoneOffer { .. }
        | Case::Escalation { .. }
        | Case::Conflict { .. }
        | Case::MapOverdue { .. }
        | Case::UnownedEvent { .. }
        | Case::TriggerCollision { .. }
        | Case::Loop { .. }
        | Case::UnmappedCall { .. }
        | Case::UnknownOutcome { .. }
        | Case::GivenUp { .. }
        | Case::Stuck { .. } => false,
    });
    waiting(facts, cases.count());
}

/// What waits there for its turn, the oldest first: whose, on what, until when, and what it says.
fn in_line(facts: &mut Facts<'_>, world: &World, board: &Board, name: &str) {
    let mut waits: Vec<&WaitingPublication> =
        board.queued.values().map(AsRef::as_ref).filter(|waits| *waits.publish.output == *name).collect();
    waits.sort_by_key(|waits| waits.since);
    for (at, waits) in waits.iter().take(IN_LINE).enumerate() {
        let said = &waits.publish;
        let thread = said.thread.as_ref().map(|thread| format!(" on thread {thread}"));
        let about = said.subject.as_ref().map(|subject| format!(" on {subject}"));
        let line = format!(
            "{} until {}{}: {}",
            waits.agent,
            words::clock(world.zone, waits.until, world.now),
            thread.or(about).unwrap_or_default(),
            said.body.plain()
        );
        let label = if at == 0 { "waits" } else { "" };
        facts.long(label, &line, 2, facts.look.theme.base);
    }
    let more = waits.len().saturating_sub(IN_LINE);
    if more > 0 {
        facts.styled("", &format!("and {more} more: deeds outputs"), facts.look.theme.muted);
    }
}

/// Whose turn it is on a thread that the last publisher spoke on.
fn turn(output: &Output, last: Option<&AgentId>) -> Option<String> {
    output.order.first()?;
    let at = last.and_then(|last| output.order.iter().position(|agent| agent == last));
    let next = at.and_then(|at| output.order.get((at + 1) % output.order.len()));
    Some(match next {
        Some(next) => format!("each of them may begin a thread; after the last one: {next}"),
        None => "each of them may begin a thread".to_owned(),
    })
}

fn waiting(facts: &mut Facts<'_>, cases: usize) {
    if cases > 0 {
        let style = facts.look.theme.warning;
        facts.styled("inbox", &format!("{} for a person", several(cases, "case")), style);
    }
}

/// Who answers, in what time, and how the reviews went.
pub(super) fn queue(facts: &mut Facts<'_>, world: &World, board: &Board, row: &MapRow, name: &str) {
    let (theme, model) = (facts.look.theme, board.map.model());
    let Some(queue) = model.queues.iter().find(|queue| queue.name.as_str() == name) else { return };
    facts.styled("owner", queue.owner.as_str(), theme.accent);
    if let Some(away) = board.absence(&queue.owner, world.now) {
        let until = away.until.map(|until| format!(" until {}", words::clock(world.zone, until, world.now)));
        facts.styled("", &format!("away{}", until.unwrap_or_default()), theme.warning);
    }
    let deputies: Vec<&str> = queue.deputies.iter().map(crate::domain::ids::PersonId::as_str).collect();
    facts.say("deputies", &if deputies.is_empty() { "none".to_owned() } else { deputies.join(", ") });
    facts.say("SLA", &format!("an answer within {}", queue.sla.rough()));
    facts.maybe("review", queue.review.as_ref().map(ToString::to_string));
    if let Some(reviews) = board.reviews.get(&queue.name) {
        held(facts, world, reviews);
    }
    if !queue.priority.is_empty() {
        facts.say("priority", &names(&queue.priority));
    }
    let here = model.agents.iter().zip(&row.cells).filter(|(_, cell)| **cell == Cell::Has);
    let here: Vec<AgentId> = here.map(|(agent, _)| agent.id.clone()).collect();
    facts.say("from", &if here.is_empty() { "no agent".to_owned() } else { names(&here) });
    facts.gap();
    let items = board.items.values().filter(|item| item.queue == queue.name);
    let (open, overdue) =
        items.fold((0, 0), |(open, overdue), item| (open + 1, overdue + usize::from(item.overdue)));
    let style = if overdue > 0 { theme.danger } else { theme.base };
    let late = if overdue > 0 { format!(", {overdue} overdue") } else { String::new() };
    facts.styled("waiting", &format!("{}{late}", several(open, "decision")), style);
}

fn held(facts: &mut Facts<'_>, world: &World, reviews: &QueueReviews) {
    let theme = facts.look.theme;
    facts.maybe("next", reviews.due.map(|due| words::clock(world.zone, due, world.now)));
    if let Some(open) = &reviews.open {
        facts.styled(
            "now",
            &format!(
                "held by {} since {}",
                facts.look.who(&open.by),
                words::clock(world.zone, open.at, world.now)
            ),
            theme.info,
        );
    }
    if let Some(last) = &reviews.last {
        let words = format!(
            "by {}, {}: {} answered, {} left",
            facts.look.who(&last.by),
            world.ago(last.ended),
            last.answered,
            last.left
        );
        facts.say("last", &words);
    }
    let style = if reviews.last_held == Some(false) { theme.danger } else { theme.base };
    facts.styled("held", &format!("{}, missed {}", reviews.held, reviews.missed), style);
}

/// What a tool does to what: `writes crm/contact/{id}`.
pub(super) fn tool_words(tool: &ToolRow) -> String {
    let (does, about) = match tool.does {
        Does::Read => ("reads", &tool.entity),
        Does::Write => ("writes", &tool.entity),
        Does::Act => ("acts on", &tool.target),
        Does::Publish => ("publishes to", &tool.output),
        Does::Nothing => ("does nothing that the map is about", &None),
    };
    about.as_ref().map_or(does.to_owned(), |about| format!("{does} {about}"))
}

/// What calling a tool means here, and who may by itself.
pub(super) fn tool(facts: &mut Facts<'_>, board: &Board, row: &MapRow, at: Option<usize>) {
    let (look, model) = (facts.look, board.map.model());
    let Some(tool) = at.and_then(|at| model.tools.get(at)) else {
        facts.styled(
            "map",
            &format!("{} no [[tool]] of the map names it", look.glyphs.attention),
            look.theme.warning,
        );
        facts.say(
            "a call",
            match model.unmapped {
                Unmapped::Ask => "waits for a person, who says what it does",
                Unmapped::Deny => "is refused",
                Unmapped::Record => "is forwarded, and recorded",
            },
        );
        return;
    };
    facts.say("does", &tool_words(tool));
    if let Some(ToolFields::Named(fields)) = &tool.fields {
        let each: Vec<String> = fields.iter().map(|(field, text)| format!("{field} = {text}")).collect();
        facts.say("fields", &each.join(", "));
    } else if tool.does == Does::Write {
        facts.say("fields", "every argument that does not name the entity");
    }
    facts.maybe("thread", tool.thread.clone());
    facts.maybe("verify", tool.verify.as_ref().map(|tool| format!("{tool} reads it again just before")));
    let names_of = if row.owners.is_empty() { "no agent by itself".to_owned() } else { names(&row.owners) };
    if !matches!(tool.does, Does::Read | Does::Nothing) {
        facts.say("by itself", &names_of);
    }
    facts.say("approval", if tool.approve { "a person approves each call" } else { "none needed" });
    facts.maybe("", tool.approve.then(|| format!("good for {}", tool.approval_for().rough())));
    if !tool.withhold.is_empty() {
        facts.say("withheld", &tool.withhold.join(", "));
    }
    let times = format!("held open {}, an end within {}", tool.hold().rough(), tool.timeout().rough());
    facts.styled("times", &times, look.theme.muted);
    let first = |other: &ToolRow| other.names(&tool.server, &tool.name);
    if model.tools.iter().position(first).is_some_and(|first| Some(first) != at) {
        facts.styled("", "a row above it names this tool, and counts", look.theme.warning);
    }
}
