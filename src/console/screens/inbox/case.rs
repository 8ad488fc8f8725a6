//! One case, whole: what came in, why it could not be decided, what led to it, how cases like it were answered.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::sync::Arc;

use ratatui::text::{Line, Span};

use super::material;
use super::rows::urgency;
use crate::console::widgets::facts::Facts;
use crate::console::widgets::{Look, bars, styled};
use crate::console::world::World;
use crate::console::{untrusted, words};
use crate::domain::deed::Deed;
use crate::domain::ids::{AgentId, Seq};
use crate::domain::map::Grant;
use crate::domain::path::FieldPath;
use crate::domain::rule::order;
use crate::domain::state::Board;
use crate::domain::things::{Case, Item, PastAnswers};

/// Deeds of evidence shown; the latest of them.
const EVIDENCE_SHOWN: usize = 8;
/// Other cases about the same subject shown.
const ALSO_SHOWN: usize = 4;
/// Lines of any other text.
pub(super) const TEXT_LINES: usize = 4;
/// Cells of the labels.
const LABEL: usize = 9;
/// Cells of the deadline's bar.
const BAR: usize = 8;

/// A case in lines.
pub(super) struct Told {
    pub(super) lines: Vec<Line<'static>>,
    /// How many of them say which case it is, before what came in.
    pub(super) head: usize,
}

/// The lines of a case for so many columns and rows: where rows are left, the input takes them.
pub(super) fn lines<'a>(
    look: Look<'_>,
    (room, rows): (usize, usize),
    world: &World,
    board: &Board,
    item: &Item,
    deed: &dyn Fn(Seq) -> Option<&'a Arc<Deed>>,
) -> Told {
    let most = |most| told(look, (room, most), world, board, item, deed);
    let told = most(material::INPUT_LINES);
    match rows.saturating_sub(told.lines.len()) {
        0 => told,
        left => most(material::INPUT_LINES + left),
    }
}

fn told<'a>(
    look: Look<'_>,
    (room, most): (usize, usize),
    world: &World,
    board: &Board,
    item: &Item,
    deed: &dyn Fn(Seq) -> Option<&'a Arc<Deed>>,
) -> Told {
    let mut facts = Facts::new(look, room, LABEL);
    facts.lines = head(look, room, world, item);
    facts.gap();
    let head = facts.lines.len();
    facts.most = most;
    material::told(&mut facts, world, (board, item), deed);
    facts.say("WHY", &item.why);
    if item.unforeseen {
        let words = format!("{} unforeseen: not among its reasons to escalate", look.glyphs.attention);
        facts.long("", &words, 2, look.theme.warning);
    }
    facts.gap();
    let before = evidence(look, facts.wide(), world, item, deed);
    if !before.is_empty() {
        facts.lined("BEFORE", before);
        facts.gap();
    }
    facts.say("LIKE", &alike(board, item, look.glyphs.times));
    also(&mut facts, board, item);
    facts.lined("SUGGEST", suggestion(look, facts.wide(), item));
    let first = order::reasons(board, item, &world.me.person, world.now);
    facts.maybe("FIRST", (!first.is_empty()).then(|| first.join("; ")));
    Told { lines: facts.lines, head }
}

/// The deeds that the case is told with: what was published over it, and the latest of its evidence.
pub(super) fn deeds(item: &Item) -> impl Iterator<Item = Seq> + '_ {
    let over: &[Seq] = item.case.over();
    let skipped = item.evidence.len().saturating_sub(EVIDENCE_SHOWN);
    over.iter().take(EVIDENCE_SHOWN).chain(item.evidence.iter().skip(skipped)).copied()
}

/// The field that a case is about, where it is a write.
pub(super) fn field(item: &Item) -> Option<FieldPath> {
    let (Case::UnownedField { write, .. } | Case::HeldField { write, .. }) = &item.case else { return None };
    write.changes.keys().next().map(|name| FieldPath::new(write.entity.clone(), name.clone()))
}

