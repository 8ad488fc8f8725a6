//! Sessions over a queue, 2-domain §6, and whether the scheduled ones were held.

use super::sheet::Sheet;
use crate::domain::{
    code::Code,
    command::ReviewStep,
    deed::Body,
    ids::{QueueName, Seq},
};

/// Decides a person's step on a review.
pub(super) fn decide(sheet: &mut Sheet<'_>, _step: &ReviewStep) -> Seq {
    sheet.refuse(Body::ReviewRefused(()), "review", Code::NotInForce, "reviews are not decided yet")
}

/// A scheduled review was not held in time.
pub(super) fn missed(_sheet: &mut Sheet<'_>, _queue: &QueueName) -> Option<Seq> {
    None
}
