//! Who hears of an alert at once, RULES §11.1: its author in the answer, and of a contradiction whoever wrote before.

use std::collections::BTreeSet;

use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::{propose, work};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Actor, AgentId, AlertNo, Seq};
use crate::domain::sight::Sight;
use crate::domain::state::Board;
use crate::domain::things::{
    Alert, AlertKind, AlertSide, CONCLUDED, RaisedAlert, Work, WorkKind, says_the_same,
};

/// Names in the deed that the answer is made of, and in its parts, of which kind the alerts are that it raised or counted.
pub(in crate::domain::decide) fn name_kinds(sheet: &mut Sheet<'_>, primary: Seq) {
    let Some(parts) = sheet.deed(primary).map(|deed| deed.refs.parts.clone()) else { return };
    let mut all = raised_by(sheet, primary);
    for part in parts {
        let raised = raised_by(sheet, part);
        let alerts = sheet.deed(part).map(|deed| deed.refs.alerts.clone()).unwrap_or_default();
        put(sheet, part, &raised);
        if let Some(deed) = sheet.deed_mut(primary) {
            deed.refs.alerts.extend(alerts);
        }
        all.extend(raised);
    }
    put(sheet, primary, &all);
}

fn put(sheet: &mut Sheet<'_>, seq: Seq, raised: &[RaisedAlert]) {
    if let Some(deed) = sheet.deed_mut(seq).filter(|_| !raised.is_empty()) {
        deed.refs.raised = raised.to_vec();
    }
}

fn raised_by(sheet: &mut Sheet<'_>, seq: Seq) -> Vec<RaisedAlert> {
    let Some(deed) = sheet.deed(seq).filter(|deed| !deed.refs.alerts.is_empty()).cloned() else {
        return Vec::new();
    };
    let set_off = |no: &AlertNo| {
        let of = |one: &&Deed| one.cause == Some(seq) && one.refs.alerts.first() == Some(no);
        let tells = |one: &Deed| matches!(one.body, Body::AlertOpened(_) | Body::AlertCounted(_));
        sheet.deeds().iter().filter(of).any(tells)
    };
    let numbers: BTreeSet<AlertNo> = deed.refs.alerts.iter().filter(|no| set_off(no)).copied().collect();
    if numbers.is_empty() {
        return Vec::new();
    }
    let board = &sheet.state().board;
    let known = |no: AlertNo| {
        let resolved = || board.resolved.iter().find(|alert| alert.no == no);
        board.alerts.get(&no).or_else(resolved)
    };
    let alerts = numbers.into_iter().filter_map(known).filter(|alert| !gives_away(board, &deed, alert));
    alerts.map(|alert| RaisedAlert { alert: alert.no, code: alert.kind }).collect()
}

/// Whether somebody else sees that deed from whom a side of the alert is hidden: of what kind it is would say what is there.
fn gives_away(board: &Board, deed: &Deed, alert: &Alert) -> bool {
    let others = board.map.model().agents.iter().map(|agent| &agent.id);
    others
        .filter(|agent| deed.actor.agent() != Some(agent))
        .any(|agent| !sees_sides(board, agent, alert) && deed.is_seen_by(&Sight::now(agent, &board.map)))
}

fn sees_sides(board: &Board, agent: &AgentId, alert: &Alert) -> bool {
    let sight = Sight::now(agent, &board.map);
    !alert.sides.iter().filter_map(|side| side.path.as_ref()).any(|path| sight.hides_path(path))
}

/// A contradiction opens: whoever wrote before is told, of the paths alone; and so is who wrote last where the answer can't
/// say it. Of what is hidden nothing is told.
pub(super) fn tell_earlier(sheet: &mut Sheet<'_>, alert: &Alert, cause: Seq) {
    if alert.kind != AlertKind::Contradiction || sheet.imported {
        return;
    }
    let Some(deed) = sheet.deed(cause).cloned() else { return };
    let state = sheet.snapshot();
    let quiet = gives_away(&state.board, &deed, alert);
    let decided = state.board.alerts.get(&alert.no).is_some_and(|alert| alert.item.is_some());
    for agent in alert.who.iter().filter_map(Actor::agent) {
        let answered = deed.actor.agent() == Some(agent) && !quiet;
        if answered || !sees_sides(&state.board, agent, alert) || work::full(sheet.state(), 1).is_some() {
            continue;
        }
        let Some(mut words) = words(alert, agent) else { continue };
        if decided {
            words.push_str("; a person decides");
        }
        let no = sheet.state().board.next.work;
        let kind = WorkKind::notice(words.as_str());
        let work = Work::new(no, agent.clone(), kind, words, (sheet.now, sheet.next_seq()));
        propose::queue(sheet, work.about(alert.on.as_ref().map(|on| on.entity.clone())), Some(cause));
    }
}

/// What contradicts what, without values: they stay where sight is asked of them.
fn words(alert: &Alert, agent: &AgentId) -> Option<String> {
    let is_own = |side: &&AlertSide| side.actor.agent() == Some(agent);
    let deed = |side: &AlertSide| side.deed.map(|deed| format!(" (deed {deed})")).unwrap_or_default();
    let own = alert.sides.iter().rev().find(is_own)?;
    let others: Vec<&AlertSide> = alert.sides.iter().filter(|side| !is_own(side)).collect();
    let path = own.path.as_ref()?;
    if &*own.outcome == CONCLUDED {
        let agrees = |side: &AlertSide| match (&side.value, &own.value) {
            (Some(theirs), Some(mine)) => says_the_same(theirs, mine),
            (_, None) | (None, _) => false,
        };
        let otherwise = others.iter().filter(|side| !agrees(side));
        let names: Vec<String> =
            otherwise.map(|side| format!("{}{}", side.actor.name(), deed(side))).collect();
        if names.is_empty() {
            return None;
        }
        let names = names.join(" and ");
        return Some(format!(
            "{names} concluded otherwise on {} than you{}: alert #{}",
            path.entity,
            deed(own),
            alert.no
        ));
    }
    if others.is_empty() {
        return None;
    }
    let name =
        |side: &&AlertSide| Some(format!("{} by {}{}", side.path.as_ref()?, side.actor.name(), deed(side)));
    let names: Vec<String> = others.iter().filter_map(name).collect();
    Some(format!(
        "your {path}{} and {} must not be true together: alert #{}",
        deed(own),
        names.join(" and "),
        alert.no
    ))
}
