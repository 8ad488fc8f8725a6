//! Work that is taken for a time: at least once, attempts counted, and never without an end.

use std::sync::Arc;

use super::script::{check, check_on, play, run};
use super::world::{TEAM, World, watched};
use deeds::domain::decide::next_due;
use deeds::domain::deed::Body;
use deeds::domain::ids::WorkNo;
use deeds::domain::things::{Case, Work, WorkKind};

/// The team, with an event that goes on from sales to support.
fn routed() -> String {
    let events = "
        [[event]]
        name = 'mail.in'
        [[route]]
        event = 'mail.in'
        agent = 'sales'
        then = ['support', 'product']
        ";
    format!("{TEAM}{events}").replacen(
        "outputs = [\"mail/sales\"]",
        "outputs = [\"mail/sales\"]\ntriggers = [\"mail.in\"]",
        1,
    )
}

const RAISE: &str = r#"dana sends '{"do": "raise", "event": "mail.in"}' -> recorded"#;

fn raised() -> World {
    check_on(&routed(), RAISE)
}

#[test]
fn taken_work_is_out_of_sight() {
    let mut world = raised();
    play(
        &mut world,
        "
        works sales 1
        sales completes 1 -> refused wrong-state
        sales fails 1 'x' -> refused wrong-state
        support takes 1 -> refused not-yours
        sales takes 9 -> refused wrong-state
        sales takes x0 -> refused over-bound
        sales takes x65 -> refused over-bound
        sales takes for 13h -> refused over-bound
        sales takes for 0s -> refused over-bound
        sales takes -> recorded
        sales takes 1 -> refused wrong-state
        ",
    );
    let deeds = world.deeds.len();
    assert_eq!(run(&mut world, "sales takes").message.as_deref(), Some("nothing to do"));
    assert_eq!(world.deeds.len(), deeds, "nothing waits, so nothing happened");
}

/// Each of the sequence gets it after the one before has completed it.
#[test]
fn the_next_in_line_is_woken_by_the_completion() {
    let mut world = raised();
    play(
        &mut world,
        "
        works sales 1
        sales takes -> recorded
        sales completes 1 'answered' -> recorded
        works support 1
        support takes x5 -> recorded
        support returns 2 'busy' -> recorded
        works support 1
        support takes -> recorded
        support completes 2 -> recorded
        works product 1
        product takes -> recorded
        product completes 3 -> recorded
        works
        items
        ",
    );
    let ends: Vec<_> =
        world.deeds.iter().filter(|deed| matches!(deed.body, Body::WorkCompleted(_))).collect();
    let next: Vec<_> = world.deeds.iter().filter(|deed| matches!(deed.body, Body::WorkQueued(_))).collect();
    assert_eq!((next[1].cause, next[2].cause), (Some(ends[0].seq), Some(ends[1].seq)));
}

#[test]
fn a_lapse_gives_it_back_and_the_late_one_is_refused() {
    let mut world = raised();
    play(
        &mut world,
        "
        sales takes for 1m -> recorded
        pass 1m
        sales completes 1 -> refused wrong-state
        sales takes for 1m -> recorded
        pass 1m
        tick
        ",
    );
    let work = &world.state.board.works[&WorkNo(1)];
    assert_eq!((work.attempts, work.history.len(), work.taken_until), (2, 1, None));
    assert!(next_due(&world.state).unwrap() > world.now);
}

/// Out of attempts: one item with the history, whichever way the attempts ended.
#[test]
fn what_is_out_of_attempts_goes_to_a_person() {
    let mut world = raised();
    play(
        &mut world,
        "
        sales takes -> recorded
        sales fails 1 'no such customer' -> failed
        sales takes for 1m -> recorded
        pass 2m
        tick
        sales takes -> recorded
        sales returns 1 'I give up' try=3 -> escalated out-of-attempts
        items #1
        works
        ",
    );
    let item = world.state.board.items.values().next().unwrap();
    let Case::GivenUp { work } = &item.case else { panic!("{item:#?}") };
    let told: Vec<(&str, u32)> =
        work.history.iter().map(|attempt| (&*attempt.how, attempt.attempt)).collect();
    assert_eq!(told, [("failed", 1), ("lapsed", 2), ("returned", 3)]);
    play(
        &mut world,
        "
        dana expands #1 sales writes crm/account/* -> refused wrong-state
        dana! transfers #1 crm/account/* from sales to support -> refused wrong-state
        dana drops #1 'not ours' rule -> refused wrong-state
        dana handles #1 'I answered it' -> recorded
        works sales 1, support 1
        dana undoes #1 -> recorded
        works
        items #1
        dana drops #1 'a hoax' -> recorded
        works sales 1
        ",
    );
}

