//! What a deed was about, as lists show it: two short texts, of which the second is what counts. A function for each
//! answer that a row of the table gives. `→` stands between who gives and who gets.

use std::fmt::Display;

use super::{BranchResult, Deed, NewFormat, NewMap, NewWorkspace, ScopeChange, ScopeTransfer, TaskResult};
use crate::domain::ids::{AgentId, PersonId};
use crate::domain::things::{
    Alert, Allowed, CallMark, ClaimMark, ClockSight, Conclusion, EndedCall, FanOutState, GuardReport,
    HandoffOrder, Invitation, Item, Lease, Loss, MadeCall, PersonKey, Publication, RaisedEvent, Rebased,
    ReviewEnd, ReviewHeld, ReviewMiss, ReviewPlan, ScopeRule, Task, Token, ToolsSeen, TurnedAway, Work,
};

type About = (String, String);

/// Its entity, and which fields of it.
pub(super) fn fields<P>(deed: &Deed, _: &P) -> About {
    let first = deed.fields.iter().find(|field| !field.name.is_whole());
    let more = deed.fields.len().saturating_sub(1);
    let fields = match first {
        None => String::new(),
        Some(first) if more == 0 => format!(" #{}", first.name),
        Some(first) => format!(" #{} +{more}", first.name),
    };
    (entity(deed), fields)
}

