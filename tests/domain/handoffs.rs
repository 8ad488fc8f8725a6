//! Tasks that are handed over: the checked payload, the one owner, and how every one of them ends.

use serde_json::{Value as Json, json};

use super::script::{check, check_on, play, run};
use super::world::{TEAM, World, watched};
use deeds::domain::command::Command;
use deeds::domain::outcome::Outcome;
use deeds::domain::sight::Sight;
use deeds::domain::things::{Case, WorkKind};

#[test]
fn a_task_is_accepted_and_completed() {
    check(
        "
        sales hands draft-7 to support on crm/account/acme -> recorded
        works support 1
        task draft-7 sales offered 1/3
        support accepts 1 -> recorded
        task draft-7 support accepted 1/3
        support accepts 1 -> refused wrong-state
        support completes 1 'as asked' '{\"url\": \"files/draft-7\"}' -> recorded
        task draft-7 support done 1/3
        works sales 1
        support completes 1 -> refused wrong-state
        sales hands draft-7 to support -> refused wrong-state
        items
        ",
    );
}

#[test]
fn it_may_be_completed_at_once() {
    check(
        "
        sales hands draft-7 to support -> recorded
        product completes 1 -> refused not-yours
        support completes 1 -> recorded
        task draft-7 support done 1/3
        ",
    );
}

/// Every key that is missing is named, not only the first.
#[test]
fn an_incomplete_handoff_names_what_is_missing() {
    let mut world = World::new(TEAM);
    let mut lacks = |json: Json| {
        let command: Command = serde_json::from_value(json).unwrap();
        let reply = world.ask("sales", command);
        assert_eq!(reply.code.unwrap().as_str(), "incomplete", "{reply:?}");
        reply.message.unwrap().to_string()
    };
    let all = [
        "to",
        "task",
        "work_product",
        "work_product.result",
        "work_product.status",
        "context",
        "constraints",
        "attempt",
    ];
    assert_eq!(lacks(json!({"do": "handoff"})), format!("the handoff lacks {}", all.join(", ")));
    let whole = json!({"do": "handoff", "to": "support", "task": "t", "attempt": 1, "context": null,
        "work_product": {"result": null, "status": "drafted"}, "constraints": []});
    for key in ["to", "task", "context", "constraints", "attempt"] {
        let mut part = whole.clone();
        part.as_object_mut().unwrap().remove(key);
        assert_eq!(lacks(part), format!("the handoff lacks {key}"));
    }
    for (key, product) in
        [("result", json!({"status": "x"})), ("status", json!({"result": 1, "status": " "}))]
    {
        let mut part = whole.clone();
        part["work_product"] = product;
        assert_eq!(lacks(part), format!("the handoff lacks work_product.{key}"));
    }
    // What is empty on purpose is there.
    let whole: Command = serde_json::from_value(whole).unwrap();
    assert_eq!(world.ask("sales", whole).outcome, Outcome::Recorded);
}

#[test]
fn only_the_one_owner_hands_it_over() {
    check(
        "
        sales hands draft-7 to support -> recorded
        product hands draft-7 to sales -> refused not-yours
        sales hands draft-7 to product -> refused wrong-state
        support accepts 1 -> recorded
        sales hands draft-7 to product -> refused not-yours
        support hands draft-7 to product -> recorded
        works product 1
        task draft-7 support offered 1/3
        support completes 1 -> refused wrong-state
        product accepts 2 -> recorded
        task draft-7 product accepted 1/3
        ",
    );
}

#[test]
fn nobody_hands_to_itself_or_to_a_name_that_nobody_has() {
    check(
        "
        sales hands draft-7 to sales -> refused wrong-state
        sales hands draft-7 to suport -> refused not-found
        sales hands draft-7 to support attempt 0 -> refused over-bound
        sales hands draft-7 to support of 0 -> refused over-bound
        sales hands draft-7 to support of 101 -> refused over-bound
        works
        ",
    );
}

