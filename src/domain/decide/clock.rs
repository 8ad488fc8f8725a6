//! A clock that jumped, RULES §3.7: told once, and until a person says that it is right or it is right again time goes on from
//! when it was believed.

use std::sync::Arc;

use super::sheet::Sheet;
use super::{alert, decide, verdict};
use crate::domain::code::Code;
use crate::domain::command::{Command, CommandKind, Principal, Proof, RebaseClock, Request};
use crate::domain::deed::Body;
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::state::{Board, State, Timer};
use crate::domain::things::{AlertKind, ClockSight, MOVES, Moved, Rebased};
use crate::domain::time::Time;

const REBASE: &str = CommandKind::RebaseClock.row().word;

/// By what the alert is known again.
const SAME: &str = "machine";

/// Tells of the clock: an alert opens, or ends by itself.
pub(super) fn tell(sheet: &mut Sheet<'_>, sight: &ClockSight) -> Seq {
    let (body, words) = if sight.believed {
        (
            Body::ClockBelieved(*sight),
            format!("the machine's clock is believed again: it shows {}", sight.machine),
        )
    } else {
        (Body::ClockDoubted(*sight), doubt(sight))
    };
    let mut deed = sheet.follow_up(body, CommandKind::Clock.row().word, Outcome::Recorded, None);
    deed.because(words.as_str());
    let seq = sheet.push(deed);
    if sight.believed {
        end_alert(sheet, &words, seq);
    } else {
        alert::clock(sheet, SAME, &words, seq);
    }
    seq
}

/// What a re-basing would record, or why it would be refused, RULES §3.8; nothing is recorded.
///
/// # Errors
/// The deed that refuses it, in code and words.
pub fn foreseen(
    state: &State,
    by: &Principal,
    asked: &RebaseClock,
    now: Time,
) -> Result<Rebased, (Code, String)> {
    let request =
        Request { proof: Proof::Supposed, ..Request::new(by.clone(), Command::RebaseClock(asked.clone())) };
    let deed = decide(state, &request, now).deeds.into_iter().next();
    if let Some(Body::ClockRebased(rebased)) = deed.as_ref().map(|deed| &deed.body) {
        return Ok(Rebased::clone(rebased));
    }
    let refused = deed.and_then(|deed| Some((deed.code?, deed.reason?.to_string())));
    Err(refused.unwrap_or_else(|| (Code::WrongState, "nothing would move".to_owned())))
}

/// What was recorded under a wrong clock moves, and time goes on from the right one, RULES §3.8.
pub(super) fn rebase(sheet: &mut Sheet<'_>, asked: &RebaseClock) -> Seq {
    let rebased = match rebased(&sheet.base().board, asked, sheet.now) {
        Ok(rebased) => rebased,
        Err((code, why)) => return sheet.refuse(Body::ClockRefused(()), REBASE, code, &why),
    };
    let now = rebased.now;
    let mut deed = sheet.draft(Body::ClockRebased(Box::new(rebased)), REBASE, Outcome::Recorded);
    deed.because(&asked.reason);
    let seq = sheet.push(deed);
    // Whatever follows is recorded at the right time.
    (sheet.now, sheet.time) = (now, now);
    end_alert(sheet, "what was recorded under the wrong clock was moved", seq);
    seq
}

/// The alert about the clock ends.
fn end_alert(sheet: &mut Sheet<'_>, words: &str, cause: Seq) {
    let board = &sheet.state().board;
    let open = board.fingerprints.get(AlertKind::Clock.fingerprint(SAME).as_str());
    if let Some(open) = open.and_then(|no| board.alerts.get(no)).cloned() {
        alert::end_by_itself(sheet, &open, words, cause);
    }
}

