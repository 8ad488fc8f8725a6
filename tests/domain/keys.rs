//! Idempotency keys: the same request is answered once; a key is not used for two.

use super::script::{command, play, words};
use super::world::{TEAM, World, keyed};
use deeds::domain::command::{Command, Request};
use deeds::domain::decide::Answer;
use deeds::domain::time::Span;

fn ask(world: &mut World, who: &str, line: &str, key: &str, digest: &str) -> Answer {
    let command: Command = command(world, &words(line));
    world.pass(Span::from_secs(1));
    world.send(&keyed(who, command, key, digest))
}

fn deed_of(answer: &Answer) -> u64 {
    match answer {
        Answer::Reply(reply) => reply.deed.0,
        Answer::Replay(deed) => deed.0,
    }
}

#[test]
fn the_first_answer_stays() {
    let mut world = World::new(TEAM);
    let line = "writes crm/account/acme health=good@0";
    let first = ask(&mut world, "support", line, "k1", "d1");
    assert!(matches!(&first, Answer::Reply(reply) if reply.outcome.as_str() == "committed"));
    let deeds = world.deeds.len();
    let again = ask(&mut world, "support", line, "k1", "d1");
    assert!(matches!(again, Answer::Replay(_)));
    assert_eq!(deed_of(&again), deed_of(&first));
    assert_eq!(world.deeds.len(), deeds, "a retry leaves no deed");
    // Another caller's key of the same text is another key.
    let other = ask(&mut world, "sales", "writes crm/account/acme plan=team@0", "k1", "d9");
    assert!(matches!(other, Answer::Reply(_)));
    play(&mut world, "= crm/account/acme#health good v1\n= crm/account/acme#plan team v1");
}

#[test]
fn another_body_under_the_same_key_is_an_error() {
    let mut world = World::new(TEAM);
    let first = ask(&mut world, "support", "writes crm/account/acme health=good@0", "k1", "d1");
    let other = ask(&mut world, "support", "writes crm/account/acme health=bad@1", "k1", "d2");
    assert!(matches!(&other, Answer::Reply(reply) if reply.code.unwrap().as_str() == "key-reused"));
    let again = ask(&mut world, "support", "writes crm/account/acme health=good@0", "k1", "d1");
    assert_eq!(deed_of(&again), deed_of(&first), "the first answer stays with the key");
    play(&mut world, "= crm/account/acme#health good v1");
}

/// Refusals and escalations are answers like any other: a retry opens no second item.
#[test]
fn refusals_are_kept_too() {
    let mut world = World::new(TEAM);
    for (line, digest) in [
        ("writes crm/account/acme health=good", "d1"),
        ("writes nowhere/x y=1@0", "d2"),
        ("escalates 'what now' because 'the customer wants special terms'", "d3"),
        ("acts mail/support send on crm/account/acme", "d4"),
    ] {
        let first = ask(&mut world, "sales", line, digest, digest);
        let again = ask(&mut world, "sales", line, digest, digest);
        assert!(matches!(again, Answer::Replay(_)), "{line}");
        assert_eq!(deed_of(&first), deed_of(&again));
    }
    play(&mut world, "items #1 #2");
}

#[test]
fn a_key_is_kept_for_a_day() {
    let mut world = World::new(TEAM);
    let line = "writes crm/account/acme health=good@0";
    ask(&mut world, "support", line, "k1", "d1");
    world.pass(Span::from_hours(23));
    assert!(matches!(ask(&mut world, "support", line, "k1", "d1"), Answer::Replay(_)));
    world.pass(Span::from_hours(1));
    let late = ask(&mut world, "support", line, "k1", "d1");
    assert!(matches!(&late, Answer::Reply(reply) if reply.outcome.as_str() == "stale"), "{late:?}");
    world.verify();
}

/// A door that was closed for a while does not take the place of the answer that was given before.
#[test]
fn a_pause_leaves_the_first_answer() {
    let mut world = World::new(TEAM);
    let line = "writes crm/account/acme health=good@0";
    let first = ask(&mut world, "support", line, "k1", "d1");
    play(&mut world, "dana pauses support 'a look at it' -> recorded");
    let code = |answer: Answer| match answer {
        Answer::Reply(reply) => reply.code.map_or("done", |code| code.as_str()),
        Answer::Replay(_) => "replay",
    };
    assert_eq!(code(ask(&mut world, "support", line, "k1", "d1")), "paused");
    let other = "writes crm/account/other health=good@0";
    assert_eq!(code(ask(&mut world, "support", other, "k2", "d2")), "paused");
    play(&mut world, "dana resumes support 'it is fine' -> recorded");
    let again = ask(&mut world, "support", line, "k1", "d1");
    assert!(matches!(again, Answer::Replay(_)), "{again:?}");
    assert_eq!(deed_of(&again), deed_of(&first));
    // Nothing was decided under the second key, so that it is free for the answer to come.
    assert_eq!(code(ask(&mut world, "support", other, "k2", "d2")), "done");
    play(&mut world, "= crm/account/other#health good v1");
}

