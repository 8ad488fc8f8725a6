//! Whose case comes first, RULES §12.2, and what the map knows of people.

use std::sync::Arc;

use super::script::{check_on, play, run};
use super::world::{TEAM, World};
use deeds::domain::ids::{AgentId, ItemNo, PersonId};
use deeds::domain::map::{Lint, parse};
use deeds::domain::rule::order::{self, Urgency};
use deeds::domain::rule::ordered::{OrderedItems, Whose};
use deeds::domain::rule::predict::{self, Because};
use deeds::domain::things::Item;
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

/// Everybody's order as it is kept, and as it is worked out from nothing.
fn follow(world: &World, kept: &mut [(Whose, OrderedItems)]) -> Vec<usize> {
    let (board, mut looked) = (&world.state.board, Vec::new());
    for (whose, items) in kept {
        looked.push(items.follow(board, whose, world.now));
        let own = |item: &&Arc<Item>| {
            whose.agent.as_ref().is_none_or(|agent| item.raised_by.agent() == Some(agent))
        };
        let mut all: Vec<_> = board.items.values().filter(own).collect();
        match &whose.person {
            Some(person) => all.sort_by_key(|item| order::rank(board, item, person, world.now)),
            None => all.sort_by_key(|item| (item.due, item.no)),
        }
        let all: Vec<ItemNo> = all.into_iter().map(|item| item.no).collect();
        assert_eq!(items.rows().copied().collect::<Vec<_>>(), all, "{whose:?} at {}", world.now);
    }
    looked
}

fn everybody() -> Vec<(Whose, OrderedItems)> {
    let person = |who: &str| Whose { person: PersonId::new(who).ok(), agent: None };
    let agent = Whose { person: None, agent: AgentId::new("sales").ok() };
    [person("dana"), person("sam"), agent, Whose::default()]
        .map(|whose| (whose, OrderedItems::default()))
        .into()
}

#[test]
fn an_order_that_is_kept_is_that_of_all_items_sorted() {
    let (mut items, mut critical) = (0, 0);
    for seed in 1..=12_u64 {
        let mut world = check_on(&both(DANA), "");
        let (mut kept, mut dice) = (everybody(), seed);
        for step in 0..70 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (what, some) = (dice >> 60, dice >> 40 & 7);
            let who = ["sales", "support", "product", "sourcing"][usize::try_from(some & 3).unwrap()];
            let no = world.state.board.items.keys().nth(usize::try_from(some).unwrap()).map_or(0, |no| no.0);
            let lines = match what {
                0..=4 => format!("{who} escalates 'w{step}' because 'x{step}' on crm/deal/{some}"),
                5 | 6 => format!("support writes crm/account/a{some} health=h{step}@0"),
                7 => format!("sales writes crm/deal/{some} stage=trial@0"),
                8 => format!("sourcing writes crm/contact/{some} status=sourced@0"),
                9 | 10 => format!("dana handles #{no} 'noted'"),
                11 => format!("sam claims #{no}"),
                12 | 13 => format!("pass {}m", some * 40 + 1),
                14 => "tick".to_owned(),
                _ => {
                    let turned = DANA.replace("\"roadmap\", \"ops\"", "\"ops\", \"roadmap\"");
                    world.apply(&both(if some > 3 { DANA } else { &turned }));
                    continue;
                }
            };
            match lines.split_once(' ') {
                Some(("pass", _)) => world.pass(Span::from_mins(i64::try_from(some).unwrap() * 40 + 1)),
                Some(_) => drop(run(&mut world, &lines)),
                None => play(&mut world, &lines),
            }
            follow(&world, &mut kept);
            items = items.max(world.state.board.items.len());
            let urgent =
                |item: &&Arc<Item>| Urgency::of(&world.state.board, item, world.now) == Urgency::Critical;
            critical += world.state.board.items.values().filter(urgent).count();
        }
    }
    assert!(items > 12 && critical > 0, "{items} items at most, {critical} critical ones");
}

#[test]
fn what_has_not_changed_is_not_looked_at() {
    let mut world = check_on(&both(DANA), "");
    let mut kept = everybody();
    for no in 0..300 {
        run(&mut world, &format!("product escalates 'w{no}' because 'x{no}'"));
    }
    assert_eq!(follow(&world, &mut kept), [300; 4]);
    assert_eq!(follow(&world, &mut kept), [0; 4]);
    run(&mut world, "sales escalates 'one more' because 'it is'");
    run(&mut world, "dana handles #7 'noted'");
    assert_eq!(follow(&world, &mut kept), [2; 4]);
    world.pass(Span::from_mins(200));
    assert_eq!(follow(&world, &mut kept), [1, 1, 0, 0], "three quarters of its time are gone");
}
