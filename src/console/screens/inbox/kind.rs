//! The answers that a case can get, and which of them fits which case.

use crate::domain::things::Item;

/// Which answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A zone grows.
    Expand,
    /// A part of another's zone comes over.
    Transfer,
    /// By hand.
    Handle,
    /// Not the team's business.
    OutOfScope,
    /// A publication goes out.
    Approve,
    /// It goes out with another body.
    ApproveEdited,
    /// It does not go out.
    Reject,
    /// The last answer is taken back.
    Undo,
}

impl Kind {
    /// Those that end a case, in the order in which a review sums them up.
    pub(super) const ANSWERS: [Self; 7] = [
        Self::Expand,
        Self::Transfer,
        Self::Handle,
        Self::OutOfScope,
        Self::Approve,
        Self::ApproveEdited,
        Self::Reject,
    ];

    /// The word on the button.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Transfer => "transfer",
            Self::Handle => "handle",
            Self::OutOfScope => "out of scope",
            Self::Approve => "approve",
            Self::ApproveEdited => "approve with edits",
            Self::Reject => "reject",
            Self::Undo => "undo",
        }
    }

    /// What has happened then.
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Expand => "expanded",
            Self::Transfer => "transferred",
            Self::Handle => "handled",
            Self::OutOfScope => "out of scope",
            Self::Approve => "approved",
            Self::ApproveEdited => "approved with edits",
            Self::Reject => "rejected",
            Self::Undo => "waits again",
        }
    }

    /// Whether it is one of the answers to an approval.
    fn approves(self) -> bool {
        matches!(self, Self::Approve | Self::ApproveEdited | Self::Reject)
    }

    /// Why a case can't get this answer, and what it can get.
    ///
    /// # Errors
    /// The reason in words.
    pub(super) fn fits(self, item: &Item) -> Result<(), String> {
        match (self.approves(), item.case.is_approval()) {
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