/// Another agent gets it in place of the one that gave it up, and who comes next comes after that one.
#[test]
fn what_was_given_up_is_given_to_another() {
    let mut world = raised();
    for _ in 0..3 {
        play(&mut world, "sales takes -> recorded");
        run(&mut world, "sales fails 1 'x'");
    }
    play(
        &mut world,
        "
        dana forwards #1 wanda 'try that one' -> refused not-found
        dana forwards #1 product 'it can' -> recorded
        works product 1, sales 1
        dana undoes #1 -> recorded
        works
        dana forwards #1 product 'it can' -> recorded
        works product 1, sales 1
        product takes -> recorded
        ",
    );
    let given = |work: &&Arc<Work>| work.agent.as_str() == "product";
    let no = world.state.board.works.values().find(given).unwrap().no;
    play(
        &mut world,
        &format!(
            "
            product completes {no} -> recorded
            works sales 1, support 1
            dana undoes #1 -> refused used-since
            "
        ),
    );
}

/// What a person handled goes on, unless it was used: then the answer stays.
#[test]
fn an_answer_that_was_taken_up_stays() {
    let mut world = raised();
    for _ in 0..3 {
        play(&mut world, "sales takes -> recorded");
        run(&mut world, "sales fails 1 'x'");
    }
    play(
        &mut world,
        "
        dana handles #1 'done' -> recorded
        support takes -> recorded
        dana undoes #1 -> refused used-since
        ",
    );
}

#[test]
fn an_unheeded_item_is_looked_after_once() {
    let mut world = raised();
    play(
        &mut world,
        "
        pass 15m
        tick
        alerts silent-agent x1
        pass 9h
        tick
        alerts silent-agent x1
        works sales 1
        sales takes -> recorded
        ",
    );
    let unheeded = world.deeds.iter().filter(|deed| matches!(deed.body, Body::WorkUnheeded(()))).count();
    assert_eq!(unheeded, 1);
}

/// An agent that is busy, or that a person has stopped, is not silent.
#[test]
fn a_sign_of_life_is_no_silence() {
    let mut world = raised();
    play(
        &mut world,
        "
        sales writes crm/account/acme plan=team@0 -> committed
        pass 15m
        tick
        alerts
        ",
    );
    let mut world = raised();
    play(&mut world, "dana pauses sales 'it shouts' -> recorded\npass 15m\ntick\nalerts");
}

#[test]
fn where_deeds_only_observes_it_ends_as_failed() {
    let mut world = World::new(&watched());
    play(
        &mut world,
        "
        sales fans support within 1h tries 1 -> recorded
        support takes -> recorded
        support fails 1 'x' -> failed out-of-attempts
        works sales 1
        items
        ",
    );
}

/// What only tells may be completed without taking it.
#[test]
fn notices_need_no_taking() {
    let world = check(
        "
        sales writes crm/account/acme health=good@0 -> proposed not-owner
        support takes -> recorded
        support accepts 1 -> committed
        works sales 1
        sales accepts 2 -> refused wrong-state
        sales completes 2 -> recorded
        works
        ",
    );
    assert!(world.state.board.works_by.is_empty());
}

/// A proposal that its owner takes and never decides ends with a person, and its author is told the answer.
#[test]
fn a_proposal_that_nobody_decides_ends() {
    let mut world = check("sales writes crm/account/acme health=good@0 -> proposed not-owner");
    for _ in 0..3 {
        play(&mut world, "support takes -> recorded\npass 5m\ntick");
    }
    play(
        &mut world,
        "
        works
        items #1
        sales writes crm/account/acme health=good@0 -> proposed not-owner
        items #1
        dana handles #1 'set by hand' -> recorded
        works sales 1, support 2
        ",
    );
}

/// The list by agent says what the list of all says.
#[test]
fn the_list_by_agent_is_the_list_of_all() {
    let world = raised();
    let sales = "sales".parse().unwrap();
    let listed: Vec<WorkNo> = world.state.board.work_of(&sales).map(|work| work.no).collect();
    assert_eq!(listed, [WorkNo(1)]);
    let work = world.state.board.work_of(&sales).next().unwrap();
    assert!(matches!(&work.kind, WorkKind::Dispatch { then, .. } if then.len() == 2));
}

