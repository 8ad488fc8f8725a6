//! The answers that a case can get, and which of them fits which case.

use crate::console::action::Action;
use crate::domain::ids::ItemNo;
use crate::domain::things::{Case, Item, Likely};

/// Which answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A zone grows.
    Expand,
    /// A part of another's zone comes over.
    Transfer,
    /// By hand.
    Handle,
    /// Which side is right.
    Ruling,
    /// Not the team's business.
    OutOfScope,
    /// A task that leads nowhere is offered again.
    SendOn,
    /// A publication goes out.
    Approve,
    /// It goes out with another body.
    ApproveEdited,
    /// It does not go out.
    Reject,
    /// The last answer is taken back.
    Undo,
    /// No answer: it waits on, knowingly.
    Leave,
    /// No answer: it is somebody else's from now on.
    HandOn,
}

/// All there is to say of an answer.
struct Row {
    word: &'static str,
    done: &'static str,
    /// Before and after the cases.
    title: [&'static str; 2],
    /// Whether it is one of the answers to an approval.
    approves: bool,
}

impl Kind {
    /// Whether it is about the scope, and not about one input.
    pub(super) fn is_of_scope(self) -> bool {
        matches!(self, Self::Expand | Self::Transfer)
    }

    /// The answer that an action begins.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other action begins an answer")]
    pub(super) fn of(action: Action) -> Option<Self> {
        Some(match action {
            Action::Expand => Self::Expand,
            Action::Handle => Self::Handle,
            Action::Ruling => Self::Ruling,
            Action::OutOfScope => Self::OutOfScope,
            Action::SendOn => Self::SendOn,
            Action::Approve => Self::Approve,
            Action::ApproveEdited => Self::ApproveEdited,
            Action::Reject => Self::Reject,
            Action::Leave => Self::Leave,
            _ => return None,
        })
    }

    /// The answer that is expected.
    pub(super) fn likely(answer: Likely) -> Self {
        match answer {
            Likely::Handle => Self::Handle,
            Likely::OutOfScope => Self::OutOfScope,
            Likely::Ruling => Self::Ruling,
            Likely::SendOn => Self::SendOn,
            Likely::Expand => Self::Expand,
            Likely::Reject => Self::Reject,
            Likely::ApproveEdited => Self::ApproveEdited,
            Likely::Approve => Self::Approve,
        }
    }

    /// Whether it ends a case.
    pub(super) fn is_answer(self) -> bool {
        !matches!(self, Self::Undo | Self::Leave | Self::HandOn)
    }

    /// Those that end a case, in the order in which a review sums them up.
    pub(super) const ANSWERS: [Self; 9] = [
        Self::Expand,
        Self::Transfer,
        Self::Handle,
        Self::Ruling,
        Self::OutOfScope,
        Self::SendOn,
        Self::Approve,
        Self::ApproveEdited,
        Self::Reject,
    ];

    fn row(self) -> Row {
        let row = |word, done, title, approves| Row { word, done, title, approves };
        match self {
            Self::Expand => row("expand", "expanded", ["Expand a scope for ", ""], false),
            Self::Transfer => row("transfer", "transferred", ["Transfer ownership for ", ""], false),
            Self::Handle => row("handle", "handled", ["Handle ", " by hand"], false),
            Self::Ruling => row("rule", "ruled on", ["Ruling on ", ""], false),
            Self::OutOfScope => row("out of scope", "out of scope", ["Out of scope: ", ""], false),
            Self::SendOn => row("send on", "sent on", ["Send on ", ""], false),
            Self::Approve => row("approve", "approved", ["Approve ", ""], true),
            Self::ApproveEdited => {
                row("approve with edits", "approved with edits", ["Approve ", " with edits"], true)
            }
            Self::Reject => row("reject", "rejected", ["Reject ", ""], true),
            Self::Undo => row("undo", "waits again", ["Undo the answer to ", ""], false),
            Self::Leave => row("leave", "left with a reason", ["Leave ", " for later"], false),
            Self::HandOn => row("hand on", "handed on", ["Hand on ", ""], false),
        }
    }

