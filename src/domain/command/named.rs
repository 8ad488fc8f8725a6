//! Which entities a command names, so that they can be read before it is decided.

use super::{Command, LeaseStep, OverrideVerb};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::things::LeaseTarget;

impl Command {
    /// The entities that it names, each as often as it does. What the rules look at beside them depends on what is there.
    pub fn named(&self) -> Vec<&EntityPath> {
        let (one, others) = self.names();
        one.into_iter().chain(others).collect()
    }

    fn names(&self) -> (Option<&EntityPath>, Vec<&EntityPath>) {
        match self {
            Self::Write(write) => (Some(&write.entity), of(write.depends_on.keys())),
            Self::Act(act) => (Some(&act.subject), of(act.depends_on.keys())),
            Self::Publish(publish) => (publish.subject.as_ref(), of(publish.depends_on.keys())),
            Self::Conclude(conclude) => (Some(&conclude.subject), of(conclude.depends_on.keys())),
            Self::Escalate(escalate) => (escalate.subject.as_ref(), Vec::new()),
            Self::Raise(raise) => (raise.subject.as_ref(), Vec::new()),
            Self::Claim(claim) => (claim.subject.as_ref(), Vec::new()),
            Self::Handoff(handoff) => (handoff.subject.as_ref(), Vec::new()),
            Self::FanOut(order) => (order.subject.as_ref(), Vec::new()),
            Self::Lease(LeaseStep::Acquire { target: LeaseTarget::Path(path), .. }) => {
                (Some(&path.entity), Vec::new())
            }
            Self::Override(order) => (order.step.entity(), Vec::new()),
            Self::Import(line) => (Some(&line.entity), Vec::new()),
            Self::Together(together) => (None, together.commands.iter().flat_map(Self::named).collect()),
            Self::ActEnd(_)
            | Self::OfferZone(_)
            | Self::Take(_)
            | Self::Work(_)
            | Self::Lease(_)
            | Self::Call(_)
            | Self::Item(_)
            | Self::Alert(_)
            | Self::ApplyMap(_)
            | Self::MapReview(_)
            | Self::Token(_)
            | Self::Key(_)
            | Self::AcceptLoss(_)
            | Self::RebaseClock(_)
            | Self::Review(_)
            | Self::Away(_)
            | Self::Guard(_)
            | Self::Tick
            | Self::TurnAway(_)
            | Self::Clock(_) => (None, Vec::new()),
        }
    }
}

fn of<'a>(paths: impl Iterator<Item = &'a FieldPath>) -> Vec<&'a EntityPath> {
    paths.map(|path| &path.entity).collect()
}

impl OverrideVerb {
    /// The entity that it is about.
    pub fn entity(&self) -> Option<&EntityPath> {
        match self {
            Self::Freeze { entity } | Self::Unfreeze { entity } => Some(entity),
            Self::Set { path, .. } | Self::Revert { path, .. } | Self::Release { path } => Some(&path.entity),
            Self::Pause { .. }
            | Self::Resume { .. }
            | Self::Allow { .. }
            | Self::PauseAll
            | Self::ResumeAll
            | Self::Unlock { .. } => None,
        }
    }
}