/// The agent that a case is about, beside the one that raised it.
pub(super) fn agent(item: &Item) -> Option<&AgentId> {
    match &item.case {
        Case::GivenUp { work } => Some(&work.agent),
        Case::Stuck { task, .. } => Some(&task.owner),
        Case::ZoneOffer { to, .. } => Some(to),
        Case::UnmappedCall { .. }
        | Case::UnknownOutcome { .. }
        | Case::UnownedField { .. }
        | Case::HeldField { .. }
        | Case::UnownedTarget { .. }
        | Case::UnownedOutput { .. }
        | Case::Escalation { .. }
        | Case::Conflict { .. }
        | Case::MapOverdue { .. }
        | Case::UnownedEvent { .. }
        | Case::TriggerCollision { .. }
        | Case::Loop { .. }
        | Case::Approval { .. }
        | Case::ActApproval { .. } => None,
    }
}

fn head(look: Look<'_>, room: usize, world: &World, item: &Item) -> Vec<Line<'static>> {
    let theme = look.theme;
    let mut first = vec![
        Span::styled(format!("#{}", item.no), theme.accent),
        Span::raw("  "),
        Span::styled(item.case.word(), theme.title),
    ];
    let claim = match (&item.claimed_by, &item.assigned_to) {
        (Some(by), _) if *by == world.me.person => Some(("claimed: you".to_owned(), theme.success)),
        (Some(by), _) => Some((format!("claimed: {by}"), theme.warning)),
        (None, Some(to)) if *to == world.me.person => Some(("handed to you".to_owned(), theme.success)),
        (None, Some(to)) => Some((format!("handed to {to}"), theme.warning)),
        (None, None) => None,
    };
    if let Some((words, style)) = claim {
        first.push(Span::styled(format!("   {words}"), style));
    }
    let (left, style) = (words::left(item.due, world.now), urgency(look, item, world.now));
    let overdue = item.is_overdue(world.now);
    let due = if overdue {
        format!("{} overdue since {}", look.glyphs.attention, words::clock(world.zone, item.due, world.now))
    } else {
        left
    };
    let from = untrusted::fit(&look.who(&item.raised_by), 26);
    let mut second = vec![
        Span::styled("from ", theme.muted),
        Span::styled(from, theme.base),
        Span::styled(format!(", {}, ", world.ago(item.opened)), theme.muted),
        Span::styled(if overdue { "" } else { "due in " }, theme.muted),
        Span::styled(format!("{due}  "), style),
    ];
    let micros = |span: crate::domain::time::Span| u64::try_from(span.micros()).unwrap_or(0);
    let whole = micros(item.due.since(item.opened));
    second.extend(bars::deadline(look, BAR, micros(world.now.since(item.opened)), whole).spans);
    let title = look.line(&item.title, room, theme.base);
    let mut third =
        vec![Span::styled("queue ", theme.muted), Span::styled(item.queue.to_string(), theme.subtle)];
    if let Some(subject) = &item.subject {
        third.push(Span::styled("   subject ", theme.muted));
        third.extend(look.spans(subject.as_ref(), room.saturating_sub(24), theme.base));
    }
    let again = (item.joined > 0).then(|| {
        let last =
            item.again.last().map(|at| format!(", the last time {}", world.ago(*at))).unwrap_or_default();
        styled(format!("met {} times{last}", item.joined + 1), theme.warning)
    });
    // Where the input follows anyway, the title would only say it twice.
    let title = matches!(item.case, Case::Conflict { .. } | Case::MapOverdue { .. }).then_some(title);
    [Some(Line::from(first)), title, Some(Line::from(second)), Some(Line::from(third)), again]
        .into_iter()
        .flatten()
        .collect()
}

fn evidence<'a>(
    look: Look<'_>,
    wide: usize,
    world: &World,
    item: &Item,
    deed: &dyn Fn(Seq) -> Option<&'a Arc<Deed>>,
) -> Vec<Line<'static>> {
    let skipped = item.evidence.len().saturating_sub(EVIDENCE_SHOWN);
    let shown = item.evidence.iter().skip(skipped);
    let lines = shown.map(|seq| match deed(*seq) {
        Some(deed) => words::deed(look, deed, world.now, wide),
        None => styled(format!("deed {seq}"), look.theme.muted),
    });
    lines.collect()
}