    /// The word on the button.
    pub(super) fn word(self) -> &'static str {
        self.row().word
    }

    /// What has happened then.
    pub(super) fn done(self) -> &'static str {
        self.row().done
    }

    /// What a box is about: this answer to that case.
    pub(super) fn about(self, item: ItemNo) -> String {
        self.title(&format!("#{item}"))
    }

    /// The title of the box for these cases.
    pub(super) fn title(self, cases: &str) -> String {
        let [before, after] = self.row().title;
        format!("{before}{cases}{after}")
    }

    /// Why a case can't get this answer, and what it can get.
    ///
    /// # Errors
    /// The reason in words.
    pub(super) fn fits(self, item: &Item) -> Result<(), String> {
        if !self.is_answer() {
            return Ok(());
        }
        if matches!(item.case, Case::HeldField { .. }) {
            if matches!(self, Self::Approve | Self::Reject) {
                return Ok(());
            }
            return Err(format!(
                "#{} is a write to what a person holds: a lets it through, x keeps the field as it is",
                item.no
            ));
        }
        if matches!(item.case, Case::ZoneOffer { .. }) {
            if matches!(self, Self::Approve | Self::Reject) {
                return Ok(());
            }
            return Err(format!(
                "#{} is a zone that its agent offers: a hands it over, x leaves it where it is",
                item.no
            ));
        }
        if matches!(item.case, Case::UnknownOutcome { .. }) {
            if matches!(self, Self::Approve | Self::Reject) {
                return Ok(());
            }
            return Err(format!(
                "#{} is a call of which nobody knows how it ended: a says that it was done, x that it was not",
                item.no
            ));
        }
        if self == Self::SendOn && !matches!(item.case, Case::Stuck { .. }) {
            return Err(format!("#{} is no task that leads nowhere: only such a one is sent on", item.no));
        }
        if self == Self::Ruling && !matches!(item.case, Case::Conflict { .. }) {
            return Err(format!("#{} is no conflict: there are no sides to rule on", item.no));
        }
        if self == Self::Expand
            && !item.case.is_approval()
            && !answers(&item.case, false).contains(&Action::Expand)
        {
            return Err(format!(
                "#{} ({}) is no matter of scope: h handles it, o puts it out of scope",
                item.no,
                item.case.word()
            ));
        }
        match (self.row().approves, item.case.is_approval()) {
            (false, true) => Err(format!(
                "#{} is a publication that waits for your approval: a approves, A edits it first, x rejects; {} is for escalations",
                item.no,
                self.word()
            )),
            (true, false) => Err(format!(
                "#{} is no publication: e expands a scope, h handles it, o puts it out of scope; {} is for approvals",
                item.no,
                self.word()
            )),
            (false, false) | (true, true) => Ok(()),
        }
    }
}

/// The answers that fit a case, in the order in which they are shown; a conflict has sides where a ruling can be given.
pub(super) fn answers(case: &Case, has_sides: bool) -> &'static [Action] {
    use Action as A;
    match case {
        Case::HeldField { .. }
        | Case::ZoneOffer { .. }
        | Case::ActApproval { .. }
        | Case::UnknownOutcome { .. } => &[A::Approve, A::Reject],
        Case::Approval { .. } => &[A::Approve, A::ApproveEdited, A::Reject],
        Case::Conflict { .. } if has_sides => &[A::Ruling, A::Handle, A::OutOfScope],
        Case::Stuck { .. } => &[A::SendOn, A::Handle, A::OutOfScope],
        Case::Conflict { .. } | Case::MapOverdue { .. } | Case::Loop { .. } | Case::GivenUp { .. } => {
            &[A::Handle, A::OutOfScope]
        }
        Case::UnownedField { .. }
        | Case::UnownedTarget { .. }
        | Case::UnownedOutput { .. }
        | Case::Escalation { .. }
        | Case::UnownedEvent { .. }
        | Case::UnmappedCall { .. }
        | Case::TriggerCollision { .. } => &[A::Expand, A::Handle, A::OutOfScope],
    }
}
