//! What a commit sets off: two that take turns on a field, and states that must not be true together.

use std::sync::Arc;

use super::{Finding, end_by_itself, fingerprint, note, raise, short};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::verdict::{self, holds};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{AlertNo, Seq};
use crate::domain::map::Contradiction;
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::rule::contradiction;
use crate::domain::rule::ruling::{self, Dispute};
use crate::domain::state::State;
use crate::domain::things::{Alert, AlertKind, AlertSide, Field, FieldChange, Run};

/// What a commit sets off: ping-pong and contradictions; a contradiction whose states agree again is over.
pub(in crate::domain::decide) fn after_commit(sheet: &mut Sheet<'_>, before: &State, primary: Seq) {
    let Some(deed) = sheet.deed(primary) else { return };
    let Some(subject) = deed.subject.clone() else { return };
    let touched = touched(before, deed, &subject);
    let on = |name: &FieldName| before.board.map.contradictions_on(&subject, name).next().is_some();
    let contradictory = touched.iter().any(on);
    let fought = deed.fields.iter().filter(|change| is_fought(before, &subject, deed, change)).count() > 0;
    if !contradictory && !fought {
        return;
    }
    let deed = deed.clone();
    let after = sheet.snapshot().into_owned();
    let mut raised = Vec::new();
    if fought {
        raised.extend(ping_pong(sheet, before, &after, &deed, &subject));
    }
    for name in touched {
        let path = FieldPath::new(subject.clone(), name);
        for rule in before.board.map.contradictions_on(&subject, &path.field) {
            match all_true(&after, rule, &path) {
                Some(finding) => raised.extend(raise(sheet, finding, primary)),
                None => agree(sheet, &after, rule, &path, primary),
            }
        }
    }
    note(sheet, primary, raised);
}

/// The fields that are another than before: of an entity that goes, all that it had.
fn touched(before: &State, deed: &Deed, subject: &EntityPath) -> Vec<FieldName> {
    let mut names: Vec<FieldName> = deed.fields.iter().map(|change| change.name.clone()).collect();
    if let Body::EntityArchived(()) | Body::EntityDeleted(()) = deed.body {
        let had = before.entities.get(subject).into_iter().flat_map(|entity| &entity.fields);
        names.extend(had.map(|(name, _)| name.clone()));
    }
    names
}

/// Not all clauses are true any more: where that was told, it is over.
fn agree(sheet: &mut Sheet<'_>, after: &State, rule: &Contradiction, path: &FieldPath, primary: Seq) {
    let Some(bindings) = rule.all.iter().find_map(|clause| clause.template.bind(path)) else { return };
    let print = contradiction::print(rule, &bindings);
    let board = &sheet.state().board;
    let open = board.fingerprints.get(print.as_str()).and_then(|no| board.alerts.get(no));
    let Some(alert) = open.cloned() else { return };
    let entity = after.entities.get(&path.entity).filter(|entity| entity.gone.is_none());
    let why = match entity.and_then(|entity| entity.field(&path.field)) {
        Some(field) => {
            format!("{path} is {} since deed {primary} by {}", short(&field.value.plain()), field.by)
        }
        None => format!("{} is gone since deed {primary}", path.entity),
    };
    end_by_itself(sheet, &alert, &format!("the states agree again: {why}"), primary);
}

/// Why the states of which an alert tells contradict each other no more, in words.
pub(in crate::domain::decide) fn over(state: &State, alert: &Alert) -> Option<&'static str> {
    if ruling::dispute(alert) != Some(Dispute::States) {
        return None;
    }
    let path = alert.on.as_ref()?;
    let mut rules = state.board.map.contradictions_on(&path.entity, &path.field);
    let same = |rule: &&Contradiction| {
        let bound = rule.all.iter().find_map(|clause| clause.template.bind(path));
        bound.is_some_and(|bindings| contradiction::print(rule, &bindings) == *alert.fingerprint)
    };
    let Some(rule) = rules.find(|rule| same(rule)) else {
        return Some("the map has no such contradiction any more");
    };
    all_true(state, rule, path).is_none().then_some("the states agree by now")
}

/// Another map is in force: contradictions of states that it does not know are over.
pub(in crate::domain::decide) fn after_map(sheet: &mut Sheet<'_>, applied: Seq) {
    let state = sheet.snapshot().into_owned();
    for alert in state.board.alerts.values() {
        if let Some(why) = over(&state, alert) {
            end_by_itself(sheet, alert, why, applied);
        }
    }
}

