//! Detection of conflicts, 2-domain §5, and what people do with alerts.

use std::sync::Arc;

use super::{
    inbox,
    sheet::Sheet,
    verdict::{self, Zones, holds, text},
    write,
};
use crate::domain::{
    code::Code,
    command::{Act, AlertStep, AlertVerb, Write},
    deed::{Body, Deed, FieldChange, Outcome},
    ids::{Actor, AlertNo, Seq},
    map::Contradiction,
    path::{EntityPath, FieldPath},
    state::{Alert, AlertKind, AlertSide, AlertState, Field, Run, Severity, State},
};

/// Most alerts open at once. Beyond it only critical ones are opened: somebody has stopped looking long before.
const OPEN_ALERTS: usize = 10_000;

/// A conflict about to be told: opened, or counted where its fingerprint is open already.
struct Finding {
    kind: AlertKind,
    fingerprint: String,
    on: Option<FieldPath>,
    title: String,
    sides: Vec<AlertSide>,
    first_cause: Option<Seq>,
    /// How often it has happened, as far as one can see when it opens.
    count: u64,
}

/// A refused deed that was based on old versions: its alert, noted on the deed.
pub(super) fn stale(sheet: &mut Sheet<'_>, state: &State, primary: Seq) {
    let Some(deed) = sheet.deed(primary).cloned() else { return };
    if deed.outcome != Outcome::Stale {
        return;
    }
    let raised = would_be_stale(sheet, state, primary, &deed.fields);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.alerts.extend(raised);
    }
}

/// The alert of a deed that was, or in enforce mode would have been, stale.
pub(super) fn would_be_stale(
    sheet: &mut Sheet<'_>,
    state: &State,
    primary: Seq,
    fields: &[FieldChange],
) -> Option<AlertNo> {
    let deed = sheet.deed(primary).cloned()?;
    let subject = deed.subject.clone()?;
    let field = fields.iter().find(|field| field.base.is_some()).or(fields.first())?;
    let on = FieldPath::new(field.entity.clone().unwrap_or_else(|| subject.clone()), field.name.clone());
    let kind = write::stale_kind(fields);
    // From the state: the fields leave out what the loser may not see, and an alert is for people.
    let now = verdict::found(state, &on.entity, &on.field, field.base.unwrap_or_default(), None);
    let winner = now.by.unwrap_or(Actor::Deeds);
    let known = state.entities.get(&on.entity).and_then(|entity| entity.field(&on.field));
    let won = AlertSide {
        actor: winner.clone(),
        deed: known.map(|field| field.deed),
        path: Some(on.clone()),
        read: None,
        wrote: Some(now.version),
        value: now.before,
        at: now.at.unwrap_or(deed.time),
        why: None,
        outcome: Arc::from("committed"),
    };
    let lost = AlertSide {
        actor: deed.actor.clone(),
        deed: Some(primary),
        path: Some(if field.entity.is_some() { FieldPath::whole(subject.clone()) } else { on.clone() }),
        read: field.base,
        wrote: None,
        value: field.after.clone(),
        at: deed.time,
        why: Some(Arc::from(format!(
            "{} · {}",
            deed.action,
            deed.reason.as_deref().unwrap_or("no reason given")
        ))),
        outcome: Arc::from(if deed.outcome == Outcome::Committed {
            "committed, would be stale"
        } else {
            "stopped, stale"
        }),
    };
    let finding = Finding {
        kind,
        fingerprint: format!("{}|{on}|{}", kind.as_str(), deed.actor),
        title: format!("{} acted on {on} as it was before {winner}", deed.actor),
        on: Some(on),
        sides: vec![won, lost],
        first_cause: known.map(|field| field.deed),
        count: 1,
    };
    raise(sheet, finding, primary)
}

