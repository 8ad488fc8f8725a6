//! An admin goes on without deeds that were lost, RULES §13.6. That they are missing the coordinator has seen; here it is
//! recorded, so that everybody finds it in the history.

use super::sheet::Sheet;
use super::verdict;
use crate::domain::code::Code;
use crate::domain::command::{AcceptLoss, CommandKind};
use crate::domain::deed::Body;
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::things::Loss;

const ACTION: &str = CommandKind::AcceptLoss.row().word;

/// Why these words can't be recorded of a loss.
pub fn unfit(accept: &AcceptLoss) -> Option<(Code, String)> {
    if accept.reason.trim().is_empty() {
        let why = "a loss is accepted with a reason: say in `reason` what happened";
        return Some((Code::WrongState, why.to_owned()));
    }
    verdict::too_long("reason", Some(&accept.reason)).map(|why| (Code::OverBound, why))
}

/// Records that the deeds after the last one are gone, up to the one that was seen.
pub(super) fn decide(sheet: &mut Sheet<'_>, accept: &AcceptLoss) -> Seq {
    let head = sheet.base().head();
    let has = (accept.through <= head).then(|| {
        (Code::WrongState, format!("the ledger has deed {}, so that it is not missing", accept.through))
    });
    if let Some((code, why)) = unfit(accept).or(has) {
        return sheet.refuse(Body::LossRefused(()), ACTION, code, &why);
    }
    let loss = Loss { first: head.next(), last: accept.through };
    let mut deed = sheet.draft(Body::LossAccepted(Box::new(loss)), ACTION, Outcome::Recorded);
    deed.because(&accept.reason);
    sheet.push(deed)
}
