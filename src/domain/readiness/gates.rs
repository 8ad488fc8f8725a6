//! What is asked of an agent: six gates, each with its evidence.

use std::collections::BTreeMap;

use super::{AgentReadiness, DEEDS, Evidence, Gate, GateKind, GateState, map_standing};
use crate::domain::ids::{Actor, AgentId};
use crate::domain::map::{Agent, Queue, Thresholds};
use crate::domain::state::{AgentFacts, Answers, Board, Count, KEPT_DAYS, Sums};
use crate::domain::things::{Alert, PastTurn, QueueReviews};
use crate::domain::time::{Span, Time};

/// At least this share of scheduled reviews, in percent, held.
const HELD_SHARE: usize = 90;
/// Deeds that are listed as evidence of one thing.
const LISTED: usize = 5;

/// What one agent's gates are computed from.
struct Case<'a> {
    board: &'a Board,
    now: Time,
    asked: Thresholds,
    id: &'a AgentId,
    /// Its entry in the map.
    entry: Option<&'a Agent>,
    /// What its deeds tell.
    facts: Option<&'a AgentFacts>,
    live_since: Option<Time>,
    last: Sums,
    /// Open conflicts that it has a part in.
    conflicts: Vec<&'a Alert>,
}

/// An agent, with its entry in the map if it has one.
pub type Known<'a> = (&'a AgentId, Option<&'a Agent>);

/// Every agent of the map in its order, then those that act without being in it.
pub(super) fn everyone(board: &Board) -> impl Iterator<Item = Known<'_>> {
    let known = board.map.model().agents.iter().map(|agent| (&agent.id, Some(agent)));
    let others = board
        .agents
        .iter()
        .filter(|(id, facts)| acted(facts) && board.map.agent(id).is_none())
        .map(|(id, _)| (id, None));
    known.chain(others)
}

/// How all of them stand.
pub(super) fn of_all(board: &Board, now: Time) -> Vec<AgentReadiness> {
    let conflicts = open_conflicts(board);
    everyone(board).map(|known| of(board, now, known, &conflicts)).collect()
}

pub(super) fn of<'a>(
    board: &'a Board,
    now: Time,
    (id, entry): Known<'a>,
    conflicts: &Conflicts<'a>,
) -> AgentReadiness {
    let facts = board.agents.get(id);
    let asked = board.map.model().asked();
    let case = Case {
        board,
        now,
        asked,
        id,
        entry,
        facts,
        live_since: live_since(entry, facts),
        last: facts.map(|facts| facts.history.last_days(now, asked.window())).unwrap_or_default(),
        conflicts: conflicts.get(id).cloned().unwrap_or_default(),
    };
    let gates = vec![
        stable(&case),
        trusted(&case),
        consistent(&case),
        documented(&case),
        reviewed(&case),
        quiet(&case),
    ];
    AgentReadiness { agent: id.clone(), in_map: entry.is_some(), live_since: case.live_since, gates }
}

/// The open conflicts of each agent.
pub(super) type Conflicts<'a> = BTreeMap<&'a AgentId, Vec<&'a Alert>>;

/// Those that one has acknowledged are open still.
pub(super) fn open_conflicts(board: &Board) -> Conflicts<'_> {
    let mut of = Conflicts::new();
    let open = board.alerts.values().map(AsRef::as_ref);
    for alert in open.filter(|alert: &&Alert| alert.kind.is_coordination_failure(alert.sides.last())) {
        for agent in alert.who.iter().filter_map(Actor::agent) {
            of.entry(agent).or_default().push(alert);
        }
    }
    of
}

fn acted(facts: &AgentFacts) -> bool {
    !facts.outcomes.is_empty()
}

/// The first deed, or the map's word where that is later: a word in a file is no evidence of what was before the ledger.
pub(super) fn live_since(entry: Option<&Agent>, facts: Option<&AgentFacts>) -> Option<Time> {
    let first = facts.filter(|facts| acted(facts))?.first;
    Some(said(entry).map_or(first, |said| said.max(first)))
}

/// When the map says that it began.
fn said(entry: Option<&Agent>) -> Option<Time> {
    let midnight = entry?.live_since?.and_hms_opt(0, 0, 0)?;
    Some(Time::from_micros(midnight.and_utc().timestamp_micros()))
}

/// Whether what works since then is still being set up.
pub(super) fn is_calibrating(live_since: Option<Time>, asked: Thresholds, now: Time) -> bool {
    live_since.is_none_or(|since| days_since(since, now) < asked.window())
}

