//! What the preview of an answer says is what the answer then records: asked before every answer that any test gives.

use std::collections::BTreeSet;

use deeds::domain::command::{Command, ItemVerb, Request};
use deeds::domain::decide::{Answer, FORESEEN, Foreseen, Supposed, Tells, preview};
use deeds::domain::deed::{Body, Deed};
use deeds::domain::ids::{Actor, ItemNo};
use deeds::domain::map::difference;
use deeds::domain::outcome::Outcome;
use deeds::domain::state::State;
use deeds::domain::things::Item;
use deeds::domain::time::Time;

/// Previews the answer on the state that it was decided on, and compares. Any other request is none of its business, and
/// neither is an answer to what is not there, or no longer so: a preview is of what is there now.
pub(crate) fn check(before: &State, request: &Request, answer: &Answer, deeds: &[Deed], now: Time) {
    let Command::Item(step) = &request.command else { return };
    let ItemVerb::Answer(answered) = &step.step else { return };
    let Some(item) = before.board.items.get(&step.item) else { return };
    let Answer::Reply(reply) = answer else { return };
    // A preview is of what is signed once it is meant; that it is to be is one of its sentences.
    let elsewhere = ["key-reused", "signature-needed", "signature-wrong"];
    let none_of_its = reply.code.is_some_and(|code| elsewhere.contains(&code.as_str()));
    if none_of_its || answered.version != item.version || *answered.digest != *item.digest() {
        return;
    }
    let supposed =
        Supposed { by: &request.principal, item, answer: &answered.answer, include: &answered.include };
    let said = preview(before, &supposed, now);
    let place = format!("{:#?}\nsaid {said:#?}\nrecorded {deeds:#?}", answered.answer);
    let recorded: Vec<Foreseen> = deeds.iter().take(FORESEEN).map(Foreseen::of).collect();
    assert_eq!((said.seq, said.count, &said.deeds), (before.head(), deeds.len(), &recorded), "{place}");
    assert_eq!(said.obstacle.is_none(), reply.is_done(), "{place}");
    assert_eq!(said.code, reply.code, "{place}");
    let mut after = before.clone();
    for deed in deeds {
        after.fold(deed);
    }
    let (old, new) = (&before.board, &after.board);
    let moved = old.map_version != new.map_version;
    assert_eq!(said.map, moved.then_some((old.map_version.0, new.map_version.0)), "{place}");
    let changes: Vec<String> =
        difference(old.map.model(), new.map.model()).iter().map(ToString::to_string).collect();
    assert_eq!(said.changes, changes, "{place}");
    if !reply.is_done() {
        assert_eq!(said.obstacle.as_deref(), reply.message.as_deref(), "{place}");
        assert!(
            said.settles.is_empty() && said.then.len() == 1 && said.then[0].starts_with("nothing"),
            "{place}"
        );
        return;
    }
    assert!(!new.items.contains_key(&item.no), "answered, and still open: {place}");
    words(item, deeds, &said.then, &place);
    tells(&said.tells, (item.no, &answered.include), deeds, &place);
    settled(before, &supposed, &said.settles, now, &place);
}

/// Every agent to whom work comes is told, and nobody else of the agents.
fn tells(said: &[Tells], (item, include): (ItemNo, &[ItemNo]), deeds: &[Deed], place: &str) {
    let works = deeds.iter().filter_map(|deed| {
        let Body::WorkQueued(work) = &deed.body else { return None };
        Some(Actor::Agent(work.agent.clone()))
    });
    let recorded: BTreeSet<Actor> = works.collect();
    // Those of cases alike that were not settled with it are told of as well.
    let ours = |told: &&Tells| told.item == item || include.contains(&told.item);
    let agents = said.iter().filter(ours).map(|told| told.who.clone()).filter(|who| who.agent().is_some());
    assert_eq!(agents.collect::<BTreeSet<_>>(), recorded, "{place}");
}

/// The sentences say how the stored input came out.
fn words(item: &Item, deeds: &[Deed], then: &[String], place: &str) {
    let says = |text: &str| then.iter().any(|line| line.contains(text) && !line.starts_with('#'));
    if let Some(input) = input_of(item, deeds) {
        let expected = match (&input.body, input.outcome) {
            (Body::EventRaised(_), _) => "goes to",
            (_, Outcome::Committed) => "decided again at once: committed",
            (_, Outcome::Allowed) => "decided again at once: allowed",
            (_, Outcome::Proposed) => "becomes a proposal",
            (_, Outcome::Escalated) if says("comes back as a new item") => "comes back as a new item",
            (_, Outcome::Escalated) => "joins an item that waits",
            _ if input.code.is_some_and(|code| ["paused", "token-ended"].contains(&code.as_str())) => {
                "is told to send it again"
            }
            _ => "not done",
        };
        assert!(says(expected), "{expected}: {place}");
    }
    let of = |is: fn(&Body) -> bool| deeds.iter().any(|deed| is(&deed.body));
    assert_eq!(of(|body| matches!(body, Body::TaskClosed(_))), says("is closed, and"), "{place}");
    let out = |deed: &&Deed| matches!(deed.body, Body::OutputPublished(_)) && deed.refs.item == Some(item.no);
    assert_eq!(deeds.iter().any(|deed| out(&deed)), says("it goes out"), "{place}");
}

fn input_of<'d>(item: &Item, deeds: &'d [Deed]) -> Option<&'d Deed> {
    deeds.iter().find(|deed| {
        let again = deed.refs.first.is_some() && deed.refs.first == item.evidence.last().copied();
        let event = deed.cause == Some(item.deed) && deed.body.type_name().starts_with("deeds.event.");
        (again && !item.case.is_approval()) || event
    })
}

/// Answered for all those alike that it says it would settle, all of them end, and none of their inputs waits again.
fn settled(before: &State, supposed: &Supposed<'_>, settles: &[ItemNo], now: Time, place: &str) {
    if settles.is_empty() {
        return;
    }
    let all = preview(before, &Supposed { include: settles, ..*supposed }, now);
    assert_eq!(all.obstacle, None, "{settles:?}: {place}");
    let again = |line: &&String| {
        line.starts_with('#')
            && ["becomes a proposal", "comes back", "joins an item"].iter().any(|end| line.contains(end))
    };
    assert_eq!(all.then.iter().find(again), None, "{place}");
}
