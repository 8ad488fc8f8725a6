//! Whose attempt a step on work is about (RULES §7.3).

use crate::domain::code::Code;
use crate::domain::things::Work;
use crate::domain::time::Time;

/// Why a step is not the present taker's, or may not be; none where it is.
pub(in crate::domain) fn doubt(work: &Work, named: Option<u32>, now: Time) -> Option<(Code, String)> {
    let Work { no, attempts, .. } = work;
    match named {
        Some(named) if named != *attempts => {
            let why =
                format!("work {no} was taken {attempts} times, and attempt {named} is not the last one");
            Some((Code::AttemptOver, why))
        }
        None if work.is_taken(now) && may_have_another_taker(work) => {
            let why = format!(
                "work {no} was taken before, and that attempt ended by time only: who had it may still be at it"
            );
            Some((Code::NoAttempt, why))
        }
        Some(_) | None => None,
    }
}

/// Whether an attempt before the present one ended by time, so that its taker may not know of it. Who failed, or gave the
/// work back, has said so itself.
fn may_have_another_taker(work: &Work) -> bool {
    let said = work.history.iter().filter(|attempt| !attempt.is_lapse()).count();
    usize::try_from(work.attempts).is_ok_and(|attempts| attempts > said + 1)
}
