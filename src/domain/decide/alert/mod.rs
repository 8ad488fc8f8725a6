//! Conflicts, RULES §11: opening an alert, or counting up the one that is open. What is detected, and when, is in one
//! file for each family; what people do with alerts is in `steps`.

mod budget;
mod cascade;
mod clock;
mod commit;
mod conclusion;
mod converging;
mod lease;
mod output;
mod overdue;
mod owner;
mod raised;
mod review;
mod silent;
mod stale;
mod steps;
mod trigger;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::sheet::Sheet;
use super::{affected, answer, budget as decide_budget, inbox};
use crate::domain::deed::Body;
use crate::domain::ids::{Actor, AlertNo, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::path::FieldPath;
use crate::domain::things::{Alert, AlertKind, AlertSide, AlertState, Escalates, SIDES, Severity};
use crate::domain::time::Time;

pub(super) use self::budget::{over_budget, over_volume, say_suppressed};
pub(super) use self::cascade::{cascade, goes_round, is_endless};
pub(super) use self::clock::clock;
pub(super) use self::commit::{after_commit, after_map, over};
pub(super) use self::conclusion::{conclusions_differ, short};
pub(super) use self::converging::{in_vain, not_converging};
pub(super) use self::lease::lease_lapsed;
pub(super) use self::output::{not_owner_output, output_collision};
pub(super) use self::overdue::{MAP, map_overdue, overdue};
pub(super) use self::owner::{not_owner, not_owner_act};
pub(super) use self::raised::name_kinds;
pub(super) use self::review::review_missed;
pub(super) use self::silent::silent_agent;
pub(super) use self::stale::{stale, would_be_stale};
pub(super) use self::steps::decide;
pub(super) use self::trigger::{claims_collide, listeners_collide};

/// Most alerts open at once where no agent set off the next one. Beyond it they are counted, as those of an agent are beyond
/// its part: somebody has stopped looking long before.
const OPEN_ALERTS: usize = 100_000;

/// From this count on an alert is critical whatever its kind: it does not stop by itself.
pub(super) const LOUD: u64 = 10;

/// A conflict about to be told: opened, or counted where its fingerprint is open already.
pub(super) struct Finding {
    pub(super) kind: AlertKind,
    /// What makes it the same conflict again, among those of its kind.
    pub(super) same: String,
    pub(super) on: Option<FieldPath>,
    pub(super) title: String,
    pub(super) sides: Vec<AlertSide>,
    pub(super) first_cause: Option<Seq>,
    /// How often it has happened, as far as one can see when it opens.
    pub(super) count: u64,
}

/// A side that is no value of a field: who did, or wants, what, and what was done with it.
pub(super) fn side(
    actor: &Actor,
    deed: Option<Seq>,
    on: Option<&FieldPath>,
    at: Time,
    (why, outcome): (Option<&str>, &str),
) -> AlertSide {
    AlertSide {
        actor: actor.clone(),
        deed,
        path: on.cloned(),
        read: None,
        wrote: None,
        value: None,
        at,
        why: why.map(Arc::from),
        outcome: Arc::from(outcome),
    }
}

/// Opens an alert, or counts up the open one of the same fingerprint within its window. Of a kind that a person must
/// settle, a new one opens its inbox item too.
pub(super) fn raise(sheet: &mut Sheet<'_>, finding: Finding, cause: Seq) -> Option<AlertNo> {
    if let Some(gathered) = &mut sheet.gathered {
        gathered.push((finding, cause));
        return None;
    }
    tell(sheet, finding, cause, true)
}

/// The same for an alert whose item the caller opens, with what waits in it.
pub(super) fn raise_with_item(sheet: &mut Sheet<'_>, finding: Finding, cause: Seq) -> Option<AlertNo> {
    tell(sheet, finding, cause, false)
}

/// Notes on a deed the alerts that it raised, for its answer: those of which each side is for its author to see. To one
/// that is left out its own sides lead.
pub(super) fn note(sheet: &mut Sheet<'_>, primary: Seq, raised: impl IntoIterator<Item = AlertNo>) {
    let mut raised = raised.into_iter().peekable();
    if raised.peek().is_none() {
        return;
    }
    let author = sheet.deed(primary).and_then(|deed| deed.actor.agent().cloned());
    let board = &sheet.state().board;
    let hidden = |path: &FieldPath| {
        author.as_ref().is_some_and(|agent| board.map.is_hidden(agent, &path.entity, &path.field))
    };
    let is_told = |no: &AlertNo| {
        let sides = board.alerts.get(no).map(|alert| alert.sides.as_slice()).unwrap_or_default();
        !sides.iter().filter_map(|side| side.path.as_ref()).any(hidden)
    };
    let told: Vec<AlertNo> = raised.filter(is_told).collect();
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.alerts.extend(told);
    }
}

