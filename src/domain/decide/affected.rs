//! Who is told of a commit, RULES §4.7: agents that hold something open which depends on a changed field, and agents
//! whose act waited for it. One look-up where nobody holds anything on the entity.

use std::collections::BTreeSet;

use super::sheet::Sheet;
use super::{act, effect, propose, work};
use crate::domain::ids::{AgentId, Seq, Version};
use crate::domain::map::{Defer, While};
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::state::{Board, State};
use crate::domain::things::{Alert, AlertKind, Hold, WaitingAct, Work, WorkKind};
use crate::domain::time::Time;

/// How many of the things held open on one entity are looked at for a commit.
const LOOKED_AT: usize = 1_000;

/// Tells whom the commit concerns. `before` is the state that it was decided on.
pub(super) fn after_commit(sheet: &mut Sheet<'_>, before: &State, primary: Seq) {
    if sheet.imported {
        return;
    }
    let Some(deed) = sheet.deed(primary) else { return };
    let Some(entity) = deed.subject.clone() else { return };
    let Some(holds) = before.board.holds.get(&entity) else { return };
    let changed: Vec<(FieldName, Version)> =
        deed.fields.iter().map(|field| (field.name.clone(), field.version)).collect();
    let writer = deed.actor.agent().cloned();
    let now = sheet.now;
    let mut told: BTreeSet<&AgentId> = BTreeSet::new();
    for hold in holds.iter().take(LOOKED_AT) {
        let agent = holder(&before.board, &entity, *hold, &changed, now);
        told.extend(agent.filter(|agent| Some(*agent) != writer.as_ref()));
    }
    for agent in told {
        notice(sheet, before, agent, &entity, &changed, primary);
    }
    for deferred in holds.range(Hold::Waiting(Seq(0))..).copied().filter_map(waiting).take(LOOKED_AT) {
        wake(sheet, deferred, primary);
    }
}

/// A contradiction is over: what waited for that is woken.
pub(super) fn after_alert(sheet: &mut Sheet<'_>, alert: &Alert, cause: Seq) {
    if alert.kind != AlertKind::Contradiction {
        return;
    }
    let state = sheet.snapshot();
    let entities: BTreeSet<&EntityPath> =
        alert.sides.iter().filter_map(|side| side.path.as_ref()).map(|path| &path.entity).collect();
    let holds = entities.into_iter().flat_map(|entity| state.board.holds_on(entity));
    let waiting: BTreeSet<Seq> = holds.filter_map(waiting).take(LOOKED_AT).collect();
    for deferred in waiting {
        wake(sheet, deferred, cause);
    }
}

/// A `while` that asks for more than fields of the subject is over: an item was closed, or nothing of others is so any more.
pub(super) fn after_all(sheet: &mut Sheet<'_>) {
    let before = sheet.base();
    if before.board.waiting.is_empty() || !before.joined.is_needed() || sheet.imported {
        return;
    }
    let now = sheet.snapshot();
    if !now.joined.has_ended_since(&before.joined) {
        return;
    }
    let over = |rule: &Defer, subject: &EntityPath| {
        let open = |state: &State| match &rule.while_ {
            None => false,
            Some(While::Escalated) => state.joined.has_open_item(subject),
            Some(joined @ While::All(_)) => state.joined.met(joined, rule.case, subject).is_some(),
        };
        open(before) && !open(&now)
    };
    let freed = |waiting: &WaitingAct| {
        let mut rules = before.board.map.defers(&waiting.agent).iter();
        rules.any(|rule| over(rule, &waiting.act.subject))
    };
    let all = now.board.waiting.iter().filter(|(_, waiting)| freed(waiting));
    let freed: Vec<Seq> = all.map(|(deferred, _)| *deferred).collect();
    let Some(cause) = sheet.deeds().last().map(|deed| deed.seq) else { return };
    for deferred in freed {
        wake(sheet, deferred, cause);
    }
}

