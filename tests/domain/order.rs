//! Whose case comes first, RULES §12.2, and what the map knows of people.

use super::script::{check_on, play};
use super::world::{TEAM, World};
use deeds::domain::ids::{ItemNo, PersonId};
use deeds::domain::map::{Lint, parse};
use deeds::domain::rule::order;
use deeds::domain::rule::predict::{self, Because};
use deeds::domain::time::Span;

/// dana answers for both queues.
fn both(person: &str) -> String {
    let team =
        TEAM.replacen("name = \"roadmap\"\nowner = \"sam\"", "name = \"roadmap\"\nowner = \"dana\"", 1);
    assert_ne!(team, TEAM);
    team + person
}

const DANA: &str =
    "\n[[person]]\nid = \"dana\"\ntimezone = \"Europe/Madrid\"\npriority = [\"roadmap\", \"ops\"]\n";

fn order(world: &World, who: &str) -> Vec<u64> {
    let (board, who) = (&world.state.board, PersonId::new(who).unwrap());
    let mut items: Vec<_> = board.items.values().collect();
    items.sort_by_key(|item| order::rank(board, item, &who, world.now));
    items.iter().map(|item| item.no.0).collect()
}

fn lints(text: &str) -> Vec<(Lint, String)> {
    parse(text).findings.into_iter().map(|finding| (finding.lint, finding.message)).collect()
}

#[test]
fn overdue_then_priority_then_deadline() {
    let script = "
        support escalates 'a' because 'y' -> escalated
        sales escalates 'b' because 'y' -> escalated
        sales escalates 'c' because 'y' -> escalated
        sourcing escalates 'd' because 'y' -> escalated
        product escalates 'e' because 'y' -> escalated
        ";
    let mut world = check_on(&both(DANA), script);
    assert_eq!(
        order(&world, "dana"),
        [5, 4, 2, 3, 1],
        "roadmap first, product before sourcing, sales before support"
    );
    assert_eq!(
        order(&world, "sam"),
        [2, 3, 5, 1, 4],
        "who has no order of queues has that of agents, and of deadlines"
    );
    world.pass(Span::from_hours(4));
    assert_eq!(order(&world, "dana"), [2, 3, 1, 5, 4], "those of ops are overdue");
}

/// What is critical, and what has little time left, comes before any order of queues; and why is said.
#[test]
fn urgent_cases_come_first_and_say_why() {
    let script = "
        support escalates 'a' because 'y' -> escalated
        sales escalates 'b' because 'y' -> escalated
        sourcing escalates 'd' because 'y' -> escalated
        ";
    let mut world = check_on(&both(DANA), script);
    let why = |world: &World, no: u64| {
        let (board, dana) = (&world.state.board, PersonId::new("dana").unwrap());
        let item = &board.items[&ItemNo(no)];
        order::reasons(board, item, &dana, world.now).join("; ")
    };
    assert_eq!(order(&world, "dana"), [3, 2, 1]);
    assert_eq!(why(&world, 2), "ops is 2 of 2 in your order of queues; sales is 1 of 2 in ops");
    world.pass(Span::from_mins(181));
    assert_eq!(order(&world, "dana"), [2, 1, 3], "three quarters of four hours");
    assert!(
        why(&world, 2).starts_with("three quarters of its time are gone; ops is 2"),
        "{}",
        why(&world, 2)
    );
    assert_eq!(
        order::Urgency::of(&world.state.board, &world.state.board.items[&ItemNo(3)], world.now),
        order::Urgency::Waits
    );
}