/// Whether this change hands the field over once more between agents that take turns on it, or makes an A-B-A. A person's
/// correction is no turn, nor is one agent's run of writes, nor adding to a list, nor a step of what only moves forward.
fn is_fought(before: &State, subject: &EntityPath, deed: &Deed, change: &FieldChange) -> bool {
    if deed.actor.agent().is_none() || verdict::goes_one_way(&before.board.map, subject, &change.name) {
        return false;
    }
    let Some(field) = before.entities.get(subject).and_then(|entity| entity.field(&change.name)) else {
        return false;
    };
    let window = AlertKind::PingPong.row().window;
    let recent = |run: &&Run| run.by.agent().is_some() && deed.time.since(run.at) < window;
    let runs: Vec<&Run> = field.runs.iter().filter(recent).collect();
    let Some(last) = runs.last().filter(|last| last.by != deed.actor) else { return false };
    let print = fingerprint(AlertKind::PingPong, subject.as_str());
    if before.board.fingerprints.contains_key(print.as_str()) {
        return true;
    }
    let back = |run: &&Run| Some(&run.value) == change.after.as_ref() && run.value != last.value;
    runs.iter().any(|run| run.by == deed.actor || back(run))
}

fn ping_pong(
    sheet: &mut Sheet<'_>,
    before: &State,
    after: &State,
    deed: &Deed,
    subject: &EntityPath,
) -> Option<AlertNo> {
    let change = deed.fields.iter().find(|change| is_fought(before, subject, deed, change))?;
    let field = after.entities.get(subject)?.field(&change.name)?;
    let on = FieldPath::new(subject.clone(), change.name.clone());
    let turns: Vec<&Run> = field.runs.iter().filter(|run| run.by.agent().is_some()).collect();
    let mut sides: Vec<AlertSide> = turns.iter().map(|run| side_of_run(run, &on)).collect();
    if let Some(last) = sides.last_mut() {
        last.deed = Some(deed.seq);
        last.read = change.base;
        last.why.clone_from(&deed.reason);
    }
    let who: Vec<String> = distinct(&turns);
    let finding = Finding {
        kind: AlertKind::PingPong,
        same: subject.to_string(),
        title: format!("{} take turns on {on}", who.join(" ⇄ ")),
        on: Some(on),
        first_cause: turns.first().map(|run| run.deed),
        count: turns.len() as u64,
        sides,
    };
    raise(sheet, finding, deed.seq)
}

fn distinct(runs: &[&Run]) -> Vec<String> {
    let mut who: Vec<String> = Vec::new();
    for run in runs {
        if !who.iter().any(|name| name == run.by.name()) {
            who.push(run.by.name().to_owned());
        }
    }
    who
}

fn side_of_run(run: &Run, on: &FieldPath) -> AlertSide {
    AlertSide {
        actor: run.by.clone(),
        deed: Some(run.deed),
        path: Some(on.clone()),
        read: Some(run.base),
        wrote: Some(run.version),
        value: Some(run.value.clone()),
        at: run.at,
        why: None,
        outcome: Arc::from("committed"),
    }
}

/// Are all clauses of the rule true together, now that this field has changed?
fn all_true(after: &State, rule: &Contradiction, path: &FieldPath) -> Option<Finding> {
    let bindings = rule.all.iter().find_map(|clause| clause.template.bind(path))?;
    let mut sides = Vec::new();
    for clause in &rule.all {
        let found = holds(after, (clause, rule.case), &bindings)?;
        let field = after.entities.get(&found.entity)?.field(&found.field)?;
        sides.push(side_of_field(field, found));
    }
    sides.sort_by_key(|side| (side.at, side.deed));
    let paths: Vec<String> = sides
        .iter()
        .filter_map(|side| Some(format!("{} is {}", side.path.as_ref()?, side.value.as_ref()?.plain())))
        .collect();
    Some(Finding {
        kind: AlertKind::Contradiction,
        same: contradiction::same(rule, &bindings),
        on: Some(path.clone()),
        title: format!("{}: {}", rule.name, paths.join(", and ")),
        first_cause: sides.first().and_then(|side| side.deed),
        sides,
        count: 1,
    })
}

fn side_of_field(field: &Field, path: FieldPath) -> AlertSide {
    AlertSide {
        actor: field.by.clone(),
        deed: Some(field.deed),
        path: Some(path),
        read: field.runs.last().map(|run| run.base),
        wrote: Some(field.version),
        value: Some(field.value.clone()),
        at: field.at,
        why: None,
        outcome: Arc::from("committed"),
    }
}