/// A write to another's field.
pub(super) fn not_owner(
    sheet: &mut Sheet<'_>,
    state: &State,
    wish: &Write,
    zones: &Zones,
    primary: Seq,
) -> Option<AlertNo> {
    let (owner, names) = zones.others.iter().next()?;
    let name = names.first()?;
    let on = FieldPath::new(wish.entity.clone(), name.clone());
    let actor = sheet.deed(primary).map(|deed| deed.actor.clone())?;
    let field = state.entities.get(&on.entity).and_then(|entity| entity.field(name));
    let mine = AlertSide {
        actor: actor.clone(),
        deed: Some(primary),
        path: Some(on.clone()),
        read: None,
        wrote: None,
        value: wish.changes.get(name).cloned(),
        at: sheet.time,
        why: wish.reason.clone(),
        outcome: Arc::from(if state.board.enforces() {
            "proposed to the owner"
        } else {
            "committed, not the owner"
        }),
    };
    let owners = AlertSide {
        actor: Actor::Agent(owner.clone()),
        deed: field.map(|field| field.deed),
        path: Some(on.clone()),
        read: None,
        wrote: field.map(|field| field.version),
        value: field.map(|field| field.value.clone()),
        at: field.map_or(sheet.time, |field| field.at),
        why: None,
        outcome: Arc::from("owner"),
    };
    let finding = Finding {
        kind: AlertKind::NotOwner,
        fingerprint: format!("not-owner|{}|{actor}", general(&on)),
        title: format!("{actor} writes {on}, which belongs to {owner}"),
        on: Some(on),
        sides: vec![owners, mine],
        first_cause: field.map(|field| field.deed),
        count: 1,
    };
    raise(sheet, finding, primary)
}

/// An act on a target that belongs to another agent.
pub(super) fn not_owner_act(sheet: &mut Sheet<'_>, act: &Act, primary: Seq) -> Option<AlertNo> {
    let deed = sheet.deed(primary)?;
    let actor = deed.actor.clone();
    let owner = deed.refs.owners.first().cloned()?;
    let side = |actor: &Actor, deed, why: Option<Arc<str>>, outcome: &str| AlertSide {
        actor: actor.clone(),
        deed,
        path: Some(FieldPath::whole(act.subject.clone())),
        read: None,
        wrote: None,
        value: None,
        at: sheet.time,
        why,
        outcome: Arc::from(outcome),
    };
    let wanted = Arc::from(format!("{} → {}", act.action, act.target));
    let finding = Finding {
        kind: AlertKind::NotOwner,
        fingerprint: format!("not-owner|{}|{actor}", act.target),
        title: format!("{actor} acts on {}, which belongs to {owner}", act.target),
        on: Some(FieldPath::whole(act.subject.clone())),
        sides: vec![
            side(&Actor::Agent(owner), None, None, "owner"),
            side(&actor, Some(primary), Some(wanted), "stopped, not the owner"),
        ],
        first_cause: None,
        count: 1,
    };
    raise(sheet, finding, primary)
}

/// The path with its last segment open: alerts about the same field of many records are one.
fn general(path: &FieldPath) -> String {
    let text = path.entity.as_str();
    let parent = text.rsplit_once('/').map_or("", |(parent, _)| parent);
    format!("{parent}/*#{}", path.field.as_str())
}

/// What a commit sets off: ping-pong and contradictions.
pub(super) fn after_commit(sheet: &mut Sheet<'_>, before: &State, primary: Seq) {
    let Some(deed) = sheet.deed(primary) else { return };
    let Some(subject) = deed.subject.clone() else { return };
    let contradictory = deed
        .fields
        .iter()
        .any(|field| before.board.map.contradictions_on(&subject, &field.name).next().is_some());
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
    for change in &deed.fields {
        for rule in before.board.map.contradictions_on(&subject, &change.name) {
            let path = FieldPath::new(subject.clone(), change.name.clone());
            raised.extend(contradiction(sheet, &after, rule, &path, primary));
        }
    }
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.alerts.extend(raised);
    }
}

fn fight_print(subject: &EntityPath) -> String {
    format!("ping-pong|{subject}")
}

