//! `together`: several commands of one caller, all or nothing.

use super::script::{command, play, words};
use super::world::{TEAM, World};
use deeds::domain::command::{Command, Together};
use deeds::domain::reply::Reply;

fn together(world: &mut World, who: &str, lines: &[&str]) -> Reply {
    let commands: Vec<Command> = lines.iter().map(|line| command(world, &words(line))).collect();
    world.ask(who, Command::Together(Together { commands }))
}

#[test]
fn each_sees_what_those_before_it_did() {
    let mut world = World::new(TEAM);
    let reply = together(
        &mut world,
        "sales",
        &[
            "creates crm/account/acme plan=team",
            "writes crm/account/acme plan=firm@1 seats=9@0",
            "acts mail/sales send_welcome on crm/account/acme dep=crm/account/acme#plan@2",
        ],
    );
    assert_eq!((reply.outcome.as_str(), reply.parts.len()), ("committed", 3));
    play(
        &mut world,
        "= crm/account/acme#plan firm v2\n= crm/account/acme#seats 9 v1\nsales done 1 -> committed",
    );
}

#[test]
fn one_that_does_not_go_through_undoes_all() {
    for (bad, outcome) in [
        ("writes crm/account/acme plan=firm@7", "stale"),
        ("writes crm/account/acme plan=firm", "refused"),
        ("writes crm/account/acme health=good@0", "refused"),
        ("writes nowhere/x y=1@0", "refused"),
        ("acts mail/support send on crm/account/acme", "refused"),
        ("claims #1", "refused"),
    ] {
        let mut world = World::new(TEAM);
        let deeds = world.deeds.len();
        let reply = together(
            &mut world,
            "sales",
            &["creates crm/account/acme plan=team", bad, "writes crm/account/b plan=x@0"],
        );
        assert_eq!(reply.outcome.as_str(), outcome, "{bad}: {reply:?}");
        assert_eq!(world.deeds.len(), deeds + 1, "{bad}: one deed tells of it");
        play(
            &mut world,
            "
            = crm/account/acme#plan nothing
            = crm/account/b#plan nothing
            items
            works
            alerts
            ",
        );
    }
}

#[test]
fn it_says_which_one_it_was() {
    let mut world = World::new(TEAM);
    let reply = together(
        &mut world,
        "sales",
        &["creates crm/account/acme plan=team", "writes crm/account/acme plan=firm@7"],
    );
    assert_eq!(reply.code.unwrap().as_str(), "together-failed");
    let message = reply.message.unwrap();
    assert!(message.contains("command 1 was stale"), "{message}");
    let reply = together(&mut world, "sales", &[]);
    assert_eq!(reply.code.unwrap().as_str(), "over-bound");
}
