//! Which inputs are the same: one item for what is asked again, rules that close that input and no other, answers that
//! settle several (RULES §12.1, §12.4, §12.7), and tries in vain that wait (§4.9).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::Look;
use deeds::domain::code::Code;
use deeds::domain::command::Command;
use deeds::domain::deed::{Body, Deed, ItemClosed};
use deeds::domain::ids::{Actor, AgentId, AlertNo, ItemNo};
use deeds::domain::outcome::Outcome;
use deeds::domain::path::{EntityPath, FieldPath};
use deeds::domain::things::{AlertKind, Case, Item, ItemAnswer};

/// What is kept of inputs.
#[derive(Default)]
pub(crate) struct Cases {
    /// What each open item of an agent was asked as, to the letter.
    asked: BTreeMap<ItemNo, String>,
    /// Inputs that an answer closed for good, by the item that was answered.
    closed: BTreeMap<ItemNo, BTreeSet<String>>,
    /// The field of each alert of writes in vain, and whose they are.
    in_vain: BTreeMap<AlertNo, (AgentId, FieldPath)>,
    /// Their items that wait.
    stuck: BTreeMap<ItemNo, (AgentId, FieldPath)>,
}

impl Cases {
    pub(super) fn look(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        match &deed.body {
            Body::ItemOpened(item) => self.opened(look, item),
            Body::ItemJoined(()) => {
                let no = deed.refs.item.unwrap();
                let open = self.asked.contains_key(&no) || self.stuck.contains_key(&no);
                assert!(open, "joined what is not open: {deed:?}");
            }
            Body::ItemAnswered(closed) => self.answered(look, closed),
            Body::ItemUndone(()) => {
                let no = deed.refs.item.unwrap();
                self.closed.remove(&no);
                let kept = look.state.board.closed_item(no).unwrap();
                self.again_open(&kept.item);
                for other in &kept.effects.included {
                    self.again_open(&look.state.board.closed_item(*other).unwrap().item);
                }
            }
            Body::AlertOpened(alert) => {
                let field = alert.on.clone().filter(|_| alert.kind == AlertKind::NotConverging);
                let tries = look.deeds.iter().rfind(|stale| stale.seq < deed.seq && is_try(stale));
                if let Some((path, agent)) = field.zip(tries.and_then(|deed| deed.actor.agent())) {
                    self.in_vain.insert(alert.no, (agent.clone(), path));
                }
            }
            Body::WriteCommitted(()) => self.check_waits(look),
            _ => {}
        }
        if deed.code == Some(Code::OutOfScope) {
            self.check_closed(look);
        }
    }

    fn opened(&mut self, look: &Look<'_>, item: &Item) {
        let deed = look.deed;
        if let Case::Conflict { alert } = &item.case {
            if let Some(field) = self.in_vain.get(alert) {
                self.stuck.insert(item.no, field.clone());
            }
            self.asked.insert(item.no, format!("#{}", item.no));
            return;
        }
        let same = folded(item);
        let by_rule = self.closed.iter().find(|(_, inputs)| inputs.contains(&same));
        assert!(by_rule.is_none(), "out of scope for good since {:?}: {deed:?}", by_rule.map(|(no, _)| no));
        let asked = to_the_letter(item);
        if item.raised_by.agent().is_some() {
            let waiting = self.asked.iter().find(|(_, other)| **other == asked);
            assert!(waiting.is_none(), "the very same waits as {:?}: {deed:?}", waiting.map(|(no, _)| no));
        }
        self.asked.insert(item.no, asked);
    }

    fn answered(&mut self, look: &Look<'_>, closed: &ItemClosed) {
        let deed = look.deed;
        let no = deed.refs.item.unwrap();
        let of_scope = matches!(closed.answer, ItemAnswer::Expand { .. } | ItemAnswer::Transfer { .. });
        let first = &look.before.board.items[&no];
        let mut inputs = BTreeSet::new();
        for no in std::iter::once(&no).chain(&closed.effects.included) {
            self.asked.remove(no);
            self.stuck.remove(no);
            let item = &look.before.board.items[no];
            if !of_scope {
                assert_eq!(folded(item), folded(first), "another case is settled with it: {deed:?}");
            }
            inputs.insert(folded(item));
        }
        let kind = !matches!(
            first.case,
            Case::Conflict { .. }
                | Case::MapOverdue { .. }
                | Case::Loop { .. }
                | Case::UnknownOutcome { .. }
                | Case::GivenUp { .. }
                | Case::Stuck { .. }
        );
        if matches!(closed.answer, ItemAnswer::OutOfScope { rule: true, .. }) && kind {
            self.closed.insert(no, inputs);
        }
    }