/// What moves, or why nothing does.
fn rebased(board: &Board, asked: &RebaseClock, was: Time) -> Result<Rebased, (Code, String)> {
    if asked.reason.trim().is_empty() {
        return Err((
            Code::WrongState,
            "it is moved with a reason: say in `reason` what was wrong".to_owned(),
        ));
    }
    if let Some(why) = verdict::too_long("reason", Some(&asked.reason)) {
        return Err((Code::OverBound, why));
    }
    let from = asked.from;
    let Some((before, since)) = asked.read.filter(|_| from > Seq(0) && from <= board.head) else {
        return Err((Code::NotFound, format!("there is no deed {from}; the last one is {}", board.head)));
    };
    let now = right_time(board, asked, was)?;
    if now >= was {
        let why =
            format!("it is {was} already: only back time is set; of a clock that was behind, set it right");
        return Err((Code::WrongState, why));
    }
    let since = board.clock.right(from, since);
    let before = before.map(|before| board.clock.right(Seq(from.0 - 1), before));
    let first = since.minus(was.since(now));
    if let Some(before) = before.filter(|before| first < *before) {
        let why = format!(
            "deed {from} would be from {first}, and the one before it is from {before}: name an earlier `from`, or a later time"
        );
        return Err((Code::WrongState, why));
    }
    let mut rebased = Rebased { from, since, was, now, moves: Vec::new(), more: 0 };
    let back = rebased.back();
    let all =
        board.moves(&rebased).map(|(at, timer)| Moved { what: words(timer), was: *at, now: at.minus(back) });
    let mut all: Vec<Moved> = all.collect();
    rebased.more = all.len().saturating_sub(MOVES) as u64;
    all.truncate(MOVES);
    rebased.moves = all;
    Ok(rebased)
}

/// What time it is, as is said, or as the alert about the clock says.
fn right_time(board: &Board, asked: &RebaseClock, was: Time) -> Result<Time, (Code, String)> {
    match (asked.to, asked.by, board.clock.doubted) {
        (Some(_), Some(_), _) => {
            Err((Code::WrongState, "`to` and `by` are two ways to say the same: say one".to_owned()))
        }
        (Some(to), None, _) => Ok(to),
        (None, Some(by), _) => Ok(was.minus(by)),
        (None, None, Some(sight)) => Ok(was.minus(sight.now.since(sight.machine))),
        (None, None, None) => {
            let why = "no alert says how far the clock was off: say in `to` what time it is, or in `by` how far ahead it was";
            Err((Code::WrongState, why.to_owned()))
        }
    }
}

/// What falls due, in words.
fn words(timer: &Timer) -> Arc<str> {
    Arc::from(match timer {
        Timer::Item(no) => format!("item #{no}"),
        Timer::Work(no) => format!("work #{no}"),
        Timer::Lease(fence) => format!("lease {fence}"),
        Timer::FanOut(no) => format!("fan-out #{no}"),
        Timer::Waiting(deferred) => format!("the act that waits since deed {deferred}"),
        Timer::Turn(deferred) => format!("the publication that waits since deed {deferred}"),
        Timer::Event(event) => format!("event {event}"),
        Timer::Review(queue) => format!("review of {queue}"),
        Timer::Claim(no) => format!("claim of item #{no}"),
        Timer::Away(person) => format!("absence of {person}"),
        Timer::Held(path) => format!("hand on {path}"),
        Timer::Frozen(entity) => format!("freeze of {entity}"),
        Timer::Paused(agent) => format!("pause of {agent}"),
        Timer::Act(no) => format!("act #{no}"),
        Timer::AllPaused => "pause of all agents".to_owned(),
    })
}

fn doubt(sight: &ClockSight) -> String {
    let ClockSight { machine, now, .. } = sight;
    let minute = |time: &Time| time.utc().format("%Y-%m-%d %H:%M").to_string();
    let (far, mend) = if machine > now {
        (format!("{} ahead", machine.since(*now).rough()), "if it is right, resolve this; else set it right")
    } else {
        (
            format!("{} behind", now.since(*machine).rough()),
            "set it right; to go on ahead of it, resolve this",
        )
    };
    format!(
        "the machine's clock is {far}: {mend}. It shows {}, Deeds goes by {}",
        minute(machine),
        minute(now)
    )
}
