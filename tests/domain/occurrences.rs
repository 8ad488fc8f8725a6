//! One occurrence of an event is handled once, where the map says what tells them apart.

use super::script::{check_on, play, run};
use super::triggers::DESK;
use deeds::domain::deed::Body;
use deeds::domain::ids::WorkNo;
use deeds::domain::map;

/// The desk, with a `key` for some of its events.
fn desk() -> String {
    let keyed = |text: String, name: &str, key: &str| {
        let event = format!("[[event]]\nname = \"{name}\"\n");
        let with = format!("{event}key = \"{key}\"\n");
        if text.contains(&event) {
            text.replacen(&event, &with, 1)
        } else {
            text.replacen("[[route]]", &format!("{with}[[route]]"), 1)
        }
    };
    let text = keyed(DESK.to_owned(), "email.received", "id");
    let text = keyed(text, "invoice.due", "id");
    let text = keyed(text, "call.missed", "id");
    keyed(text, "contact.contacted", "path")
}

#[test]
fn raised_twice_it_wakes_once() {
    let mut world = check_on(
        &desk(),
        r#"
        dana sends '{"do":"raise","event":"invoice.due","attributes":{"id":"m1"}}' -> recorded
        works billing 1
        dana sends '{"do":"raise","event":"invoice.due","attributes":{"id":"m1","other":2}}' -> recorded
        payments sends '{"do":"raise","event":"invoice.due","attributes":{"id":"m1"}}' -> recorded
        works billing 1
        dana sends '{"do":"raise","event":"invoice.due","attributes":{"id":"m2"}}' -> recorded
        works billing 2
        dana sends '{"do":"raise","event":"payment.x","attributes":{"id":"m1"}}' -> recorded
        dana sends '{"do":"raise","event":"payment.x","attributes":{"id":"m1"}}' -> recorded
        works billing 2, payments 2
        dana sends '{"do":"raise","event":"invoice.due"}' -> refused incomplete
        dana sends '{"do":"raise","event":"invoice.due","attributes":{"id":null}}' -> refused incomplete
        dana sends '{"do":"raise","event":"invoice.due","attributes":{"id":" "}}' -> refused incomplete
        items
        "#,
    );
    let raise = r#"dana sends '{"do":"raise","event":"invoice.due","attributes":{"id":"m1"}}'"#;
    let again = run(&mut world, raise);
    assert_eq!((again.works, again.owners.len()), (vec![WorkNo(1)], 1), "{:?}", again.message);
    let Body::EventRaised(event) = &world.deeds.last().unwrap().body else { panic!() };
    assert!(event.again.is_some() && event.occurrence.is_none());
    // 7 days after the first it is forgotten, however often it was raised again.
    play(&mut world, "pass 6d");
    assert_eq!(run(&mut world, raise).works, [WorkNo(1)]);
    play(&mut world, "pass 25h");
    assert_ne!(run(&mut world, raise).works, [WorkNo(1)]);
    world.verify();
}

#[test]
fn claimed_and_raised_is_one() {
    let mut world = check_on(
        &desk(),
        r#"
        billing sends '{"do":"claim","event":"invoice.due","key":"m1"}' -> allowed
        billing sends '{"do":"claim","event":"invoice.due","key":"m1"}' -> allowed
        dana sends '{"do":"raise","event":"invoice.due","attributes":{"id":"m1"}}' -> recorded
        works
        dana sends '{"do":"raise","event":"invoice.due","attributes":{"id":"m2"}}' -> recorded
        works billing 1
        // The attribute says which it is, not what the claim was called.
        billing sends '{"do":"claim","event":"invoice.due","key":"x","attributes":{"id":"m2"}}' -> allowed
        alerts
        payments sends '{"do":"claim","event":"invoice.due","key":"m2"}' -> refused claim-taken
        alerts trigger-collision x1
        "#,
    );
    let claim = r#"billing sends '{"do":"claim","event":"invoice.due","key":"m2"}'"#;
    assert_eq!(run(&mut world, claim).works, [WorkNo(1)]);
    play(
        &mut world,
        r#"
        billing takes 1 -> recorded
        billing completes 1 -> recorded
        billing sends '{"do":"claim","event":"invoice.due","key":"m2"}' -> refused claim-taken
        dana sends '{"do":"raise","event":"invoice.due","attributes":{"id":"m2"}}' -> recorded
        works
        alerts trigger-collision x1
        "#,
    );
}

