//! Things without their payloads, as a list of many carries them: what agents said at length is there by its beginning.
//!
//! Each value and text is shortened for itself. So what is short already stays as it is, and a thing that changed after it was
//! shortened is, shortened again, what the whole one would be.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    Alert, AlertSide, Attempt, Before, Branch, BranchEnd, Call, Case, ClosedItem, EarlierHand, Effects,
    FanOutState, Feedback, FieldChange, HandoffOrder, Item, ItemAnswer, Redone, Task, TaskStage, WaitingAct,
    WaitingPublication, Work, WorkKind, WorkProduct,
};
use crate::domain::command::{Act, Publish, Raise, Write};
use crate::domain::ids::Version;
use crate::domain::path::{FieldName, FieldPath};
use crate::domain::value::Value;

/// Most bytes of one text, or of one value as JSON.
pub const BRIEF: usize = 512;
/// Most entries of what something was based on.
const BASES: usize = 16;

/// What can be told in short.
pub trait Brief {
    /// Shortens it; says whether there was more.
    fn shorten(&mut self) -> bool;
}

/// The beginning of a text: as much of it as stays short, written as JSON too.
fn beginning(text: &str) -> String {
    let mut left = BRIEF - "\"…\"".len();
    let fits = |letter: &char| {
        let takes = match letter {
            '"' | '\\' => 2,
            control if control.is_control() => "\\u0000".len(),
            other => other.len_utf8(),
        };
        left.checked_sub(takes).map(|rest| left = rest).is_some()
    };
    text.chars().take_while(fits).chain(std::iter::once('…')).collect()
}

impl Brief for Value {
    fn shorten(&mut self) -> bool {
        let long = self.as_json().len() > BRIEF;
        if long {
            *self = Self::text(&beginning(&self.plain()));
        }
        long
    }
}

impl Brief for Arc<str> {
    fn shorten(&mut self) -> bool {
        let long = self.len() > BRIEF;
        if long {
            *self = Self::from(beginning(self));
        }
        long
    }
}

impl Brief for BTreeMap<FieldPath, Version> {
    fn shorten(&mut self) -> bool {
        let Some(first) = self.keys().nth(BASES).cloned() else { return false };
        self.split_off(&first);
        true
    }
}

impl<T: Brief> Brief for Option<T> {
    fn shorten(&mut self) -> bool {
        self.as_mut().is_some_and(Brief::shorten)
    }
}

impl<T: Brief> Brief for Vec<T> {
    fn shorten(&mut self) -> bool {
        self.iter_mut().fold(false, |cut, one| one.shorten() | cut)
    }
}

impl<T: Brief> Brief for BTreeMap<Arc<str>, T> {
    fn shorten(&mut self) -> bool {
        self.values_mut().fold(false, |cut, one| one.shorten() | cut)
    }
}

impl<T: Brief> Brief for BTreeMap<FieldName, T> {
    fn shorten(&mut self) -> bool {
        self.values_mut().fold(false, |cut, one| one.shorten() | cut)
    }
}

impl<T: Brief> Brief for Box<T> {
    fn shorten(&mut self) -> bool {
        (**self).shorten()
    }
}

impl<T: Brief + Clone> Brief for Arc<T> {
    fn shorten(&mut self) -> bool {
        let mut brief = T::clone(self);
        let cut = brief.shorten();
        if cut {
            *self = Self::new(brief);
        }
        cut
    }
}

/// What of a thing may be long.
macro_rules! briefs {
    ($($thing:ident { $($part:ident)* })*) => {
        $(impl Brief for $thing {
            fn shorten(&mut self) -> bool {
                [$(self.$part.shorten()),*].contains(&true)
            }
        })*
    };
}

briefs! {
    Write { changes depends_on reason call }
    Act { depends_on reason call }
    Call { arguments }
    Publish { body depends_on reason }
    Raise { attributes reason }
    Item { case title why }
    ClosedItem { item answer effects }
    Effects { redone }
    Redone { fields }
    FieldChange { before after }
    Alert { sides note title }
    AlertSide { value why }
    Work { kind history title }
    Attempt { note }
    Before { result note }
    Task { order stage history }
    HandoffOrder { work_product context constraints earlier }
    WorkProduct { result status }
    EarlierHand { context constraints }
    Feedback { text }
    FanOutState { reason branches }
    Branch { end }
    BranchEnd { result note }
    WaitingAct { act }
    WaitingPublication { publish }
}