/// Whole days that lie between.
pub(super) fn days_since(then: Time, now: Time) -> i64 {
    now.since(then).micros().max(0) / Span::from_days(1).micros()
}

fn gate(kind: GateKind, state: GateState, words: impl Into<String>, evidence: Vec<Evidence>) -> Gate {
    Gate { kind, state, words: words.into(), evidence }
}

fn stable(case: &Case<'_>) -> Gate {
    let kind = GateKind::Stable;
    let (stepped_in, window) = (case.last.interventions, case.asked.window());
    let mut evidence = if case.live_since.is_some() { began(case) } else { Vec::new() };
    if stepped_in.n > 0 {
        // Also where the agent has done nothing itself.
        evidence.push(Evidence::deed(stepped_in.last, "the last manual intervention on its zone"));
        let words = format!("{} in the last {window} days", times(stepped_in.n, "manual intervention"));
        return gate(kind, GateState::Fails, words, evidence);
    }
    let Some(since) = case.live_since else {
        return gate(kind, GateState::TooLittle, "it has done nothing yet", evidence);
    };
    let days = days_since(since, case.now);
    if days < window {
        return gate(kind, GateState::TooLittle, format!("live {days} of {window} days"), evidence);
    }
    if case.last.deeds.n == 0 {
        let words = format!("live {days} days, but it did nothing in the last {window}");
        return gate(kind, GateState::TooLittle, words, evidence);
    }
    evidence.push(Evidence::deed(
        case.last.deeds.last,
        times(case.last.deeds.n, "deed") + " since, the last one",
    ));
    gate(kind, GateState::Holds, format!("live {days} days, no manual intervention in {window}"), evidence)
}

/// Since when it works, and what the map says of that.
fn began(case: &Case<'_>) -> Vec<Evidence> {
    let Some(facts) = case.facts else { return Vec::new() };
    let first = Evidence { deed: None, place: None, words: format!("first seen {}", date(facts.first)) };
    let told = said(case.entry).map(|said| {
        let words = if said < facts.first {
            format!("says since {}, which no deed shows", date(said))
        } else {
            format!("live since {}", date(said))
        };
        Evidence::place(place(case), words)
    });
    std::iter::once(first).chain(told).collect()
}

fn trusted(case: &Case<'_>) -> Gate {
    let kind = GateKind::Trusted;
    let model = case.board.map.model();
    let asked: Vec<&str> = model
        .outputs
        .iter()
        .filter(|output| output.needs_approval)
        .filter(|output| case.entry.is_some_and(|entry| entry.outputs.contains(&output.name)))
        .map(|output| output.name.as_str())
        .collect();
    let (given, since) = answers(case);
    let answers = given.all();
    if asked.is_empty() && answers == 0 {
        return gate(kind, GateState::Holds, "no output of its own needs approval", Vec::new());
    }
    let mut evidence: Vec<Evidence> =
        asked.iter().map(|output| Evidence::place(format!("output {output}"), "needs approval")).collect();
    for (count, words) in [
        (given.approved, "approved as it was"),
        (given.edited, "approved with edits"),
        (given.rejected, "rejected"),
    ] {
        if count.n > 0 {
            evidence.push(Evidence::deed(count.last, format!("{} {words}, the last one", count.n)));
        }
    }
    let (plain, all) = (u64::from(given.approved.n), u64::from(answers));
    let Thresholds { approvals, rate, .. } = case.asked;
    if answers < approvals {
        let wanted = u64::from(approvals);
        let words = format!("{answers} of {approvals} approvals in {KEPT_DAYS} days");
        // What is still to come may all be approved as it is; where that would not do, nothing is to be waited for.
        if rate.is_passed_by(plain + wanted - all, wanted) {
            return gate(kind, GateState::TooLittle, words, evidence);
        }
        let words = format!("{words}, {plain} without edits: over {rate} of {approvals} is out of reach");
        return gate(kind, GateState::Fails, words, evidence);
    }
    let holds = rate.is_passed_by(plain, all);
    let which = since.map_or_else(String::new, |since| format!(", the last ones since {}", date(since)));
    let words =
        format!("{}% of {all} approvals without edits{which}; over {rate} is asked for", plain * 100 / all);
    gate(kind, if holds { GateState::Holds } else { GateState::Fails }, words, evidence)
}

/// The answers in the window; where they are too few the last ones, and since when.
fn answers(case: &Case<'_>) -> (Answers, Option<Time>) {
    let last = case.last.answers;
    match case.facts.filter(|_| last.all() < case.asked.approvals) {
        Some(facts) => facts.history.last_answers(case.now, case.asked.approvals, KEPT_DAYS),
        None => (last, None),
    }
}