#[test]
fn people_of_the_map_are_checked() {
    let two = both("");
    let found = lints(&two);
    let wanted = "dana answers for `ops` and `roadmap`, and nothing says which comes first";
    assert!(found.contains(&(Lint::QueuesWithoutPriority, wanted.to_owned())), "{found:?}");
    assert!(lints(&both(DANA)).iter().all(|(lint, _)| *lint != Lint::QueuesWithoutPriority));
    let one = DANA.replace("[\"roadmap\", \"ops\"]", "[\"ops\"]");
    assert!(
        lints(&both(&one))
            .iter()
            .any(|(lint, text)| *lint == Lint::PriorityLeavesOut && text.contains("roadmap"))
    );
    let out = TEAM.replace("priority = [\"sales\", \"support\"]", "priority = [\"sales\"]");
    assert!(
        lints(&out).iter().any(|(lint, text)| *lint == Lint::PriorityLeavesOut && text.contains("support"))
    );
    let agent = TEAM.replace("name = \"ops\"\nowner = \"dana\"", "name = \"ops\"\nowner = \"sales\"");
    assert!(parse(&agent).has_errors());
    assert!(lints(&agent).iter().any(|(lint, _)| *lint == Lint::AgentAsReviewer));
    for (broken, lint) in [
        (DANA.replace("\"ops\"]", "\"opps\"]"), Lint::UnknownQueue),
        (DANA.replace("Europe/Madrid", "Europe/Madird"), Lint::Types),
        (format!("{DANA}{DANA}"), Lint::DuplicateName),
        (format!("{DANA}\n[[person]]\nid = \"sam\"\naccount = \"dana\"\n"), Lint::DuplicateName),
    ] {
        assert!(lints(&both(&broken)).iter().any(|(found, _)| *found == lint), "{lint:?}: {broken}");
    }
}

#[test]
fn a_map_with_people_reads_back_as_it_was_written() {
    let model =
        parse(&both(&DANA.replace("id = \"dana\"", "id = \"dana\"\naccount = \"dana@northwind.example\"")))
            .applicable()
            .unwrap();
    assert_eq!(parse(&model.to_toml()).applicable().unwrap(), model);
    let account = PersonId::new("dana@northwind.example").unwrap();
    assert_eq!(model.person_of(&account).as_str(), "dana");
    let stranger = PersonId::new("eve").unwrap();
    assert_eq!(model.person_of(&stranger), &stranger);
}

/// A day begins where the person is.
#[test]
fn somebodys_day_begins_in_their_timezone() {
    let world = check_on(
        &both(DANA),
        "
        dana leaves until 2030-01-02 -> recorded
        sam leaves until 2030-01-02 -> recorded
        ",
    );
    let until = |who: &str| world.state.board.away[&PersonId::new(who).unwrap()].until.unwrap().to_string();
    assert_eq!(until("dana"), "2030-01-01T23:00:00.000000Z");
    assert_eq!(until("sam"), "2030-01-02T00:00:00.000000Z");
}

/// Predicted is what those alike got most often, with its counts; of two as frequent what leaves more as it is; before any was
/// answered the nearest zone, and else nothing. An answer that is undone is not counted.
#[test]
fn what_is_predicted_is_counted() {
    let mut world = check_on(
        &both(""),
        "
        sourcing escalates 'a' because 'y' -> escalated
        sales writes crm/contact/7 note=x@0 -> escalated unowned
        ",
    );
    let said = |world: &World, no: u64| {
        let predicted = predict::of(&world.state.board, &world.state.board.items[&ItemNo(no)])?;
        Some((predicted.answer.word(), predicted.because))
    };
    assert_eq!(said(&world, 1), None);
    assert_eq!(said(&world, 2).is_some(), world.state.board.items[&ItemNo(2)].suggestion.is_some());
    let again = |world: &mut World, answer: &str| {
        play(world, &format!("dana {answer} -> recorded\nsourcing escalates 'a' because 'y' -> escalated"));
    };
    again(&mut world, "drops #1 'not ours'");
    assert_eq!(said(&world, 3), Some(("out of scope", Because::Alike { times: 1, of: 1 })));
    again(&mut world, "handles #3 'by phone'");
    assert_eq!(
        said(&world, 4),
        Some(("handle", Because::Alike { times: 1, of: 2 })),
        "it leaves more as it is"
    );
    again(&mut world, "drops #4 'not ours'");
    assert_eq!(said(&world, 5), Some(("out of scope", Because::Alike { times: 2, of: 3 })));
    play(&mut world, "dana drops #5 'no' -> recorded\ndana undoes #5 -> recorded");
    assert_eq!(said(&world, 5), Some(("out of scope", Because::Alike { times: 2, of: 3 })));
}