#[test]
fn a_locked_task_is_not_handed_over() {
    check(
        r#"
        sales hands draft-7 to support -> recorded
        support accepts 1 -> recorded
        support sends '{"do": "lease", "step": "acquire", "target": {"task": "draft-7"}, "ttl": "10m"}' -> allowed
        support hands draft-7 to product -> refused locked
        support unlocks 1 -> recorded
        support hands draft-7 to product -> recorded
        "#,
    );
}

/// A lock is its owner's alone: it goes with the task, whichever way that goes.
#[test]
fn a_task_that_goes_back_or_ends_is_not_locked() {
    let lock = r#"support sends '{"do": "lease", "step": "acquire", "target": {"task": "draft-7"}, "ttl": "10m"}' -> allowed"#;
    for ends in [
        "support returns 1 'add the figures' -> recorded\n sales hands draft-7 to product -> recorded",
        "support completes 1 -> recorded",
    ] {
        let world = check(&format!(
            "sales hands draft-7 to support -> recorded\n support accepts 1 -> recorded\n {lock}\n leases 1 support task draft-7\n {ends}\n leases"
        ));
        world.verify();
    }
}

/// Every return carries the whole history and the next attempt.
#[test]
fn a_return_carries_every_feedback_so_far() {
    let mut world = check(
        "
        sales hands draft-7 to support -> recorded
        support returns 1 -> refused wrong-state
        support returns 1 'add the figures' -> recorded
        task draft-7 sales returned 2/3
        works sales 1
        sales hands draft-7 to support attempt 1 -> recorded
        works support 1
        task draft-7 sales offered 2/3
        support accepts 3 -> recorded
        support returns 3 'and the sources' -> recorded
        task draft-7 sales returned 3/3
        ",
    );
    let work = world.state.board.works.values().next().unwrap();
    let WorkKind::Returned { attempt, history, .. } = &work.kind else { panic!("{work:#?}") };
    let told: Vec<(u32, &str)> = history.iter().map(|feedback| (feedback.attempt, &*feedback.text)).collect();
    assert_eq!((*attempt, told), (3, vec![(1, "add the figures"), (2, "and the sources")]));
    play(
        &mut world,
        "
        sales hands draft-7 to support attempt 3 -> recorded
        support returns 5 'and a title' -> escalated out-of-attempts
        task draft-7 sales escalated 4/3
        items #1
        sales hands draft-7 to support -> refused wrong-state
        dana handles #1 'I wrote it myself' -> recorded
        task draft-7 sales closed 4/3
        works sales 1, support 1
        sales hands draft-7 to support -> refused wrong-state
        dana undoes #1 -> recorded
        task draft-7 sales escalated 4/3
        works
        dana drops #1 'not worth it' -> recorded
        ",
    );
}

/// The endless ping-pong: neither a false attempt nor another order of words keeps it going.
#[test]
fn the_same_feedback_twice_ends_it() {
    let mut world = check(
        "
        sales hands draft-7 to support of 50 on crm/account/acme -> recorded
        support returns 1 'Make it shorter' -> recorded
        sales hands draft-7 to support of 50 -> recorded
        support returns 3 '  make   it SHORTER ' -> escalated not-converging
        items #1
        alerts not-converging x1
        ",
    );
    let item = world.state.board.items.values().next().unwrap();
    let Case::Stuck { task, alert } = &item.case else { panic!("{item:#?}") };
    assert_eq!((task.history.len(), alert.is_some()), (2, true));
    assert_eq!(world.state.board.alerts.values().next().unwrap().item, Some(item.no));
    play(
        &mut world,
        "
        dana expands #1 sales writes crm/account/* -> refused wrong-state
        dana! transfers #1 crm/account/* from sales to support -> refused wrong-state
        dana drops #1 'enough' rule -> refused wrong-state
        dana handles #1 'it is short enough' -> recorded
        items
        alerts
        task draft-7 sales closed 3/50
        dana undoes #1 -> recorded
        items #1
        alerts not-converging x1
        ",
    );
}

/// A handoff back instead of a return is an attempt as well: the board counts, not the agents.
#[test]
fn handing_back_and_forth_ends_too() {
    check(
        "
        sales hands draft-7 to support -> recorded
        support accepts 1 -> recorded
        support hands draft-7 to sales -> recorded
        task draft-7 support offered 2/3
        sales accepts 2 -> recorded
        sales hands draft-7 to support -> recorded
        task draft-7 sales offered 3/3
        support accepts 3 -> recorded
        support hands draft-7 to sales attempt 1 of 100 -> escalated out-of-attempts
        task draft-7 support escalated 4/3
        items #1
        works
        ",
    );
}