/// What a program before answered was told apart by its bytes: sent again as it was, it is the same request.
#[test]
fn a_request_that_was_told_apart_by_its_bytes_is_known_again() {
    let mut world = World::new(TEAM);
    let line = "writes crm/account/acme health=good@0";
    let first = ask(&mut world, "support", line, "k1", "bytes");
    let command: Command = command(&world, &words(line));
    let mut again = keyed("support", command, "k1", "understood");
    assert!(
        matches!(world.send(&again), Answer::Reply(reply) if reply.code.unwrap().as_str() == "key-reused")
    );
    again.key.as_mut().unwrap().of_bytes = Some("bytes".into());
    assert_eq!(deed_of(&world.send(&again)), deed_of(&first));
}

/// One part of a batch, under the key of the batch.
fn part(world: &mut World, line: &str, (key, digest): (&str, &str), at: u32) -> Answer {
    let command: Command = command(world, &words(line));
    let whole = keyed("support", command, key, digest);
    let key = whole.key.as_ref().map(|asked| asked.of_part(at));
    world.send(&Request { key, ..whole })
}

fn is_reused(answer: &Answer) -> bool {
    matches!(answer, Answer::Reply(reply) if reply.code.is_some_and(|code| code.as_str() == "key-reused"))
}

const LINE: &str = "writes crm/account/acme health=good@0";

/// The key of a batch stands for all of it, and for nothing else.
#[test]
fn the_key_of_a_batch_is_one_key() {
    let mut world = World::new(TEAM);
    let first = part(&mut world, LINE, ("k", "all"), 0);
    let second = part(&mut world, "writes support/ticket/7 status=open@0", ("k", "all"), 1);
    assert!(matches!((&first, &second), (Answer::Reply(_), Answer::Reply(_))));
    assert_eq!(deed_of(&part(&mut world, LINE, ("k", "all"), 0)), deed_of(&first));
    assert_eq!(deed_of(&part(&mut world, LINE, ("k", "all"), 1)), deed_of(&second));
    assert!(is_reused(&ask(&mut world, "support", LINE, "k", "one")), "a single request");
    for at in 0..3 {
        assert!(is_reused(&part(&mut world, LINE, ("k", "other"), at)), "part {at} of another batch");
    }
    // The batch and its first part are answered by one deed, and each is told as what it is.
    let kept: Vec<_> = world.state.access.kept().collect();
    assert_eq!(kept.iter().map(|kept| kept.answer.part).collect::<Vec<_>>(), [None, Some(0), Some(1)]);
    for one in kept {
        let answer = world.state.access.answered(&one.actor, &one.key, one.answer.part, one.answer.at);
        assert_eq!(answer, Some(one.answer));
    }
    // What reads like a part is another key, either way.
    let single = ask(&mut world, "support", "writes support/ticket/8 status=open@0", "k/0", "one");
    assert!(matches!(&single, Answer::Reply(reply) if reply.outcome.as_str() == "committed"), "{single:?}");
    assert_eq!(deed_of(&part(&mut world, LINE, ("k", "all"), 0)), deed_of(&first));
    world.verify();

    let mut world = World::new(TEAM);
    ask(&mut world, "support", LINE, "k", "one");
    for at in 0..2 {
        assert!(is_reused(&part(&mut world, LINE, ("k", "all"), at)), "part {at} after a single request");
    }
}

/// A batch of an older program had its number in the key, and is answered as it was.
#[test]
fn a_batch_of_before_is_answered_as_it_was() {
    let mut world = World::new(TEAM);
    let first = ask(&mut world, "support", LINE, "k/0", "all");
    let again = part(&mut world, LINE, ("k", "all"), 0);
    assert!(matches!(again, Answer::Replay(_)));
    assert_eq!(deed_of(&again), deed_of(&first));
}