fn waiting(hold: Hold) -> Option<Seq> {
    match hold {
        Hold::Waiting(deferred) => Some(deferred),
        Hold::Work(_) | Hold::Act(_) | Hold::Lease(_) => None,
    }
}

/// Whose it is, if it depends on one of the changed fields.
fn holder<'a>(
    board: &'a Board,
    entity: &EntityPath,
    hold: Hold,
    changed: &[(FieldName, Version)],
    now: Time,
) -> Option<&'a AgentId> {
    let touches = |path: &FieldPath| {
        let covers = |name: &FieldName| path.field.is_whole() || name.is_whole() || path.field == *name;
        path.entity == *entity && changed.iter().any(|(name, _)| covers(name))
    };
    match hold {
        Hold::Work(no) => {
            let work = board.works.get(&no)?;
            depends(work, entity, &touches).then_some(&work.agent)
        }
        Hold::Act(no) => {
            let act = board.acts.get(&no)?;
            let mut here = act.based_on.iter().filter(|path| path.entity == *entity).peekable();
            (here.peek().is_none() || here.any(touches)).then_some(&act.agent)
        }
        Hold::Lease(fence) => {
            let lease = board.leases.get(&fence)?;
            let covers = changed.iter().any(|(name, _)| lease.covers(entity, name));
            (covers && lease.is_live(board.agents_clock(now))).then_some(&lease.holder)
        }
        Hold::Waiting(_) => None,
    }
}

/// A proposal depends on what it changes and what it was based on; other work about a record on all of it.
fn depends(work: &Work, entity: &EntityPath, touches: &impl Fn(&FieldPath) -> bool) -> bool {
    let WorkKind::Proposal { write, .. } = &work.kind else { return true };
    write.changes.is_empty()
        || write.changes.keys().any(|name| touches(&FieldPath::new(entity.clone(), name.clone())))
        || write.depends_on.keys().any(touches)
}

/// One notice for each agent and entity; one that is not read yet says as much. Of what is hidden nothing is told.
fn notice(
    sheet: &mut Sheet<'_>,
    before: &State,
    agent: &AgentId,
    entity: &EntityPath,
    changed: &[(FieldName, Version)],
    primary: Seq,
) {
    let map = &before.board.map;
    let path = |name: &FieldName| FieldPath::new(entity.clone(), name.clone());
    let seen = changed.iter().filter(|(name, _)| !map.is_hidden(agent, entity, name));
    let fields: Vec<(FieldPath, Version)> = seen.map(|(name, version)| (path(name), *version)).collect();
    let unread = |work: &std::sync::Arc<Work>| {
        matches!(work.kind, WorkKind::Changed { .. }) && work.subject.as_ref() == Some(entity)
    };
    let state = sheet.state();
    if fields.is_empty() || state.board.work_of(agent).any(unread) || work::full(state, 1).is_some() {
        return;
    }
    let no = state.board.next.work;
    let Some(by) = sheet.deed(primary).map(|deed| deed.actor.clone()) else { return };
    let names: Vec<String> = fields.iter().map(|(path, version)| format!("{path} v{version}")).collect();
    let title = format!("{by} changed {}", names.join(", "));
    let kind = WorkKind::Changed { fields, by, change: primary };
    let work = Work::new(no, agent.clone(), kind, title, (sheet.now, sheet.next_seq()));
    propose::queue(sheet, work.about(Some(entity.clone())), Some(primary));
}

/// An act that waits is woken when nobody goes first any more.
fn wake(sheet: &mut Sheet<'_>, deferred: Seq, primary: Seq) {
    let now = sheet.now;
    let state = sheet.state();
    let Some(waiting) = state.board.waiting.get(&deferred) else { return };
    if effect::is_free(state, &waiting.agent, &waiting.act, now) {
        act::wake(sheet, deferred, Some(primary));
    }
}