#[test]
fn a_first_handoff_beyond_its_attempts_goes_to_a_person() {
    check(
        "
        sales hands draft-7 to support attempt 4 -> escalated out-of-attempts
        works
        items #1
        ",
    );
}

/// The giver may also end it itself.
#[test]
fn the_giver_may_keep_what_came_back() {
    check(
        "
        sales hands draft-7 to support -> recorded
        support returns 1 'not mine' -> recorded
        sales accepts 2 -> refused wrong-state
        sales completes 2 'did it myself' -> recorded
        task draft-7 sales done 2/3
        works
        ",
    );
}

/// Taken and never ended: lapses are bounded, and a person gets the task once.
#[test]
fn a_task_that_is_taken_again_and_again_ends() {
    check(
        "
        sales hands draft-7 to support -> recorded
        support takes -> recorded
        pass 5m
        tick
        support takes -> recorded
        pass 5m
        tick
        support takes -> recorded
        pass 5m
        tick
        task draft-7 sales escalated 1/3
        works
        items #1
        ",
    );
}

/// Also one that was accepted: who needs longer takes it again.
#[test]
fn a_task_that_is_accepted_and_left_ends() {
    check(
        "
        sales hands draft-7 to support -> recorded
        support accepts 1 -> recorded
        support takes 1 -> refused wrong-state
        pass 12h
        tick
        task draft-7 support accepted 1/3
        support takes 1 for 12h -> recorded
        pass 12h
        tick
        support takes 1 for 12h -> recorded
        pass 12h
        tick
        task draft-7 support escalated 1/3
        works
        ",
    );
}

/// A person gives a task that ran out another attempt: the same agent gets it with all that was said, and its giver is told.
#[test]
fn a_stuck_task_is_sent_on_for_one_more_attempt() {
    let mut world = check(
        "
        sales hands draft-7 to support of 2 on crm/account/acme -> recorded
        support returns 1 'add the figures' -> recorded
        sales hands draft-7 to support attempt 2 of 2 -> recorded
        support returns 3 'and the sources' -> escalated out-of-attempts
        task draft-7 sales escalated 3/2
        dana resends #1 saying 'the figures are enough' -> recorded
        items
        task draft-7 sales offered 3/3
        works sales 1, support 1
        sales hands draft-7 to support -> refused wrong-state
        ",
    );
    let of = |agent: &str| {
        let mut works = world.state.board.works.values();
        works.find(|work| work.agent.as_str() == agent).unwrap().clone()
    };
    let (handed, told) = (of("support"), of("sales"));
    let WorkKind::Handoff { order, history } = &handed.kind else { panic!("{handed:#?}") };
    let said: Vec<(u32, &str, &str)> =
        history.iter().map(|back| (back.attempt, back.by.name(), &*back.text)).collect();
    let all = [
        (1, "support", "add the figures"),
        (2, "support", "and the sources"),
        (3, "dana", "the figures are enough"),
    ];
    assert_eq!(said, all);
    assert_eq!((order.from.as_str(), order.attempt, order.max_attempts), ("sales", 3, 3));
    assert_eq!(&*told.title, "#1 answered: send on, draft-7 goes to support, attempt 3 of 3");
    play(
        &mut world,
        "
        support accepts 4 -> recorded
        support completes 4 -> recorded
        task draft-7 support done 3/3
        dana undoes #1 -> refused used-since
        ",
    );
}

