//! Events that go round: two agents wake each other and nothing changes, or a chain of causes does not end (RULES §6.4).

use super::item::{self, Found};
use super::{Origin, closes, draft, refuse};
use crate::domain::code::Code;
use crate::domain::command::Raise;
use crate::domain::decide::alert;
use crate::domain::decide::sheet::Sheet;
use crate::domain::ids::{AgentId, AlertNo, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::state::State;
use crate::domain::things::{Case, WAKE_UPS};
use crate::domain::time::{Span, Time};

/// Two that have not woken each other for so long begin anew.
const ROUNDS: Span = Span::from_hours(24);

/// What an event would be among those that two agents wake each other with.
pub(super) struct Round {
    /// How often they have by then.
    pub(super) wake_ups: Option<u32>,
    /// The deed that it follows from: its cause, or the work in its raiser's hands where a longer chain leads there.
    follows: Option<Seq>,
    /// Why it would go round once more, in words.
    pub(super) over: Option<String>,
}

/// The round that this event would be.
pub(super) fn round(sheet: &Sheet<'_>, state: &State, raise: &Raise, origin: &Origin, to: &AgentId) -> Round {
    let by = origin.actor.agent();
    let own = origin.actor == sheet.principal.actor;
    let cause = raise.cause.or_else(|| sheet.in_hand(raise.subject.as_ref()).filter(|_| own));
    let in_hand = sheet.deepest_in_hand().filter(|_| own).map(|(deed, _)| deed);
    let follows = state.links.deeper(cause, in_hand);
    let wake_ups = by.and_then(|by| wake_ups(state, raise, (by, to), sheet.now));
    let most = state.board.map.model().wake_ups.unwrap_or(WAKE_UPS);
    let over = if let (Some(by), Some(subject)) = (by, &raise.subject)
        && wake_ups.is_some_and(|count| count > most)
    {
        Some(format!("{by} and {to} have woken each other {most} times about {subject}, and nothing changed"))
    } else if alert::is_endless(state, follows) {
        Some(format!("{} follows from a chain of deeds that does not end", raise.event))
    } else {
        None
    };
    Round { wake_ups, follows, over }
}

/// How often two agents have woken each other about an entity, this one counted, since something of it changed. Who wakes
/// the other again without being woken by it adds none.
fn wake_ups(state: &State, raise: &Raise, (by, to): (&AgentId, &AgentId), now: Time) -> Option<u32> {
    let subject = raise.subject.as_ref().filter(|_| by != to)?;
    let known = state.board.rounds.get(subject.as_ref());
    let known = known.filter(|known| known.are_of(by, to) && now.since(known.at) < ROUNDS);
    Some(known.map_or(1, |known| known.count + u32::from(known.last.0 != *by)))
}

/// It waits for a person.
pub(super) fn wait(
    sheet: &mut Sheet<'_>,
    state: &State,
    raise: &Raise,
    origin: &Origin,
    (to, round): (&AgentId, &Round),
) -> Seq {
    let why = round.over.as_deref().unwrap_or_default();
    let case = || Case::Loop { alert: AlertNo::default(), raise: raise.clone() };
    let alike = item::goes_round(&raise.event);
    if let Some((code, why)) = closes(state, raise, &origin.actor, (case, &alike)) {
        return refuse(sheet, raise, origin, (code, &why));
    }
    let mut deed = draft(sheet, raise, origin, Outcome::Escalated, why);
    deed.code = Some(Code::Looping);
    deed.refs.owners = vec![to.clone()];
    let primary = sheet.push(deed);
    let alert = tell(sheet, raise, origin, (to, round), primary);
    let raiser = &origin.actor;
    let listeners = [to];
    let found = Found { raise, raiser, claimed: false, listeners: &listeners, alert, goes_round: Some(why) };
    let item = item::open(sheet, &found, primary);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.item = Some(item);
    }
    primary
}

/// Opens or counts up the alert, and notes it on the event's deed.
pub(super) fn tell(
    sheet: &mut Sheet<'_>,
    raise: &Raise,
    origin: &Origin,
    (to, round): (&AgentId, &Round),
    primary: Seq,
) -> Option<AlertNo> {
    let why = round.over.as_deref().unwrap_or_default();
    let pair = (origin.actor.agent(), to);
    let alert = alert::goes_round(sheet, pair, raise.subject.as_ref(), (round.follows, why), primary);
    alert::note(sheet, primary, alert);
    alert
}
