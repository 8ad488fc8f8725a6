//! What agents found out, 2-domain §5: two that differ are a contradiction.

use super::sheet::Sheet;
use crate::domain::{code::Code, command::Conclude, deed::Body, ids::Seq};

/// Decides a conclusion of the caller.
pub(super) fn decide(sheet: &mut Sheet<'_>, conclude: &Conclude) -> Seq {
    let why = "conclusions are not decided yet";
    sheet.refuse_on(Body::ConclusionRefused(()), "conclude", &conclude.subject, (Code::NotInForce, why))
}