/// What else waits about the same subject.
fn also(facts: &mut Facts<'_>, board: &Board, item: &Item) {
    let others: Vec<_> = board.about_the_same(item).collect();
    for (at, other) in others.iter().take(ALSO_SHOWN).enumerate() {
        let words = format!("#{} {}: {}", other.no, other.case.word(), other.title);
        facts.long(if at == 0 { "ALSO" } else { "" }, &words, 1, facts.look.theme.base);
    }
    let more = others.len().saturating_sub(ALSO_SHOWN);
    if more > 0 {
        facts.say("", &format!("and {more} more about it"));
    }
}

/// How many wait that are like it, and how such cases were answered before.
fn alike(board: &Board, item: &Item, times: &str) -> String {
    let mut text = match board.alike(item).count() {
        0 => "no other waits".to_owned(),
        more => format!("{times}{} alike wait", more + 1),
    };
    let none = PastAnswers::default();
    let past = board.past.get(&item.alike).unwrap_or(&none);
    let mut answers = past.counts();
    answers.sort_by_key(|(_, count)| Reverse(*count));
    let told: Vec<_> = answers
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(answer, count)| format!("{count} {}", answer.word()))
        .collect();
    let sum: u64 = answers.iter().map(|(_, count)| count).sum();
    if sum == 0 {
        text.push_str(", none answered before");
    } else {
        _ = write!(text, ", {sum} answered: {}", told.join(", "));
        if let Some(last) = &past.last {
            _ = write!(text, "; last {last}");
        }
    }
    text
}

fn suggestion(look: Look<'_>, wide: usize, item: &Item) -> Vec<Line<'static>> {
    let theme = look.theme;
    let Some(suggested) = &item.suggestion else {
        let words = match &item.case {
            Case::MapOverdue { .. } => "go through the map in its view, then handle: that is its review",
            Case::Conflict { .. } => "handle: say which side is right; the alert is resolved with your note",
            Case::UnownedField { .. }
            | Case::UnownedTarget { .. }
            | Case::UnownedOutput { .. }
            | Case::Escalation { .. }
            | Case::UnownedEvent { .. } => "none: no zone is near",
            Case::TriggerCollision { .. } => {
                "handle: give this event to one of them; a route in the map decides the next"
            }
            Case::Loop { .. } => {
                "handle: give this event to one of them, or say how it ends; out of scope drops it"
            }
            Case::HeldField { .. } if item.case.call().is_some() => {
                "a lets the call be made once, x refuses it, with a note"
            }
            Case::HeldField { .. } => "a lets it through, x keeps the field as it is, with a note",
            Case::ZoneOffer { .. } => "a hands it over, x leaves it where it is, with a note",
            Case::Approval { .. } => "a approves it, A edits it first, x rejects it with a note",
            Case::ActApproval { .. } => "a lets it go ahead, x rejects it with a note",
            Case::UnmappedCall { .. } => "e adds the tool to the map, h handles the call by hand",
            Case::UnknownOutcome { .. } => {
                "a says that it was done, x that it was not, with a note how you know"
            }
            Case::GivenUp { .. } => "handle: say how it goes on",
            Case::Stuck { .. } => {
                "s sends it on: to whom, with how many attempts; or handle: say how it goes on"
            }
        };
        return look.wrap(words, wide, 2, theme.muted);
    };
    let text = match &suggested.grant {
        Grant::Tool(row) => format!("expand: the map gets a [[tool]], {row}"),
        Grant::Write(_) | Grant::Trigger(_) | Grant::Output(_) => {
            format!("expand {}: {}", suggested.agent, suggested.grant)
        }
    };
    let mut lines = look.wrap(&text, wide, TEXT_LINES, theme.accent);
    lines.extend(look.wrap(&suggested.reason, wide, 2, theme.muted));
    lines
}
