//! RULES §16.1: what is kept for an agent's sake has a bound of its own, and nobody else's is touched by it.

use serde_json::json;

use super::script::{play, run};
use super::world::{TEAM, World, keyed};
use deeds::domain::command::Command;
use deeds::domain::decide::{Answer, decide_within};
use deeds::domain::ids::AgentId;
use deeds::domain::things::{AlertKind, Limits, Usage};

fn within(limits: Limits) -> World {
    World { limits, ..World::new(TEAM) }
}

fn open(open: u64) -> Limits {
    let limits = Limits::default();
    Limits { agent: Usage { open, ..limits.agent }, ..limits }
}

fn escalation(no: usize) -> Command {
    serde_json::from_value(json!({"do": "escalate", "input": no, "why": "who knows"})).unwrap()
}

fn code(world: &mut World, who: &str, command: Command) -> String {
    world.ask(who, command).code.map(|code| code.to_string()).unwrap_or_default()
}

fn alerts(world: &World, kind: AlertKind) -> Vec<(u64, String)> {
    let all = world.state.board.alerts.values().filter(|alert| alert.kind == kind);
    all.map(|alert| (alert.count, alert.title.to_string())).collect()
}

/// Whoever has all open that it may is refused, and told to people once; what ends something goes on, and so do others.
#[test]
fn an_agent_has_so_much_open_and_no_more() {
    let mut world = within(open(4));
    for no in 0..4 {
        assert_eq!(code(&mut world, "sales", escalation(no)), "");
    }
    let before = world.deeds.len();
    let refused = world.ask("sales", escalation(4));
    assert_eq!(refused.code.unwrap().as_str(), "over-budget", "{refused:?}");
    assert!(refused.until.is_some() && refused.next.is_some());
    assert_eq!(world.deeds.len(), before + 2, "the refusal, and the alert");
    assert_eq!(code(&mut world, "sales", escalation(5)), "over-budget");
    assert_eq!(world.deeds.len(), before + 3, "the alert is open already");
    let told = alerts(&world, AlertKind::OverBudget);
    assert_eq!(told.len(), 2, "three quarters, and all of it: {told:?}");
    assert_eq!(code(&mut world, "support", escalation(4)), "");
    play(
        &mut world,
        "
        sales creates crm/deal/7 stage=trial -> committed
        sales writes crm/deal/7 stage=proposal@1 -> committed
        sales writes crm/account/acme health=good@0 -> refused over-budget
        dana handles #1 'seen to' -> recorded
        sales escalates 'more' because 'of this' -> refused over-budget
        sales completes 1 -> recorded
        sales escalates 'more' because 'of this' -> escalated
        ",
    );
}

/// A proposal is on its author's account, not on its reader's; what comes of it is on that of whoever is told.
#[test]
fn what_is_given_to_others_is_the_givers() {
    let mut world = within(open(100));
    play(
        &mut world,
        "
        sales writes crm/account/acme health=good@0 -> proposed not-owner
        sales hands draft-7 to support -> recorded
        ",
    );
    let of = |world: &World, who: &str| world.state.board.usage(&AgentId::new(who).unwrap()).open;
    // The proposal, what it set off, the task and its work.
    assert_eq!((of(&world, "sales"), of(&world, "support")), (4, 0));
    play(&mut world, "support declines 1 'not now' -> recorded\n support returns 2 'too long' -> recorded");
    assert_eq!(of(&world, "support"), 0, "who gives back keeps nothing");
    world.verify();
}

/// What the others keep beyond their parts is refused before it is taken from somebody's own.
#[test]
fn nobody_takes_the_part_of_another() {
    let limits = open(1_000);
    // Four agents: each has three of its own, and twelve are for whoever comes first.
    let mut world = within(Limits { workspace: Usage { open: 24, ..limits.workspace }, ..limits });
    let mut taken = 0;
    while code(&mut world, "sales", escalation(taken)).is_empty() {
        taken += 1;
    }
    assert!((10..=15).contains(&taken), "{taken}");
    assert_eq!(code(&mut world, "stranger", escalation(0)), "over-budget", "no agent of the map");
    for no in 0..3 {
        assert_eq!(code(&mut world, "support", escalation(no)), "", "its own part");
        assert_eq!(code(&mut world, "product", escalation(no)), "", "its own part");
    }
    assert_eq!(code(&mut world, "support", escalation(3)), "over-budget");
    let raised: Command = serde_json::from_value(json!({"do": "raise", "event": "mail.received"})).unwrap();
    assert_eq!(code(&mut world, "dana", raised), "unowned", "a person's waits beside them");
    world.verify();
}

/// An admin gives more, with a reason.
#[test]
fn an_admin_allows_more() {
    let mut world = within(open(1));
    let allow = |agent: &str, open: u64, reason: &str| {
        let step = json!({"do": "override", "step": "allow", "agent": agent, "allowance": {"open": open}, "reason": reason});
        serde_json::from_value::<Command>(step).unwrap()
    };
    assert_eq!(code(&mut world, "sales", escalation(0)), "");
    assert_eq!(code(&mut world, "sales", escalation(1)), "over-budget");
    assert_eq!(code(&mut world, "dana", allow("sales", 9, "a backlog")), "not-allowed");
    assert_eq!(code(&mut world, "ada", allow("sales", 9, " ")), "wrong-state");
    assert_eq!(code(&mut world, "ada", allow("nobody", 9, "a backlog")), "not-found");
    assert_eq!(code(&mut world, "ada", allow("sales", 9, "a backlog")), "");
    assert_eq!(code(&mut world, "sales", escalation(1)), "");
    world.verify();
}

