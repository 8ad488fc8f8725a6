//! Publications by who may not, and several agents in one conversation.

use super::{Finding, fingerprint, raise, raise_with_item, side};
use crate::domain::command::Publish;
use crate::domain::decide::effect::{Effect, Voice};
use crate::domain::decide::sheet::Sheet;
use crate::domain::ids::{Actor, AlertNo, Seq};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::state::Board;
use crate::domain::things::{Alert, AlertKind, LastPublication};
use crate::domain::time::Time;

/// A publication on an output that belongs to another agent.
pub(in crate::domain::decide) fn not_owner_output(
    sheet: &mut Sheet<'_>,
    publish: &Publish,
    primary: Seq,
) -> Option<AlertNo> {
    let deed = sheet.deed(primary)?;
    let (actor, done) = (deed.actor.clone(), !deed.outcome.is_refusal());
    let owner = deed.refs.owners.first().cloned()?;
    let on = publish.subject.clone().map(FieldPath::whole);
    let wanted = format!("{} → {}", publish.word(), publish.output);
    let outcome = if done { "published, not the owner" } else { "stopped, not the owner" };
    let at = sheet.time;
    let finding = Finding {
        kind: AlertKind::NotOwner,
        same: format!("{}|{actor}", publish.output),
        title: format!("{actor} publishes on {}, which belongs to {owner}", publish.output),
        sides: vec![
            side(&Actor::Agent(owner), None, on.as_ref(), at, (None, "owner")),
            side(&actor, Some(primary), on.as_ref(), at, (Some(&wanted), outcome)),
        ],
        on,
        first_cause: None,
        count: 1,
    };
    raise(sheet, finding, primary)
}

/// A second voice in a conversation within its window, and every further one. Its approval is the item.
pub(in crate::domain::decide) fn output_collision(
    sheet: &mut Sheet<'_>,
    effect: Effect<'_>,
    Voice { last, met }: &Voice,
    primary: Seq,
) -> Option<AlertNo> {
    let deed = sheet.deed(primary)?;
    let (actor, done) = (deed.actor.clone(), deed.verdict.is_some());
    let on = effect.subject().cloned().map(FieldPath::whole);
    let first = Actor::Agent(last.by.clone());
    let outcome = if done { "published, would be held" } else { "held" };
    let why = effect.reason().map(|why| &**why);
    let mut second = side(&actor, Some(primary), on.as_ref(), sheet.time, (why, outcome));
    second.value = effect.body().cloned();
    let talk = effect.talk(*met);
    let now = sheet.time;
    let open = open_on(&sheet.state().board, &talk, last, now);
    let same = open.as_ref().map_or(talk, |(talk, _)| talk.clone());
    let mut who = open.map(|(_, who)| who).unwrap_or_default();
    for voice in [&first, &actor] {
        if !who.contains(voice) {
            who.push(voice.clone());
        }
    }
    let finding = Finding {
        kind: AlertKind::OutputCollision,
        title: title(&who, &same),
        same,
        sides: vec![side(&first, Some(last.deed), on.as_ref(), last.at, (None, "published")), second],
        on,
        first_cause: Some(last.deed),
        count: 1,
    };
    raise_with_item(sheet, finding, primary)
}

/// `sales and support both speak on thread inv-7`; of more, all of them.
fn title(who: &[Actor], talk: &str) -> String {
    let names: Vec<String> = who.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [first, second] => format!("{first} and {second} both speak on {talk}"),
        [others @ .., last] => format!("{} and {last} speak on {talk}", others.join(", ")),
        [] => talk.to_owned(),
    }
}

/// The alert that is open on the conversation, by what it is known again, and whose voices it has: on the thread or the
/// entity in which the two meet, whichever way it is named; or else on what the other one has named beside it, where that one's
/// voice is a side of it.
fn open_on(board: &Board, talk: &str, last: &LastPublication, now: Time) -> Option<(String, Vec<Actor>)> {
    let kind = AlertKind::OutputCollision;
    let open = |same: &str| {
        let no = board.fingerprints.get(fingerprint(kind, same).as_str())?;
        let alert = board.alerts.get(no).filter(|alert| now.since(alert.last) < kind.row().window)?;
        Some((same.to_owned(), alert))
    };
    let as_thread = |name: &str| format!("thread {name}");
    // A thread may read as the path of the entity.
    let other = talk.strip_prefix("thread ").map_or_else(|| as_thread(talk), str::to_owned);
    let meeting = [talk, &other].into_iter().find_map(open);
    let named = || {
        let names = [last.thread.as_deref(), last.subject.as_ref().map(EntityPath::as_str)];
        let names = names.into_iter().flatten().flat_map(|name| [as_thread(name), name.to_owned()]);
        let spoke = |alert: &Alert| alert.who.iter().any(|who| who.agent() == Some(&last.by));
        names.filter_map(|name| open(&name)).find(|(_, alert)| spoke(alert))
    };
    meeting.or_else(named).map(|(same, alert)| (same, alert.who.clone()))
}