/// Tells what was gathered: of a kind that was found more than once, in one tick or in several, one alert with all of it.
pub(super) fn tell_gathered(sheet: &mut Sheet<'_>) {
    let mut kinds: BTreeMap<AlertKind, Vec<(Finding, Seq)>> = BTreeMap::new();
    for (finding, cause) in sheet.gathered.take().unwrap_or_default() {
        kinds.entry(finding.kind).or_default().push((finding, cause));
    }
    for (kind, mut found) in kinds {
        let count = found.len() as u64;
        let same = format!("gathered|{}", sheet.base().board.format);
        if sheet.state().board.fingerprints.contains_key(fingerprint(kind, &same).as_str()) {
            for (finding, cause) in found {
                tell(sheet, Finding { same: same.clone(), on: None, ..finding }, cause, true);
            }
            continue;
        }
        let Some((mut finding, cause)) = found.pop() else { continue };
        if !found.is_empty() {
            finding.same = same;
            finding.title = format!("at once, due before the upgrade; the last: {}", finding.title);
            found.truncate(SIDES - 1);
            let before = found.into_iter().filter_map(|(one, _)| one.sides.into_iter().next_back());
            finding.sides = before.chain(finding.sides.pop()).collect();
            (finding.on, finding.count) = (None, count);
        }
        tell(sheet, finding, cause, true);
    }
}

/// A conflict is over without anybody's answer: what was done about it says the deed. Its item needs none any more.
pub(super) fn end_by_itself(sheet: &mut Sheet<'_>, alert: &Alert, why: &str, cause: Seq) {
    let mut deed = sheet.follow_up(Body::AlertResolved(()), "resolve", Outcome::Recorded, Some(cause));
    deed.subject = alert.on.as_ref().map(|on| on.entity.clone());
    deed.because(why);
    deed.refs.alerts = vec![alert.no];
    deed.refs.item = alert.item;
    let resolved = sheet.push(deed);
    let board = &sheet.state().board;
    let item = alert.item.and_then(|no| board.items.get(&no)).cloned();
    if let Some(item) = item.filter(|item| item.case.alert() == Some(alert.no)) {
        answer::end_by_itself(sheet, &item, why, resolved);
    }
    affected::after_alert(sheet, alert, resolved);
}

/// By what the same conflict is known again.
pub(super) fn fingerprint(kind: AlertKind, same: &str) -> String {
    kind.fingerprint(same)
}

fn tell(sheet: &mut Sheet<'_>, finding: Finding, cause: Seq, escalate: bool) -> Option<AlertNo> {
    let time = sheet.time;
    let state = sheet.state();
    let open = state
        .board
        .fingerprints
        .get(fingerprint(finding.kind, &finding.same).as_str())
        .and_then(|no| state.board.alerts.get(no))
        .filter(|alert| time.since(alert.last) < finding.kind.row().window)
        .map(|alert| (alert.no, alert.count, more_voices(alert, &finding)));
    if let Some((no, count, title)) = open {
        let side = finding.sides.into_iter().next_back()?;
        let mut deed =
            sheet.follow_up(Body::AlertCounted(Box::new(side)), "count alert", Outcome::Opened, Some(cause));
        deed.subject = finding.on.map(|on| on.entity);
        deed.because(format!("{} #{no} ×{}", finding.kind.as_str(), count + 1));
        deed.refs.alerts = vec![no];
        let counted = sheet.push(deed);
        if let (Some(title), Some(deed)) = (title, sheet.deed_mut(counted)) {
            deed.decided.get_or_insert_default().title = Some(title);
        }
        return Some(no);
    }
    let (agent, limits) = (sheet.principal.actor.agent().cloned(), sheet.limits);
    let severity = finding.kind.row().severity;
    let board = &sheet.state().board;
    let shown = match &agent {
        Some(agent) => decide_budget::has_room_for_alert(board, agent, &limits, severity),
        None => board.alerts.len() < OPEN_ALERTS,
    };
    if !shown {
        budget::suppress(sheet, agent.as_ref(), cause);
        return None;
    }
    Some(open_alert(sheet, finding, cause, escalate))
}

/// What the alert of a conversation says once somebody else speaks in it. What other kinds say holds of all of their sides.
fn more_voices(alert: &Alert, finding: &Finding) -> Option<Arc<str>> {
    (alert.kind == AlertKind::OutputCollision && *alert.title != *finding.title)
        .then(|| Arc::from(finding.title.as_str()))
}

fn open_alert(sheet: &mut Sheet<'_>, finding: Finding, cause: Seq, escalate: bool) -> AlertNo {
    let no = sheet.state().board.next.alert;
    let mut who = Vec::new();
    for side in &finding.sides {
        if !who.contains(&side.actor) {
            who.push(side.actor.clone());
        }
    }
    let alert = Alert {
        no,
        kind: finding.kind,
        severity: if finding.count >= LOUD { Severity::Critical } else { finding.kind.row().severity },
        fingerprint: Arc::from(fingerprint(finding.kind, &finding.same)),
        on: finding.on.clone(),
        title: Arc::from(finding.title),
        who,
        count: finding.count,
        first: finding.sides.iter().map(|side| side.at).min().unwrap_or(sheet.time),
        last: sheet.time,
        deed: sheet.next_seq(),
        first_cause: finding.first_cause,
        sides: finding.sides,
        state: AlertState::Open,
        item: None,
        note: None,
    };
    let mut deed =
        sheet.follow_up(Body::AlertOpened(Box::new(alert.clone())), "alert", Outcome::Opened, Some(cause));
    deed.subject = finding.on.map(|on| on.entity);
    deed.because(format!("{} #{no}: {}", alert.kind.as_str(), alert.title));
    deed.refs.alerts = vec![no];
    let opened = sheet.push(deed);
    let enforces = sheet.base().board.enforces();
    if escalate && finding.kind.row().escalates == Escalates::ByItself && enforces && !sheet.imported {
        inbox::open_conflict(sheet, &alert, opened);
    }
    raised::tell_earlier(sheet, &alert, cause);
    no
}