#[test]
fn what_waits_for_a_person_is_one_item() {
    check_on(
        &desk(),
        r#"
        billing sends '{"do":"raise","event":"call.missed","attributes":{"id":"c1"}}' -> escalated collision
        payments sends '{"do":"raise","event":"call.missed","attributes":{"id":"c1","from":"vip-1"}}' -> escalated collision
        sales sends '{"do":"claim","event":"call.missed","key":"c1"}' -> escalated collision
        items #1
        alerts trigger-collision x1
        dana forwards #1 support 'support answers' -> recorded
        works billing 1, support 1
        dana sends '{"do":"raise","event":"call.missed","attributes":{"id":"c1"}}' -> recorded
        support sends '{"do":"claim","event":"call.missed","key":"c1"}' -> allowed
        sales sends '{"do":"claim","event":"call.missed","key":"c1"}' -> refused claim-taken
        works billing 1, support 1
        "#,
    );
    let route =
        "[[route]]\nevent = \"invoice.due\"\nwhen = { from = \"vip\" }\nagent = \"billing\"\n[[queue]]";
    // Claimed first; the answer goes its way, and is the same occurrence.
    check_on(
        &desk().replacen("\"invoice.due\", ", "", 1).replacen("[[queue]]", route, 1),
        r#"
        billing sends '{"do":"claim","event":"invoice.due","key":"m1"}' -> escalated unowned
        payments sends '{"do":"raise","event":"invoice.due","attributes":{"id":"m1"}}' -> escalated unowned
        items #1
        dana expands #1 billing triggers invoice.due -> recorded
        billing sends '{"do":"claim","event":"invoice.due","key":"m1"}' -> allowed
        payments sends '{"do":"raise","event":"invoice.due","attributes":{"id":"m1"}}' -> recorded
        items
        dana undoes #1 -> refused used-since
        "#,
    );
}

#[test]
fn a_change_raises_it_once() {
    check_on(
        &desk(),
        "
        sales writes crm/contact/7 status=contacted@0 -> committed
        sales writes crm/contact/7 status=new@1 -> committed
        sales writes crm/contact/7 status=contacted@2 -> committed
        sales writes crm/contact/8 status=contacted@0 -> committed
        works reporting 3
        ",
    );
}

/// What is hidden from an agent did not occur to it.
#[test]
fn what_a_hidden_change_raised_is_none() {
    let text = desk().replacen("name = \"salary.changed\"", "name = \"salary.changed\"\nkey = \"value\"", 1);
    let mut world = check_on(&text, "sales writes crm/contact/7 salary=9000@0 -> committed");
    let raise = r#"reporting sends '{"do":"raise","event":"salary.changed","attributes":{"value":9000}}'"#;
    let reply = run(&mut world, raise);
    assert!(!reply.message.unwrap().contains("known"), "it must not learn the value");
    let raise = r#"sales sends '{"do":"raise","event":"salary.changed","attributes":{"value":9000}}'"#;
    assert!(run(&mut world, raise).message.unwrap().contains("known"));
}

#[test]
fn observing_tells_apart_too() {
    check_on(
        &desk().replacen("governance_owner", "mode = \"observe\"\ngovernance_owner", 1),
        r#"
        dana sends '{"do":"raise","event":"invoice.due","attributes":{"id":"m1"}}' -> recorded
        dana sends '{"do":"raise","event":"invoice.due","attributes":{"id":"m1"}}' -> recorded
        works billing 1
        dana sends '{"do":"raise","event":"invoice.due"}' -> recorded (refused) incomplete
        works billing 2
        payments sends '{"do":"claim","event":"invoice.due","key":"m1"}' -> allowed (refused) claim-taken
        "#,
    );
}

#[test]
fn a_key_that_is_never_there_is_an_error() {
    for (wrong, right) in [("value_of", "value"), ("due", "path")] {
        let with = |key: &str| {
            let on = "name = \"contact.contacted\"";
            DESK.replacen(on, &format!("{on}\nkey = \"{key}\""), 1)
        };
        let found = map::parse(&with(wrong)).applicable().unwrap_err();
        assert!(found.iter().any(|finding| finding.lint.code() == "key-never-there"), "{found:?}");
        assert!(map::parse(&with(right)).applicable().is_ok());
    }
    let on = "name = \"report.due\"";
    assert!(map::parse(&DESK.replacen(on, &format!("{on}\nkey = \"id\""), 1)).applicable().is_err());
    assert!(map::parse(&DESK.replacen(on, &format!("{on}\nkey = \"due\""), 1)).applicable().is_ok());
}
