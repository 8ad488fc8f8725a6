//! Fan-outs, 2-domain §4: independent pieces of work, joined once with failures as values.

use super::sheet::Sheet;
use crate::domain::{
    code::Code,
    command::FanOut,
    deed::Body,
    ids::{FanOutNo, Seq},
};

/// Decides a fan-out of the caller.
pub(super) fn decide(sheet: &mut Sheet<'_>, _order: &FanOut) -> Seq {
    sheet.refuse(Body::FanOutRefused(()), "fan out", Code::NotInForce, "fan-outs are not decided yet")
}

/// The deadline of a fan-out has passed: it is joined with what is there.
pub(super) fn deadline(_sheet: &mut Sheet<'_>, _no: FanOutNo) -> Option<Seq> {
    None
}