fn consistent(case: &Case<'_>) -> Gate {
    let kind = GateKind::Consistent;
    let half = halves(case);
    let days = half.micros() / Span::from_days(1).micros();
    let turn = case.now.minus(half);
    let sums = |after, to| case.facts.map(|facts| facts.history.between(after, to)).unwrap_or_default();
    let (before, last) = (sums(turn.minus(half), turn), sums(turn, case.now));
    let bad = |days: &Sums| days.refused.and(days.returned).and(days.failed);
    let (bad_last, bad_before) = (bad(&last), bad(&before));
    let mut evidence = Vec::new();
    for (count, words) in
        [(last.refused, "refused or stale"), (last.returned, "returned"), (last.failed, "failed")]
    {
        if count.n > 0 {
            evidence.push(Evidence::deed(count.last, format!("{} {words}, the last one", count.n)));
        }
    }
    for (count, words) in [(last.deeds, "in the last"), (before.deeds, "in those before the last")] {
        if count.n > 0 && evidence.is_empty() {
            let words = format!("{} {words} {days} days, the last one", times(count.n, "deed"));
            evidence.push(Evidence::deed(count.last, words));
        }
    }
    if last.deeds.n < DEEDS || before.deeds.n < DEEDS {
        let words = format!(
            "{} in {days} days and {} in those before: fewer than {DEEDS} say nothing",
            times(last.deeds.n, "deed"),
            before.deeds.n
        );
        return gate(kind, GateState::TooLittle, words, evidence);
    }
    let rise = |bad: Count, deeds: Count| u64::from(bad.n) * u64::from(deeds.n);
    // Half as high again is too much; nothing after nothing is not.
    let rose = rise(bad_last, before.deeds) * 2 >= rise(bad_before, last.deeds) * 3;
    let fails = rose && bad_last.n > 0;
    let words = format!(
        "{} a hundred deeds in {days} days, {} before",
        rate(bad_last, last.deeds),
        rate(bad_before, before.deeds)
    );
    gate(kind, if fails { GateState::Fails } else { GateState::Holds }, words, evidence)
}

/// What is compared: the last window with the one before, halves of one as long as two are not there yet.
fn halves(case: &Case<'_>) -> Span {
    let window = Span::from_days(case.asked.window());
    let there = case.live_since.map_or(0, |since| case.now.since(since).micros());
    if there >= window.micros() * 2 { window } else { Span::from_micros(window.micros() / 2) }
}