/// To another agent, with more attempts: what a person said about them holds, whatever the giver says.
#[test]
fn a_stuck_task_is_sent_on_to_another_agent_with_more_attempts() {
    check(
        "
        sales hands draft-7 to support of 1 -> recorded
        support returns 1 'not mine' -> escalated out-of-attempts
        dana resends #1 to product of 4 -> recorded
        task draft-7 sales offered 2/4
        works product 1, sales 1, support 1
        product returns 2 'not mine' -> escalated not-converging
        dana resends #2 to sourcing saying 'whose is it, then' -> recorded
        task draft-7 sales offered 3/4
        sourcing returns 5 'the date is missing' -> recorded
        task draft-7 sales returned 4/4
        sales hands draft-7 to sourcing attempt 4 of 2 -> recorded
        task draft-7 sales offered 4/4
        sourcing returns 9 'which date' -> escalated out-of-attempts
        dana resends #3 -> recorded
        task draft-7 sales offered 5/5
        ",
    );
}

/// The same agent that took it again and again may be right after all; an attempt that somebody had is over.
#[test]
fn a_task_whose_work_was_spent_is_sent_on_with_fresh_work() {
    check(
        "
        sales hands draft-7 to support -> recorded
        support takes for 1m -> recorded
        pass 1m
        support takes for 1m -> recorded
        pass 1m
        support takes for 1m -> recorded
        pass 1m
        tick
        task draft-7 sales escalated 1/3
        dana resends #1 -> recorded
        task draft-7 sales offered 2/3
        support takes -> recorded
        ",
    );
}

#[test]
fn what_cannot_be_sent_on_is_refused() {
    check(
        "
        sales hands draft-7 to support of 1 -> recorded
        support returns 1 'not mine' -> escalated out-of-attempts
        sales escalates 'a refund' because 'special terms' -> escalated
        dana resends #2 -> refused wrong-state
        dana resends #1 to sales -> refused wrong-state
        dana resends #1 to nobody -> refused not-found
        dana resends #1 of 1 -> refused over-bound
        dana resends #1 of 101 -> refused over-bound
        dana resends #1 with #2 -> refused wrong-state
        dana pauses product 'too eager' -> recorded
        dana resends #1 to product -> refused paused
        dana halts 'everything is wrong' -> recorded
        dana resends #1 -> refused paused
        dana unhalts 'it was not' -> recorded
        items #1 #2
        task draft-7 sales escalated 2/1
        dana resends #1 -> recorded
        dana undoes #1 -> recorded
        items #1 #2
        works
        task draft-7 sales escalated 2/1
        dana resends #1 to sourcing -> recorded
        sourcing takes -> recorded
        dana undoes #1 -> refused used-since
        ",
    );
}

fn gives(task: &str, to: &str, attempt: u32, (subject, context): (&str, &str)) -> Json {
    json!({"do": "handoff", "task": task, "to": to, "attempt": attempt, "max_attempts": 100, "subject": subject,
        "work_product": {"result": "a draft", "status": "drafted"}, "context": context, "constraints": ["be short"]})
}

fn hand(world: &mut World, from: &str, json: Json) {
    let reply = world.ask(from, serde_json::from_value(json).unwrap());
    assert_eq!(reply.outcome, Outcome::Recorded, "{reply:?}");
}

/// What is open for an agent, as it may see it: from whom, to whom, and the context of the hands before.
fn earlier(world: &World, agent: &str) -> Vec<(String, String, String)> {
    let agent = agent.parse().unwrap();
    let work = world.state.board.work_of(&agent).last().unwrap();
    let work = Sight::now(&agent, &world.state.board.map).work(work).unwrap();
    let hands = match &work.kind {
        WorkKind::Handoff { order, .. } => order.earlier.clone(),
        WorkKind::Returned { earlier, .. } => earlier.clone(),
        other => panic!("{other:?}"),
    };
    hands.iter().map(|hand| (hand.from.to_string(), hand.to.to_string(), hand.context.plain())).collect()
}

fn hands(told: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    told.iter().map(|(from, to, context)| ((*from).into(), (*to).into(), (*context).into())).collect()
}

