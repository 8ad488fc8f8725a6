//! What each agent did, what people did about it, and how ready it is by that: RULES §14 told anew, from the deeds alone.
//!
//! `verdicts` says how each gate stands and by which figures; here is what they are found by.

use std::collections::{BTreeMap, BTreeSet};

use super::Look;
use deeds::domain::command::{Command, OverrideVerb};
use deeds::domain::deed::{Body, Deed};
use deeds::domain::ids::{AgentId, AlertNo, Fence, ItemNo, QueueName, WorkNo};
use deeds::domain::outcome::Outcome;
use deeds::domain::things::ItemAnswer;
use deeds::domain::time::Time;

/// Kinds of alerts that are coordination failures whatever happened (§11.5).
const FAILURES: [&str; 6] =
    ["trigger-collision", "output-collision", "contradiction", "ping-pong", "not-converging", "cascade"];
/// And those that are where what they are about was done all the same.
const WHERE_DONE: [&str; 2] = ["stale-read", "stale-write"];

/// The lives of all agents.
#[derive(Default)]
pub(crate) struct Lives {
    pub(super) each: BTreeMap<AgentId, Life>,
    pub(super) troubles: BTreeMap<AlertNo, Trouble>,
    pub(super) reviews: BTreeMap<QueueName, Vec<Turn>>,
    /// When the map was put in force or gone through last.
    pub(super) care: Option<Time>,
    /// Who raised each item, and whether it asks for an approval.
    items: BTreeMap<ItemNo, (Option<AgentId>, bool)>,
    works: BTreeMap<WorkNo, AgentId>,
    leases: BTreeMap<Fence, AgentId>,
}

/// What one agent did, and what was done about it.
#[derive(Default)]
pub(super) struct Life {
    /// When, and whether it was turned away.
    pub(super) deeds: Vec<(Time, bool)>,
    /// Returns and failures.
    pub(super) slips: Vec<Time>,
    /// When a person stepped in.
    pub(super) stepped_in: Vec<Time>,
    /// What people said to what it wanted to publish: on which item, when, and whether it went out as it was.
    pub(super) answers: Vec<(ItemNo, Time, bool)>,
}

/// A coordination failure.
pub(super) struct Trouble {
    pub(super) who: BTreeSet<AgentId>,
    pub(super) last: Time,
    pub(super) open: bool,
    pub(super) kind: String,
    pub(super) failure: bool,
}

/// A scheduled review that is over.
pub(super) struct Turn {
    pub(super) due: Time,
    pub(super) held: bool,
    pub(super) late: bool,
}

impl Lives {
    /// Nobody has done anything yet, and the first map is in force.
    pub(super) fn of(born: &Deed) -> Self {
        Self { care: Some(born.time), ..Self::default() }
    }

    /// Takes in a deed, under the map that it was decided by.
    pub(super) fn look(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        if let Some(agent) = look.agent() {
            // What only would have been, where the workspace observes, is the same.
            let away = matches!(deed.verdict.unwrap_or(deed.outcome), Outcome::Refused | Outcome::Stale);
            self.life(agent).deeds.push((deed.time, away));
        }
        self.remember(deed);
        self.slips(look);
        self.hands(look);
        self.answers(deed);
        self.troubles(look);
        self.reviews(deed);
    }

    fn life(&mut self, agent: &AgentId) -> &mut Life {
        self.each.entry(agent.clone()).or_default()
    }

    /// Whose things are that later deeds name by number.
    fn remember(&mut self, deed: &Deed) {
        match &deed.body {
            Body::ItemOpened(item) => {
                self.items.insert(item.no, (item.raised_by.agent().cloned(), item.case.is_approval()));
            }
            Body::WorkQueued(work) => {
                self.works.insert(work.no, work.agent.clone());
            }
            Body::LeaseGranted(lease) | Body::LeaseTransferred(lease) => {
                self.leases.insert(lease.fence, lease.holder.clone());
            }
            Body::WorkspaceCreated(_)
            | Body::WorkspaceFounded(_)
            | Body::MapApplied(_)
            | Body::MapReviewed(()) => {
                self.care = Some(deed.time);
            }
            _ => {}
        }
    }

    /// A return is a task that came back to its giver or leads nowhere, or work given back; a failure a failed act or attempt, or one whose
    /// time ran out.
    fn slips(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        let whose = match &deed.body {
            Body::HandoffReturned(task) | Body::HandoffEscalated(task) | Body::TaskAborted(task) => {
                Some(task.order.from.clone())
            }
            Body::ActFailed(()) => look.agent().cloned(),
            Body::WorkReturned(()) | Body::WorkFailed(()) | Body::WorkLapsed(()) => {
                deed.refs.works.first().and_then(|no| self.works.get(no)).cloned()
            }
            _ => None,
        };
        if let Some(agent) = whose {
            self.life(&agent).slips.push(deed.time);
        }
    }