    /// What a rule refuses is an input that a person closed, and no other.
    fn check_closed(&self, look: &Look<'_>) {
        let Some(inputs) = inputs_of(look) else { return };
        let closed = self.closed.values().flatten();
        let found = closed.into_iter().any(|closed| inputs.contains(closed));
        assert!(found, "closed by no rule: {:?}\n{inputs:?}", look.deed);
    }

    fn again_open(&mut self, item: &Item) {
        self.asked.insert(item.no, to_the_letter(item));
        if let Case::Conflict { alert } = &item.case
            && let Some(field) = self.in_vain.get(alert)
        {
            self.stuck.insert(item.no, field.clone());
        }
    }

    /// Who came too late again and again writes that field again once a person has answered.
    fn check_waits(&self, look: &Look<'_>) {
        let (Some(agent), true) = (look.agent(), look.enforced()) else { return };
        let entity = look.deed.subject.as_ref().unwrap();
        for (no, (waits, path)) in &self.stuck {
            let writes =
                *entity == path.entity && look.deed.fields.iter().any(|field| field.name == path.field);
            assert!(!(waits == agent && writes), "waits for #{no}, and yet committed: {:?}", look.deed);
        }
    }
}

/// What the request asks, as each case that may come of it. None where it is several at once.
fn inputs_of(look: &Look<'_>) -> Option<Vec<String>> {
    let asker = &look.request.principal.actor;
    let (cases, subject) = match &look.request.command {
        Command::Write(write) if write.changes.len() == 1 => {
            (vec![Case::UnownedField { write: write.clone(), partial: false }], Some(write.entity.clone()))
        }
        Command::Act(act) => (vec![Case::UnownedTarget { act: act.clone() }], Some(act.subject.clone())),
        Command::Escalate(escalate) => {
            (vec![Case::Escalation { input: escalate.input.clone() }], escalate.subject.clone())
        }
        Command::Raise(raise) => {
            let collision = Case::TriggerCollision { alert: AlertNo(0), raise: raise.clone() };
            (vec![Case::UnownedEvent { raise: raise.clone() }, collision], raise.subject.clone())
        }
        _ => return None,
    };
    Some(cases.iter().map(|case| folded_case(case, asker, subject.as_ref())).collect())
}

/// A write that came too late.
fn is_try(deed: &Deed) -> bool {
    matches!(deed.body, Body::WriteRefused(())) && deed.outcome == Outcome::Stale
}

/// All that was asked, but for what a rule or an alert added.
fn to_the_letter(item: &Item) -> String {
    let mut case = case_of(&item.case);
    for added in ["alert", "over", "held_by", "accountable"] {
        case.remove(added);
    }
    match &item.case {
        Case::Escalation { .. } => {
            format!("{:?} {:?} {:?} {case:?}", item.raised_by, item.queue, item.subject)
        }
        // Each of these comes once by itself.
        Case::GivenUp { .. }
        | Case::Stuck { .. }
        | Case::Conflict { .. }
        | Case::MapOverdue { .. }
        | Case::UnknownOutcome { .. } => {
            format!("#{}", item.no)
        }
        _ => format!("{:?} {case:?}", item.raised_by),
    }
}

/// What was asked, without what tells one time from another.
fn folded(item: &Item) -> String {
    let alone = matches!(
        item.case,
        Case::Conflict { .. }
            | Case::MapOverdue { .. }
            | Case::GivenUp { .. }
            | Case::Stuck { .. }
            | Case::UnknownOutcome { .. }
    );
    if alone {
        return format!("#{}", item.no);
    }
    if let Case::ZoneOffer { pattern, from, to, .. } = &item.case {
        return format!("{pattern} {from} {to}");
    }
    folded_case(&item.case, &item.raised_by, item.subject.as_ref())
}

fn folded_case(case: &Case, by: &Actor, subject: Option<&EntityPath>) -> String {
    let own = matches!(case, Case::Approval { .. } | Case::ActApproval { .. } | Case::HeldField { .. });
    let who = own.then_some(by);
    let told = [
        "op",
        "kind",
        "changes",
        "target",
        "action",
        "thread",
        "output",
        "body",
        "event",
        "attributes",
        "digest",
    ];
    let mut words = Vec::new();
    for (name, asked) in &case_of(case) {
        let whole = ["kind", "input"].contains(&name.as_str());
        let parts = asked.as_object().filter(|_| !whole).into_iter().flatten();
        words.extend(whole.then(|| format!("{name}={}", fold(asked))));
        words.extend(
            parts
                .filter(|(key, _)| told.contains(&key.as_str()))
                .map(|(key, part)| format!("{key}={}", fold(part))),
        );
    }
    format!("{subject:?} {who:?} {}", words.join(" "))
}

fn case_of(case: &Case) -> Map<String, Json> {
    let json = serde_json::to_value(case).unwrap();
    json.as_object().cloned().unwrap()
}

/// Case and white space aside.
fn fold(json: &Json) -> String {
    json.to_string().to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}