fn entity(deed: &Deed) -> String {
    deed.subject.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// `#7 `, or nothing.
fn numbered(no: Option<impl Display>) -> String {
    no.map(|no| format!("#{no} ")).unwrap_or_default()
}

pub(super) fn act<P>(deed: &Deed, _: &P) -> About {
    (format!("{} → ", deed.action), entity(deed))
}

pub(super) fn called(deed: &Deed, mark: &CallMark) -> About {
    (format!("{} → ", mark.name()), entity(deed))
}

pub(super) fn ended_call(deed: &Deed, end: &EndedCall) -> About {
    (format!("{} {} → ", end.mark.name(), end.how.as_str()), entity(deed))
}

pub(super) fn made_call(deed: &Deed, made: &MadeCall) -> About {
    ended_call(deed, &made.end)
}

pub(super) fn offered(_: &Deed, seen: &ToolsSeen) -> About {
    (format!("{} → ", seen.server), format!("{} tools", seen.tools.len()))
}

pub(super) fn alert(deed: &Deed, alert: &Alert) -> About {
    (format!("{} #{} ", alert.kind.as_str(), alert.no), entity(deed))
}

pub(super) fn alert_no<P>(deed: &Deed, _: &P) -> About {
    (format!("alert {}", numbered(deed.refs.alerts.first())), entity(deed))
}

pub(super) fn item(_: &Deed, item: &Item) -> About {
    (format!("#{} ", item.no), item.title.to_string())
}

pub(super) fn item_no<P>(deed: &Deed, _: &P) -> About {
    (numbered(deed.refs.item), entity(deed))
}

pub(super) fn work(_: &Deed, work: &Work) -> About {
    (format!("{} → ", work.kind.word()), work.agent.to_string())
}

pub(super) fn work_nos<P>(deed: &Deed, _: &P) -> About {
    let works: Vec<String> = deed.refs.works.iter().map(ToString::to_string).collect();
    (format!("{} #{} ", deed.action, works.join(" #")), entity(deed))
}

pub(super) fn event(deed: &Deed, raised: &RaisedEvent) -> About {
    let owner = deed.refs.owners.first().map(ToString::to_string).unwrap_or_default();
    (format!("{} → ", raised.event), owner)
}

pub(super) fn claim(_: &Deed, mark: &ClaimMark) -> About {
    (format!("{} ", mark.event), mark.key.to_string())
}

pub(super) fn offer(_: &Deed, order: &HandoffOrder) -> About {
    (format!("{} → ", order.task), order.to.to_string())
}

pub(super) fn task(deed: &Deed, task: &Task) -> About {
    (format!("{} {} ", task.id, deed.action), task.owner.to_string())
}

pub(super) fn task_id(deed: &Deed, task: &impl Display) -> About {
    (format!("{task} {}", deed.action), String::new())
}

pub(super) fn result(deed: &Deed, done: &TaskResult) -> About {
    task_id(deed, &done.task)
}

pub(super) fn fan_out(_: &Deed, fan_out: &FanOutState) -> About {
    (format!("fan-out {} ", fan_out.no), format!("{} branches", fan_out.branches.len()))
}

pub(super) fn branch(_: &Deed, result: &BranchResult) -> About {
    let end = if result.end.ok { "succeeded" } else { "failed" };
    (format!("fan-out {} ", result.fan_out), format!("branch {} {end}", result.index + 1))
}

pub(super) fn joined(_: &Deed, fan_out: &impl Display) -> About {
    (format!("fan-out {fan_out} "), "joined".to_owned())
}

pub(super) fn lease(_: &Deed, lease: &Lease) -> About {
    (format!("lease {} ", lease.fence), lease.target.to_string())
}

pub(super) fn lease_no<P>(deed: &Deed, _: &P) -> About {
    (format!("lease {}", numbered(deed.refs.lease)), deed.action.to_string())
}

pub(super) fn publication(_: &Deed, what: &Publication) -> About {
    (format!("{} ", what.output), what.thread.as_deref().unwrap_or_default().to_owned())
}

pub(super) fn conclusion(deed: &Deed, what: &Conclusion) -> About {
    (format!("{} ", entity(deed)), what.question.to_string())
}

pub(super) fn waited(deed: &Deed, deferred: &impl Display) -> About {
    (format!("deed {deferred} "), entity(deed))
}

pub(super) fn loss(_: &Deed, loss: &Loss) -> About {
    (String::new(), format!("deeds #{} to #{}", loss.first, loss.last))
}

pub(super) fn guarded(_: &Deed, report: &GuardReport) -> About {
    (format!("{} ", report.agent), report.paths.first().map(ToString::to_string).unwrap_or_default())
}

pub(super) fn review(_: &Deed, queue: &impl Display) -> About {
    (format!("{queue} "), "started".to_owned())
}

pub(super) fn review_end(_: &Deed, end: &ReviewEnd) -> About {
    (format!("{} ", end.queue), format!("{} answered", end.answered))
}

pub(super) fn review_plan(_: &Deed, plan: &ReviewPlan) -> About {
    (format!("{} ", plan.queue), format!("begun, {} waiting", plan.waiting.len()))
}

pub(super) fn review_late(_: &Deed, queue: &impl Display) -> About {
    (format!("{queue} "), "late".to_owned())
}

pub(super) fn review_held(_: &Deed, held: &ReviewHeld) -> About {
    (format!("{} ", held.queue), if held.late { "held, late" } else { "held" }.to_owned())
}

pub(super) fn review_miss(_: &Deed, miss: &ReviewMiss) -> About {
    (format!("{} ", miss.queue), "not held".to_owned())
}

pub(super) fn format(_: &Deed, new: &NewFormat) -> About {
    ("format ".to_owned(), new.format.to_string())
}

pub(super) fn workspace(_: &Deed, born: &NewWorkspace) -> About {
    ("workspace ".to_owned(), born.workspace.to_string())
}

pub(super) fn map(_: &Deed, new: &NewMap) -> About {
    (format!("map v{} ", new.version), String::new())
}

pub(super) fn map_review<P>(deed: &Deed, _: &P) -> About {
    (format!("map v{} ", deed.map_version), "gone through".to_owned())
}

pub(super) fn more(_: &Deed, change: &ScopeChange) -> About {
    (format!("{} + ", change.agent), change.grant.to_string())
}

pub(super) fn less(_: &Deed, change: &ScopeChange) -> About {
    (format!("{} - ", change.agent), change.grant.to_string())
}

pub(super) fn transfer(_: &Deed, change: &ScopeTransfer) -> About {
    (format!("{} → {} ", change.from, change.to), change.pattern.to_string())
}

pub(super) fn rule(deed: &Deed, rule: &ScopeRule) -> About {
    rule_no(deed, &rule.no)
}

pub(super) fn rule_no(_: &Deed, rule: &impl Display) -> About {
    (format!("rule {rule} "), String::new())
}

pub(super) fn token(deed: &Deed, token: &Token) -> About {
    token_id(deed, &token.id)
}

pub(super) fn invitation(_: &Deed, invitation: &Invitation) -> About {
    (format!("invitation {} of {} ", invitation.id, invitation.name), String::new())
}

pub(super) fn token_id(_: &Deed, token: &impl Display) -> About {
    (format!("token {token} "), String::new())
}

pub(super) fn person_key(_: &Deed, key: &PersonKey) -> About {
    (format!("key of {}", key.person), String::new())
}

pub(super) fn agent(_: &Deed, agent: &AgentId) -> About {
    (agent.to_string(), String::new())
}

pub(super) fn allowed(_: &Deed, allowed: &Allowed) -> About {
    (allowed.agent.to_string(), String::new())
}

pub(super) fn turned_away(_: &Deed, turned: &TurnedAway) -> About {
    (turned.who.to_string(), format!("{} x{}", turned.code, turned.count))
}

pub(super) fn clock(_: &Deed, sight: &ClockSight) -> About {
    ("the machine's clock".to_owned(), sight.machine.to_string())
}

pub(super) fn rebased(_: &Deed, rebased: &Rebased) -> About {
    (format!("from #{} on, ", rebased.from), format!("{} back", rebased.back().rough()))
}

pub(super) fn person(_: &Deed, person: &PersonId) -> About {
    (person.to_string(), String::new())
}
