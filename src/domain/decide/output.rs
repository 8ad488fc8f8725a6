//! Publications, 2-domain §3: by the publisher or in turn, one voice on a thread, approved where that is needed.

use super::sheet::Sheet;
use crate::domain::{code::Code, command::Publish, deed::Body, ids::Seq, state::Publication};

/// Decides a publication by the caller.
pub(super) fn decide(sheet: &mut Sheet<'_>, publish: &Publish) -> Seq {
    let body = Body::OutputRefused(Box::new(publication(publish)));
    sheet.refuse(body, "publish", Code::NotInForce, "publications are not decided yet")
}

/// The publication as its deed keeps it.
pub(super) fn publication(publish: &Publish) -> Publication {
    Publication { output: publish.output.clone(), thread: publish.thread.clone(), body: publish.body.clone() }
}