/// The next in the sequence is given what the one before came to; what a person did in its place is nobody's result.
#[test]
fn the_next_in_a_sequence_gets_the_result_of_the_one_before() {
    let mut world = raised();
    play(
        &mut world,
        "
        sales takes -> recorded
        sales completes 1 'two of them' '{\"found\": [\"a\", \"b\"]}' -> recorded
        ",
    );
    let before = |world: &World| {
        let work = world.state.board.works.values().next_back().unwrap();
        let WorkKind::Dispatch { before, .. } = &work.kind else { panic!("{work:?}") };
        before.as_ref().map(|before| {
            let result = before.result.as_ref().map(|result| result.as_json().to_string());
            (before.by.to_string(), result, before.note.as_deref().map(str::to_owned))
        })
    };
    let said = ("sales".into(), Some("{\"found\":[\"a\",\"b\"]}".into()), Some("two of them".into()));
    assert_eq!(before(&world), Some(said));
    play(&mut world, "support takes -> recorded\nsupport completes 2 -> recorded");
    assert_eq!(before(&world), None);
}

/// Two processes of one agent: the one that was too slow ends nothing that the other is at.
#[test]
fn an_earlier_taker_ends_nothing() {
    let mut world = raised();
    play(
        &mut world,
        r"
        sales takes for 1m -> recorded
        pass 2m
        sales takes for 10m -> recorded
        sales completes 1 'late' try=1 -> refused attempt-over
        sales fails 1 'late' try=1 -> refused attempt-over
        sales returns 1 'late' try=3 -> refused attempt-over
        sales completes 1 -> refused no-attempt
        sales fails 1 'x' -> refused no-attempt
        support completes 1 'late' try=2 -> refused not-yours
        sales completes 1 'late' try=2 -> recorded
        works support 1
        ",
    );
}

/// Who failed or gave back has said so itself: no doubt who has it now.
#[test]
fn a_step_without_an_attempt_goes_on_where_there_is_no_doubt() {
    let mut world = raised();
    play(
        &mut world,
        r"
        sales takes -> recorded
        sales fails 1 'busy' -> failed
        sales takes -> recorded
        sales returns 1 'still busy' -> recorded
        sales takes -> recorded
        sales completes 1 -> recorded
        support hands draft-7 to sales -> recorded
        sales takes 3 for 1m -> recorded
        pass 2m
        tick
        sales takes 3 for 1m -> recorded
        sales returns 3 'too long' -> refused no-attempt
        sales returns 3 'too long' try=1 -> refused attempt-over
        pass 2m
        tick
        // Nobody has it, and the task needs no taking.
        sales returns 3 'too long' -> recorded
        ",
    );
}

const APPROVED: &str = "
    support writes crm/account/acme health=good@0 -> committed
    sales acts mail/sales send_upsell on crm/account/acme dep=crm/account/acme#health@1 -> escalated needs-approval
    dana approves #1 -> recorded
    works sales 1
    ";

fn approved() -> World {
    let output = "[[output]]\nname = \"mail/sales\"\nneeds_approval = true\n";
    check_on(&format!("{TEAM}{output}"), APPROVED)
}

/// A person's answer that its agent does not fetch is looked after like work that somebody waits for.
#[test]
fn an_answer_that_nobody_fetches_is_told() {
    let mut world = approved();
    play(
        &mut world,
        "
        pass 14m
        tick
        alerts
        pass 2m
        tick
        alerts silent-agent x1
        sales takes 1 for 1m -> recorded
        pass 2m
        tick
        pass 16m
        tick
        alerts silent-agent x2
        ",
    );
}

/// The yes is good for what it was given on.
#[test]
fn what_was_approved_on_an_old_basis_does_not_go_ahead() {
    let mut world = approved();
    play(
        &mut world,
        "
        support writes crm/account/acme health=bad@1 -> committed
        works sales 2
        sales takes 1 -> recorded
        works sales 2
        sales done 1 -> refused wrong-state
        ",
    );
    let told = world.state.board.works.values().next_back().unwrap();
    let WorkKind::Decision { result: Some(result), .. } = &told.kind else { panic!("{told:?}") };
    assert_eq!((result.outcome, result.act), (deeds::domain::outcome::Outcome::Stale, None));
    assert!(told.taken_until.is_some() && told.title.contains("crm/account/acme#health"), "{told:?}");
    let mut world = approved();
    play(
        &mut world,
        "
        sales takes 1 -> recorded
        support writes crm/account/acme health=bad@1 -> committed
        sales done 1 -> committed on-outdated-basis
        ",
    );
}