/// `2.5`: how many of a hundred.
fn rate(bad: Count, deeds: Count) -> String {
    let tenths = u64::from(bad.n) * 1_000 / u64::from(deeds.n.max(1));
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn documented(case: &Case<'_>) -> Gate {
    let kind = GateKind::Documented;
    let Some(entry) = case.entry else {
        let words = "it is not in the map: add an [[agent]] with its owner and its zone";
        let acts = case.facts.map(|facts| Evidence::deed(facts.deed, "its last deed"));
        return gate(kind, GateState::Fails, words, acts.into_iter().collect());
    };
    let model = case.board.map.model();
    let routed = model.routes.iter().any(|route| route.agent == *case.id || route.then.contains(case.id));
    let mut missing = Vec::new();
    if entry.triggers.is_empty() && !routed {
        missing.push("no trigger and no route: what wakes it?".to_owned());
    }
    if entry.writes.is_empty() && entry.outputs.is_empty() {
        missing.push("no writes and no outputs: what is its own?".to_owned());
    }
    if model.queue_of(case.id).is_none() {
        missing.push("no queue: whom does it ask?".to_owned());
    }
    let standing = map_standing(case.board, case.now);
    if let Some(due) = standing.due.filter(|_| standing.overdue) {
        let words = format!("the map is overdue since {}: `deeds map reviewed`", date(due));
        missing.push(words);
    }
    let queue = model.queue_of(case.id).map_or("nobody", |queue| queue.name.as_str());
    let mut evidence = vec![Evidence::place(
        place(case),
        format!(
            "owner {}, {} triggers, {} writes, {} outputs, escalates to {queue}",
            entry.owner,
            entry.triggers.len(),
            entry.writes.len(),
            entry.outputs.len(),
        ),
    )];
    if let Some(mark) = case.board.care.last() {
        evidence
            .push(Evidence::deed(mark.deed, format!("map gone through {} by {}", date(mark.at), mark.by)));
    }
    if missing.is_empty() {
        return gate(kind, GateState::Holds, format!("in the map v{}", standing.version), evidence);
    }
    gate(kind, GateState::Fails, missing.join("; "), evidence)
}

fn reviewed(case: &Case<'_>) -> Gate {
    let kind = GateKind::Reviewed;
    let Some(queue) = case.board.map.model().queue_of(case.id) else {
        return gate(kind, GateState::Fails, "no queue, so nobody goes through its items", Vec::new());
    };
    let place = format!("queue {}", queue.name);
    let mut evidence = vec![Evidence::place(place, format!("owner {}", queue.owner))];
    if queue.review.is_none() {
        let words = format!("the queue {} has no schedule", queue.name);
        return gate(kind, GateState::Fails, words, evidence);
    }
    let turns = turns(case, queue);
    let Some(last) = turns.last() else {
        let words = format!("no scheduled review of {} in {} days yet", queue.name, case.asked.window());
        return gate(kind, GateState::TooLittle, words, evidence);
    };
    let held = turns.iter().filter(|turn| turn.held).count();
    let told =
        turns.iter().rev().filter(|turn| !turn.held || turn.late || turn.deed == last.deed).take(LISTED);
    evidence.extend(told.map(|turn| {
        let how = turn.how();
        Evidence::deed(turn.deed, format!("the review of {} was {how}", date(turn.due)))
    }));
    let words =
        format!("{held} of {} reviews of {} held, the last one {}", turns.len(), queue.name, last.how());
    let holds = last.held && !last.late && held * 100 >= turns.len() * HELD_SHARE;
    gate(kind, if holds { GateState::Holds } else { GateState::Fails }, words, evidence)
}

/// The scheduled reviews of the window, oldest first.
fn turns(case: &Case<'_>, queue: &Queue) -> Vec<PastTurn> {
    let after = case.now.minus(Span::from_days(case.asked.window()));
    let reviews: Option<&QueueReviews> = case.board.reviews.get(&queue.name);
    let turns = reviews.into_iter().flat_map(|reviews| &reviews.turns);
    turns.filter(|turn| turn.due > after && turn.due <= case.now.plus(Span::from_days(1))).copied().collect()
}

fn quiet(case: &Case<'_>) -> Gate {
    let kind = GateKind::Quiet;
    if let Some(newest) = case.conflicts.last() {
        let from = case.conflicts.len().saturating_sub(LISTED);
        let evidence = case.conflicts.iter().skip(from).map(|alert| {
            Evidence::deed(alert.deed, format!("alert {}: {} {}", alert.no, alert.kind.as_str(), alert.title))
        });
        let words = match case.conflicts.len() {
            1 => format!("alert {} is open: {}", newest.no, newest.kind.as_str()),
            n => format!("{n} conflicts are open, the newest is alert {}", newest.no),
        };
        return gate(kind, GateState::Fails, words, evidence.collect());
    }
    let quiet = case.asked.quiet();
    let last = case.facts.map(|facts| facts.history.last_days(case.now, quiet)).unwrap_or_default();
    if last.failures.n > 0 {
        let words = format!("{} in the last {quiet} days", times(last.failures.n, "coordination failure"));
        let evidence = vec![Evidence::deed(last.failures.last, "the last one")];
        return gate(kind, GateState::Fails, words, evidence);
    }
    let days = case.live_since.map_or(0, |since| days_since(since, case.now));
    if days < quiet {
        let words = format!("no coordination failure, but live {days} of {quiet} days");
        return gate(kind, GateState::TooLittle, words, Vec::new());
    }
    if last.deeds.n == 0 {
        let words = format!("it did nothing in the last {quiet} days");
        return gate(kind, GateState::TooLittle, words, Vec::new());
    }
    let evidence =
        vec![Evidence::deed(last.deeds.last, times(last.deeds.n, "deed") + " since, the last one")];
    gate(kind, GateState::Holds, format!("no coordination failure in {quiet} days"), evidence)
}

/// `sales is not stable: live 3 of 28 days`.
pub(super) fn words(agent: &AgentId, gate: &Gate) -> String {
    format!("{agent} is not {}: {}", gate.kind, gate.words)
}

fn place(case: &Case<'_>) -> String {
    format!("agent {}", case.id)
}

/// `3 deeds`, `1 deed`.
pub(super) fn times(n: u32, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// The UTC day, for people.
pub(super) fn date(time: Time) -> String {
    time.utc().format("%Y-%m-%d").to_string()
}