/// Every hand after the first is told what those before were told, not only what the last one repeats.
#[test]
fn what_earlier_hands_were_told_travels_along() {
    let mut world = World::new(TEAM);
    let about = "crm/account/acme";
    hand(&mut world, "sales", gives("draft-7", "support", 1, (about, "Ann signs")));
    play(&mut world, "support accepts 1 -> recorded");
    hand(&mut world, "support", gives("draft-7", "product", 1, (about, "the plan is Pro")));
    assert_eq!(earlier(&world, "product"), hands(&[("sales", "support", "Ann signs")]));
    play(&mut world, "product returns 2 'which plan' -> recorded");
    assert_eq!(earlier(&world, "support"), hands(&[("sales", "support", "Ann signs")]));
    // The very same words are there once.
    hand(&mut world, "support", gives("draft-7", "product", 2, (about, "the plan is Pro")));
    assert_eq!(earlier(&world, "product"), hands(&[("sales", "support", "Ann signs")]));
    play(&mut world, "product accepts 4 -> recorded");
    hand(&mut world, "product", gives("draft-7", "sourcing", 2, (about, "by Monday")));
    let all = [("sales", "support", "Ann signs"), ("support", "product", "the plan is Pro")];
    assert_eq!(earlier(&world, "sourcing"), hands(&all));
    world.verify();
}

/// Of hands that were about what is hidden from the receiver it is told nothing, neither their words nor the returns.
#[test]
fn what_earlier_hands_said_of_what_is_hidden_stays_hidden() {
    let mut world = World::new(TEAM);
    hand(&mut world, "support", gives("draft-7", "product", 1, ("hr/7", "Bob's salary")));
    play(&mut world, "product returns 1 'whose salary' -> recorded");
    hand(&mut world, "support", gives("draft-7", "product", 2, ("hr/7", "Bob's")));
    play(&mut world, "product accepts 3 -> recorded");
    hand(&mut world, "product", gives("draft-7", "sales", 2, ("crm/account/acme", "a letter")));
    assert_eq!(earlier(&world, "sales"), hands(&[]));
    let sales = "sales".parse().unwrap();
    let sight = Sight::now(&sales, &world.state.board.map);
    let task = world.state.board.tasks.get("draft-7").unwrap();
    let seen = serde_json::to_string(&(sight.task(task), world.state.board.work_of(&sales).last())).unwrap();
    assert!(!seen.contains("salary") && !seen.contains("Bob"), "{seen}");
    // Whoever may see it has it all.
    play(&mut world, "sales accepts 4 -> recorded");
    hand(&mut world, "sales", gives("draft-7", "sourcing", 2, ("crm/account/acme", "for Ann")));
    let all = [
        ("support", "product", "Bob's salary"),
        ("support", "product", "Bob's"),
        ("product", "sales", "a letter"),
    ];
    assert_eq!(earlier(&world, "sourcing"), hands(&all));
    world.verify();
}

/// The oldest go where there are too many, and it is said how many.
#[test]
fn earlier_hands_are_bounded_and_the_oldest_are_left_out() {
    let mut world = World::new(TEAM);
    let mut work = 0;
    for attempt in 1..=20 {
        let context = format!("context {attempt}");
        hand(&mut world, "sales", gives("draft-7", "support", attempt, ("crm/account/acme", &context)));
        work += 1;
        let returned = format!("support returns {work} 'remark {attempt}' -> recorded");
        play(&mut world, &returned);
        work += 1;
    }
    let long = "x".repeat(40_000);
    hand(&mut world, "sales", gives("draft-7", "support", 21, ("crm/account/acme", &long)));
    let order = world.state.board.tasks.get("draft-7").unwrap().order.clone();
    assert_eq!((order.earlier.len(), order.left_out), (16, 4));
    assert_eq!(order.earlier[0].context.plain(), "context 5");
    play(&mut world, &format!("support returns {} 'too long' -> recorded", work + 1));
    let longer = "y".repeat(40_000);
    hand(&mut world, "sales", gives("draft-7", "support", 22, ("crm/account/acme", &longer)));
    play(&mut world, &format!("support returns {} 'still too long' -> recorded", work + 3));
    hand(&mut world, "sales", gives("draft-7", "support", 23, ("crm/account/acme", "short")));
    let order = world.state.board.tasks.get("draft-7").unwrap().order.clone();
    assert_eq!((order.earlier.len(), order.left_out), (1, 21), "two long ones do not fit");
}