impl Brief for Case {
    fn shorten(&mut self) -> bool {
        match self {
            Self::UnownedField { write, .. } | Self::HeldField { write, .. } => write.shorten(),
            Self::UnownedTarget { act } => act.shorten(),
            Self::ActApproval { act, .. } => act.shorten(),
            Self::UnownedOutput { publish } | Self::Approval { publish, .. } => publish.shorten(),
            Self::Escalation { input } => input.shorten(),
            Self::UnownedEvent { raise }
            | Self::TriggerCollision { raise, .. }
            | Self::Loop { raise, .. } => raise.shorten(),
            Self::UnmappedCall { call, .. } => call.shorten(),
            Self::UnknownOutcome { call, write, .. } => [call.shorten(), write.shorten()].contains(&true),
            Self::GivenUp { work } => work.shorten(),
            Self::Stuck { task, .. } => task.shorten(),
            Self::ZoneOffer { .. } | Self::Conflict { .. } | Self::MapOverdue { .. } => false,
        }
    }
}

impl Brief for WorkKind {
    fn shorten(&mut self) -> bool {
        match self {
            Self::Proposal { write, .. } => write.shorten(),
            Self::Decision { note, reply, input, .. } => {
                [note.shorten(), reply.shorten(), input.shorten()].contains(&true)
            }
            Self::Ruling { value, note, .. } => [value.shorten(), note.shorten()].contains(&true),
            Self::Notice { text, history, .. } => [text.shorten(), history.shorten()].contains(&true),
            Self::Dispatch { attributes, before, .. } => {
                [attributes.shorten(), before.shorten()].contains(&true)
            }
            Self::Handoff { order, history } => [order.shorten(), history.shorten()].contains(&true),
            Self::Returned { history, earlier, .. } => [history.shorten(), earlier.shorten()].contains(&true),
            Self::Branch { input, .. } => input.shorten(),
            Self::Join { branches, .. } => branches.shorten(),
            Self::Free { act, .. } => act.shorten(),
            Self::Changed { .. } => false,
        }
    }
}

impl Brief for TaskStage {
    fn shorten(&mut self) -> bool {
        match self {
            Self::Done { result } => result.shorten(),
            Self::Offered { .. }
            | Self::Accepted { .. }
            | Self::Returned { .. }
            | Self::Escalated { .. }
            | Self::Closed { .. }
            | Self::Aborted => false,
        }
    }
}

impl Brief for ItemAnswer {
    fn shorten(&mut self) -> bool {
        match self {
            Self::Expand { note, .. }
            | Self::Transfer { note, .. }
            | Self::SendOn { note, .. }
            | Self::Approve { note } => note.shorten(),
            Self::Handle { note, reply, .. } => [note.shorten(), reply.shorten()].contains(&true),
            Self::Ruling { value, note, .. } => [value.shorten(), note.shorten()].contains(&true),
            Self::ApproveEdited { body, note } => [body.shorten(), note.shorten()].contains(&true),
            Self::OutOfScope { reason, .. } => reason.shorten(),
            Self::Reject { note } => note.shorten(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_short_stays_and_what_is_long_is_short_after_once() {
        for short in [json!(null), json!(17), json!("acme"), json!({"a": [1, 2]})] {
            let mut value = Value::new(&short).unwrap();
            assert!(!value.shorten(), "{short}");
            assert_eq!(value.json(), short);
        }
        let controls = "\u{1}".repeat(2_000);
        let umlauts = "\u{1F600}ü\"\\".repeat(1_000);
        for long in [json!(controls), json!(umlauts), json!({"text": umlauts}), json!(vec![7; 999])] {
            let mut value = Value::new(&long).unwrap();
            assert!(value.shorten());
            assert!(value.as_json().len() <= BRIEF, "{} bytes of {long:.40}", value.as_json().len());
            assert!(!value.shorten(), "it is brief already");
        }
        let mut text: Arc<str> = Arc::from("ä".repeat(600));
        assert!(text.shorten() && text.len() <= BRIEF && !text.shorten());
    }
}