/// Whether this change goes on, or makes, an A-B-A on its field. Adding in turns to a list is none.
fn is_fought(before: &State, subject: &EntityPath, deed: &Deed, change: &FieldChange) -> bool {
    if verdict::is_append(&before.board.map, subject, &change.name) {
        return false;
    }
    let Some(field) = before.entities.get(subject).and_then(|entity| entity.field(&change.name)) else {
        return false;
    };
    let window = AlertKind::PingPong.window();
    let recent: Vec<&Run> = field.runs.iter().filter(|run| deed.time.since(run.at) < window).collect();
    let others = recent.iter().filter(|run| run.by != deed.actor).count();
    let open = before.board.fingerprints.contains_key(fight_print(subject).as_str());
    if open && others > 0 {
        return true;
    }
    match recent.as_slice() {
        // The writer of now wrote last as well: its run goes on.
        [.., a, b, c] if c.by == deed.actor => alternates(a, b, c),
        [.., a, b] if b.by != deed.actor => {
            a.by == deed.actor || (Some(&a.value) == change.after.as_ref() && a.value != b.value)
        }
        _ => false,
    }
}

/// A-B-A: the first comes back, or its value does.
fn alternates(a: &Run, b: &Run, c: &Run) -> bool {
    a.by == c.by || (a.value == c.value && a.value != b.value)
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
    let mut sides: Vec<AlertSide> = field.runs.iter().map(|run| side_of_run(run, &on)).collect();
    if let Some(last) = sides.last_mut() {
        last.deed = Some(deed.seq);
        last.read = change.base;
        last.why.clone_from(&deed.reason);
    }
    let who: Vec<String> = distinct(&field.runs);
    let finding = Finding {
        kind: AlertKind::PingPong,
        fingerprint: fight_print(subject),
        title: format!("{} take turns on {on}", who.join(" ⇄ ")),
        on: Some(on),
        first_cause: field.runs.first().map(|run| run.deed),
        count: field.runs.iter().map(|run| run.writes).sum(),
        sides,
    };
    raise(sheet, finding, deed.seq)
}