    /// What a person does over the agents' heads (§13.1), and what a person handled (§12.4).
    fn hands(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        if deed.actor.person().is_none() {
            return;
        }
        let whose: Vec<AgentId> = match &deed.body {
            Body::EntityFrozen(()) | Body::EntityUnfrozen(()) => {
                let entity = deed.subject.as_ref().unwrap();
                let known = look.state.entities.get(entity);
                let fields =
                    known.iter().flat_map(|known| known.fields.iter().map(|(name, _)| name.as_str()));
                owners(look, entity.as_str(), &fields.chain([""]).collect::<Vec<_>>())
            }
            Body::AgentPaused(agent) | Body::AgentResumed(agent) => vec![agent.clone()],
            Body::LeaseRevoked(()) => {
                deed.refs.lease.and_then(|fence| self.leases.get(&fence)).cloned().into_iter().collect()
            }
            Body::WriteCommitted(()) | Body::EntityCreated(()) if by_hand(look) => {
                let fields: Vec<&str> = deed.fields.iter().map(|field| field.name.as_str()).collect();
                owners(look, deed.subject.as_ref().unwrap().as_str(), &fields)
            }
            Body::ItemAnswered(closed) if matches!(closed.answer, ItemAnswer::Handle { .. }) => {
                let all = deed.refs.item.iter().chain(&closed.effects.included);
                all.filter_map(|no| self.items.get(no)?.0.clone()).collect()
            }
            _ => Vec::new(),
        };
        for agent in whose {
            self.life(&agent).stepped_in.push(deed.time);
        }
    }

    /// What was said to approvals, and what of it was taken back.
    fn answers(&mut self, deed: &Deed) {
        match &deed.body {
            Body::ItemAnswered(closed) => {
                let plain = match &closed.answer {
                    ItemAnswer::Approve { .. } => true,
                    ItemAnswer::ApproveEdited { .. } | ItemAnswer::Reject { .. } => false,
                    _ => return,
                };
                let all: Vec<ItemNo> =
                    deed.refs.item.iter().chain(&closed.effects.included).copied().collect();
                for no in all {
                    if let Some((Some(agent), true)) = self.items.get(&no).cloned() {
                        self.life(&agent).answers.push((no, deed.time, plain));
                    }
                }
            }
            Body::ItemUndone(()) => {
                // Those that the same answer settled are open again with it.
                let no = deed.refs.item.unwrap();
                let at = self.each.values().flat_map(|life| &life.answers).rfind(|(item, ..)| *item == no);
                let Some((_, at, _)) = at.copied() else { return };
                for life in self.each.values_mut() {
                    life.answers.retain(|(item, when, _)| *when != at || *item != no);
                }
            }
            _ => {}
        }
    }

    fn troubles(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        match &deed.body {
            Body::AlertOpened(alert) => {
                let failure =
                    is_failure(look, alert.kind.as_str(), alert.sides.last().and_then(|side| side.deed));
                let who = alert.who.iter().filter_map(|who| who.agent().cloned()).collect();
                let kind = alert.kind.as_str().to_owned();
                self.troubles.insert(alert.no, Trouble { who, last: deed.time, open: true, kind, failure });
            }
            Body::AlertCounted(side) => {
                let Some(trouble) = deed.refs.alerts.first().and_then(|no| self.troubles.get_mut(no)) else {
                    return;
                };
                let kind = trouble.kind.clone();
                trouble.failure |= is_failure(look, &kind, side.deed);
                trouble.last = deed.time;
                trouble.who.extend(side.actor.agent().cloned());
            }
            Body::AlertResolved(()) => {
                for no in &deed.refs.alerts {
                    self.troubles.get_mut(no).unwrap().open = false;
                }
            }
            Body::AlertReopened(alert) => self.troubles.get_mut(&alert.no).unwrap().open = true,
            _ => {}
        }
    }

    fn reviews(&mut self, deed: &Deed) {
        let (queue, turn) = match &deed.body {
            Body::ReviewHeld(held) => (&held.queue, Turn { due: held.turn.due, held: true, late: held.late }),
            Body::ReviewMissed(miss) => (&miss.queue, Turn { due: miss.turn.due, held: false, late: false }),
            _ => return,
        };
        self.reviews.entry(queue.clone()).or_default().push(turn);
    }
}

/// The agents whose one of these fields is.
fn owners(look: &Look<'_>, entity: &str, fields: &[&str]) -> Vec<AgentId> {
    let agents = look.model.agents.iter().map(|agent| &agent.id);
    let own =
        agents.filter(|agent| fields.iter().any(|field| look.zones.writes(agent.as_str(), entity, field)));
    own.cloned().collect()
}

/// A person set a field, or put it back.
fn by_hand(look: &Look<'_>) -> bool {
    let Command::Override(order) = &look.request.command else { return false };
    matches!(order.step, OverrideVerb::Set { .. } | OverrideVerb::Revert { .. })
}

/// Whether an alert of that kind about that deed says that agents failed to coordinate.
fn is_failure(look: &Look<'_>, kind: &str, about: Option<deeds::domain::ids::Seq>) -> bool {
    if FAILURES.contains(&kind) {
        return true;
    }
    let about = about.and_then(|seq| look.deeds.iter().find(|deed| deed.seq == seq));
    let went_through =
        about.is_some_and(|deed| matches!(deed.outcome, Outcome::Committed | Outcome::Allowed));
    // What a call wrote has happened when it is recorded: its act was allowed before.
    let of_call = |deed: &Deed| matches!(deed.body, Body::WriteCommitted(())) && deed.refs.act.is_some();
    let was_allowed_before =
        about.is_some_and(|deed| matches!(deed.body, Body::ActDone(())) || of_call(deed));
    WHERE_DONE.contains(&kind) && went_through && (was_allowed_before || !look.enforced())
}
