//! A clock that jumped, RULES §3.7: told once, and until a person says that it is right or it is right again time goes on from
//! when it was believed.

use super::alert;
use super::sheet::Sheet;
use crate::domain::command::CommandKind;
use crate::domain::deed::Body;
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::things::{AlertKind, ClockSight};
use crate::domain::time::Time;

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
        let board = &sheet.state().board;
        let open = board.fingerprints.get(AlertKind::Clock.fingerprint(SAME).as_str());
        if let Some(open) = open.and_then(|no| board.alerts.get(no)).cloned() {
            alert::end_by_itself(sheet, &open, &words, seq);
        }
    } else {
        alert::clock(sheet, SAME, &words, seq);
    }
    seq
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