fn distinct(runs: &[Run]) -> Vec<String> {
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
fn contradiction(
    sheet: &mut Sheet<'_>,
    after: &State,
    rule: &Contradiction,
    path: &FieldPath,
    primary: Seq,
) -> Option<AlertNo> {
    let bindings = rule.all.iter().find_map(|clause| clause.template.bind(path))?;
    let mut sides = Vec::new();
    for clause in &rule.all {
        let found = holds(after, clause, &bindings)?;
        let field = after.entities.get(&found.entity)?.field(&found.field)?;
        sides.push(side_of_field(field, found));
    }
    sides.sort_by_key(|side| (side.at, side.deed));
    let paths: Vec<String> = sides
        .iter()
        .filter_map(|side| Some(format!("{} is {}", side.path.as_ref()?, side.value.as_ref()?.plain())))
        .collect();
    let bound: Vec<String> = bindings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let finding = Finding {
        kind: AlertKind::Contradiction,
        fingerprint: format!("contradiction|{}|{}", rule.name, bound.join(",")),
        on: Some(path.clone()),
        title: format!("{}: {}", rule.name, paths.join(", and ")),
        first_cause: sides.first().and_then(|side| side.deed),
        sides,
        count: 1,
    };
    raise(sheet, finding, primary)
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

/// An item is past its deadline.
pub(super) fn overdue(sheet: &mut Sheet<'_>, item: &crate::domain::state::Item, cause: Seq) {
    let on = item.subject.clone().map(FieldPath::whole);
    let side = AlertSide {
        actor: item.raised_by.clone(),
        deed: Some(item.deed),
        path: on.clone(),
        read: None,
        wrote: None,
        value: None,
        at: item.opened,
        why: Some(Arc::clone(&item.why)),
        outcome: Arc::from("waiting"),
    };
    let finding = Finding {
        kind: AlertKind::Overdue,
        fingerprint: format!("overdue|{}", item.no),
        on,
        title: format!("#{} in {} is past its deadline: {}", item.no, item.queue, item.title),
        sides: vec![side],
        first_cause: Some(item.deed),
        count: 1,
    };
    raise(sheet, finding, cause);
}

/// Opens an alert, or counts up the open one of the same fingerprint within its window.
fn raise(sheet: &mut Sheet<'_>, finding: Finding, cause: Seq) -> Option<AlertNo> {
    let time = sheet.time;
    let state = sheet.state();
    let open = state
        .board
        .fingerprints
        .get(finding.fingerprint.as_str())
        .and_then(|no| state.board.alerts.get(no))
        .filter(|alert| time.since(alert.last) < finding.kind.window())
        .map(|alert| (alert.no, alert.count));
    if let Some((no, count)) = open {
        let side = finding.sides.into_iter().next_back()?;
        let mut deed =
            sheet.follow_up(Body::AlertCounted(Box::new(side)), "count alert", Outcome::Opened, Some(cause));
        deed.subject = finding.on.map(|on| on.entity);
        deed.because(format!("{} #{no} ×{}", finding.kind.as_str(), count + 1));
        deed.refs.alerts = vec![no];
        sheet.push(deed);
        return Some(no);
    }
    let full = sheet.state().board.alerts.len() >= OPEN_ALERTS;
    if full && finding.kind.severity() < Severity::Critical {
        return None;
    }
    Some(open_alert(sheet, finding, cause))
}

fn open_alert(sheet: &mut Sheet<'_>, finding: Finding, cause: Seq) -> AlertNo {
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
        severity: finding.kind.severity(),
        fingerprint: Arc::from(finding.fingerprint),
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
    if alert.kind.escalates() && enforces && !sheet.imported {
        inbox::open_conflict(sheet, &alert, opened);
    }
    no
}

/// What a person does with an alert.
pub(super) fn decide(sheet: &mut Sheet<'_>, step: &AlertStep) -> Seq {
    let action = match step.step {
        AlertVerb::Acknowledge => "acknowledge",
        AlertVerb::Resolve => "resolve",
        AlertVerb::Escalate => "escalate alert",
    };
    let refused = || Body::AlertRefused(());
    if let Some(why) = verdict::too_long("note", step.note.as_deref()) {
        return sheet.refuse(refused(), action, Code::OverBound, &why);
    }
    let Some(alert) = sheet.state().board.alerts.get(&step.alert).cloned() else {
        let resolved = sheet.state().board.resolved.iter().any(|alert| alert.no == step.alert);
        let (code, why) =
            if resolved { (Code::WrongState, "is resolved") } else { (Code::NotFound, "is not known") };
        return sheet.refuse(refused(), action, code, &format!("alert #{} {why}", step.alert));
    };
    let note = step.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    let body = match (step.step, note) {
        (AlertVerb::Acknowledge, _) => Body::AlertAcknowledged(()),
        (AlertVerb::Resolve, None) => {
            return sheet.refuse(
                refused(),
                action,
                Code::WrongState,
                "a note is needed to resolve an alert: say what was done",
            );
        }
        (AlertVerb::Resolve, Some(_)) => Body::AlertResolved(()),
        (AlertVerb::Escalate, _) => {
            if let Some(item) = alert.item.filter(|item| sheet.base().board.items.contains_key(item)) {
                let why = format!("alert #{} is in the inbox already, as #{item}", alert.no);
                return sheet.refuse(refused(), action, Code::WrongState, &why);
            }
            return inbox::open_conflict(sheet, &alert, alert.deed);
        }
    };
    let mut deed = sheet.draft(body, action, Outcome::Recorded);
    deed.subject = alert.on.as_ref().map(|on| on.entity.clone());
    deed.cause = Some(alert.deed);
    deed.reason = note.map(text);
    deed.refs.alerts = vec![alert.no];
    sheet.push(deed)
}