/// A task whose giver says so ends with its last attempt: nobody is asked, and both agents are told.
#[test]
fn a_task_out_of_attempts_is_aborted_where_its_giver_says_so() {
    let mut world = check(
        "
        sales hands draft-7 to support of 2 aborting on crm/account/acme -> recorded
        support returns 1 'add the figures' -> recorded
        sales hands draft-7 to support attempt 2 -> recorded
        support returns 3 'and the sources' -> failed out-of-attempts
        items
        task draft-7 sales aborted 3/2
        works sales 1, support 1
        sales hands draft-7 to support -> refused wrong-state
        sales hands draft-8 to support attempt 4 of 3 aborting -> failed out-of-attempts
        task draft-8 sales aborted 4/3
        sales hands draft-8 to product -> refused wrong-state
        items
        sales hands draft-9 to product aborting -> recorded
        product takes for 1m -> recorded
        pass 1m
        product takes for 1m -> recorded
        pass 1m
        product takes for 1m -> recorded
        pass 1m
        tick
        task draft-9 sales aborted 1/3
        works product 1, sales 3, support 2
        items
        ",
    );
    let told = &world.state.board.works.values().next().unwrap().title;
    assert_eq!(&**told, "draft-7 ended as failed after attempt 2 of 2; no person is asked");
    let notice = world.state.board.works.values().find(|work| work.agent.as_str() == "sales").unwrap();
    let WorkKind::Notice { history, .. } = &notice.kind else { panic!("{notice:?}") };
    let said: Vec<(u32, &str)> = history.iter().map(|back| (back.attempt, &*back.text)).collect();
    assert_eq!(said, [(1, "add the figures"), (2, "and the sources")], "the giver is told all of it");
    // What does not converge is a person's all the same.
    play(
        &mut world,
        "
        sales hands draft-6 to support of 9 aborting -> recorded
        support returns 11 'shorter' -> recorded
        sales hands draft-6 to support attempt 2 -> recorded
        support returns 13 'Shorter' -> escalated not-converging
        items #1
        ",
    );
}

/// The map says it for all that say nothing; a giver may say otherwise.
#[test]
fn the_map_says_what_becomes_of_tasks_out_of_attempts() {
    let toml = TEAM.replacen("governance_owner", "on_exhausted = \"abort\"\ngovernance_owner", 1);
    let mut world = check_on(
        &toml,
        "
        sales hands draft-7 to support of 1 -> recorded
        support returns 1 'no' -> failed out-of-attempts
        items
        ",
    );
    let mut asked = gives("draft-8", "support", 1, ("crm/account/acme", "ask somebody"));
    (asked["on_exhausted"], asked["max_attempts"]) = (json!("escalate"), json!(1));
    hand(&mut world, "sales", asked);
    play(&mut world, "support returns 4 'no' -> escalated out-of-attempts\nitems #1");
    for wrong in ["on_exhausted = \"stop\"", "on_exhausted = 3"] {
        let found = deeds::domain::map::parse(&TEAM.replacen(
            "governance_owner",
            &format!("{wrong}\ngovernance_owner"),
            1,
        ));
        assert!(found.applicable().is_err(), "{wrong}");
    }
}

#[test]
fn where_deeds_only_observes_nobody_is_called() {
    let world = check_on(
        &watched(),
        "
        sales hands draft-7 to support of 1 -> recorded
        support returns 1 'shorter' -> recorded (escalated) out-of-attempts
        sales hands draft-7 to support -> recorded (escalated) out-of-attempts
        support returns 3 'Shorter' -> recorded (escalated) not-converging
        alerts not-converging x1
        items
        ",
    );
    assert!(world.state.board.tasks.contains_key("draft-7"));
}

/// A record that a task is about can't go while the task is open.
#[test]
fn a_record_with_an_open_task_stays() {
    let mut world = check(
        "
        sales creates crm/deal/7 stage=trial -> committed
        sales hands draft-7 to support on crm/deal/7 -> recorded
        ",
    );
    let reply = run(&mut world, "sales deletes crm/deal/7 @1");
    assert_eq!(reply.message.as_deref(), Some("support has handoff 1 open on crm/deal/7"));
    play(&mut world, "support completes 1 -> recorded\nsales deletes crm/deal/7 @1 -> committed");
}