/// Beyond an agent's share alerts are counted on one that tells so; other agents' are shown.
#[test]
fn alerts_beyond_a_share_are_counted() {
    let mut world = within(open(16));
    let stale = |no: usize| format!("sales writes crm/deal/{no} stage=trial@7");
    for no in 0..30 {
        run(&mut world, &stale(no));
    }
    let shown = alerts(&world, AlertKind::StaleWrite).len() as u64;
    let told = alerts(&world, AlertKind::Suppressed);
    assert!((2..=4).contains(&shown), "{shown}");
    assert_eq!(told, [(30 - shown, "alerts of sales suppressed".to_owned())]);
    run(&mut world, "support writes support/ticket/acme status=open@7");
    assert_eq!(alerts(&world, AlertKind::StaleWrite).len() as u64, shown + 1);
    world.verify();
}

/// An agent's keys are bounded on their own, and none goes for another's.
#[test]
fn keys_are_each_agents_own() {
    let mut world = within(Limits { agent_keys: 3, ..Limits::default() });
    let send = |world: &mut World, who: &str, no: usize| {
        let answer = world.send(&keyed(who, escalation(no), &format!("key {no}"), "00"));
        match answer {
            Answer::Reply(reply) => reply.code.map(|code| code.to_string()).unwrap_or_default(),
            Answer::Replay(_) => "before".to_owned(),
        }
    };
    for no in 0..3 {
        assert_eq!(send(&mut world, "sales", no), "");
    }
    assert_eq!(send(&mut world, "sales", 3), "over-budget");
    assert_eq!(send(&mut world, "sales", 0), "before");
    assert_eq!(send(&mut world, "support", 3), "");
    let last =
        decide_within(&world.state, &keyed("sales", escalation(9), "key 9", "00"), world.now, &world.limits);
    assert_eq!(last.turned_away.map(|turned| turned.code.to_string()).as_deref(), Some("over-budget"));
    world.verify();
}

/// Where a workspace has all the keys that it may, each agent of the map still has its part of half of them.
#[test]
fn keys_of_a_workspace_are_bounded() {
    let agents = World::new(TEAM).state.board.map.model().agents.len() as u64;
    let mut world = within(Limits { keys: 2 * agents, ..Limits::default() });
    let send = |world: &mut World, who: &str, no: u64| {
        let request = keyed(who, escalation(usize::try_from(no).unwrap()), &format!("key {no}"), "00");
        match world.send(&request) {
            Answer::Reply(reply) => reply.code.map(|code| code.to_string()).unwrap_or_default(),
            Answer::Replay(_) => "before".to_owned(),
        }
    };
    for no in 0..2 * agents {
        assert_eq!(send(&mut world, "sales", no), "");
    }
    assert_eq!(send(&mut world, "sales", 100), "over-budget");
    assert_eq!(send(&mut world, "support", 101), "");
    assert_eq!(send(&mut world, "support", 102), "over-budget");
    world.verify();
}

/// Values are the team's, and have bounds of their own: how many entities, how large all are, how large a scratch is.
#[test]
fn values_have_bounds_of_their_own() {
    let limits = Limits { entities: 3, scratch: 4_000, ..Limits::default() };
    let mut world = within(limits);
    let long = "x".repeat(1_500);
    for no in 0..2 {
        assert_eq!(code_of(&mut world, &format!("sales creates crm/deal/{no} stage=trial")), "");
    }
    assert_eq!(code_of(&mut world, &format!("sales writes scratch/sales/a note={long}@0")), "");
    assert_eq!(code_of(&mut world, "sales creates crm/deal/9 stage=trial"), "over-budget", "a fourth entity");
    assert_eq!(code_of(&mut world, &format!("sales writes scratch/sales/a more={long}@0")), "over-budget");
    assert_eq!(
        code_of(&mut world, "sales writes crm/deal/0 stage=proposal@1"),
        "",
        "what is there may change"
    );
    assert_eq!(code_of(&mut world, "dana sets crm/account/new#plan team@0 'mine'"), "", "people go on");
    assert!(alerts(&world, AlertKind::OverBudget).iter().any(|(_, title)| title.contains("entities")));
    world.verify();
}

fn code_of(world: &mut World, step: &str) -> String {
    run(world, step).code.map(|code| code.to_string()).unwrap_or_default()
}

/// An act of which nobody says how it ended is over after a month, and holds nothing any more.
#[test]
fn an_act_without_an_end_expires() {
    let mut world = World::new(TEAM);
    play(
        &mut world,
        "
        sales acts mail/sales send_hello on crm/deal/7 -> allowed
        sales acts mail/sales send_hello on crm/deal/8 -> allowed
        sales done 1 -> committed
        pass 30d
        tick
        tick
        tick
        sales done 2 -> refused wrong-state
        ",
    );
    assert!(world.state.board.acts.is_empty() && world.state.board.holds.is_empty());
    world.verify();
}
