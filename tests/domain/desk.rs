//! A decision can always be made by somebody, RULES §12.3: claims end, people are away, and somebody stands in.

use std::sync::Arc;

use super::script::{check, check_on, play};
use super::world::{TEAM, World};
use deeds::domain::command::{ApplyMap, Command, TokenStep};
use deeds::domain::deed::Body;
use deeds::domain::ids::{ItemNo, TokenId};
use deeds::domain::map;
use deeds::domain::things::{Token, TokenClass};
use deeds::domain::time::Span;

/// The same team; eve answers for the map and for nothing else.
fn governed() -> String {
    TEAM.replacen("governance_owner = \"dana\"", "governance_owner = \"eve\"", 1)
}

fn last_words(world: &World) -> String {
    world.deeds.last().unwrap().reason.as_deref().unwrap_or_default().to_owned()
}

fn apply(world: &mut World, text: &str) {
    let model = Arc::new(map::parse(text).applicable().unwrap());
    let (if_version, reason) = (world.state.board.map_version, Some(Arc::from("sam is back")));
    let reply = world.ask(
        "ada",
        Command::ApplyMap(ApplyMap { model, if_version, reason, planned: false, take_back: false }),
    );
    assert!(reply.code.is_none(), "{reply:?}");
}

#[test]
fn a_claim_ends_by_itself_and_what_was_shown_stays_as_it_was() {
    let mut world = check(
        "
        sales escalates 'x' because 'y' -> escalated
        pass 2h
        dana claims #1 -> recorded
        pass 29m
        sam handles #1 'mine' -> refused claimed
        dana claims #1 -> recorded
        pass 29m
        sam handles #1 'mine' -> refused claimed
        ",
    );
    let version = world.state.board.items[&ItemNo(1)].version;
    world.pass(Span::from_mins(1));
    play(&mut world, "tick");
    let item = world.state.board.items[&ItemNo(1)].clone();
    assert_eq!((item.claimed_by.as_ref(), item.claim_until, item.version), (None, None, version));
    assert!(last_words(&world).contains("dana claimed it"), "{}", last_words(&world));
    play(
        &mut world,
        "
        sam handles #1 'mine' -> recorded
        sales escalates 'x2' because 'y' -> escalated
        dana claims #2 -> recorded
        dana handles #2 'done' -> recorded
        dana undoes #2 -> recorded
        pass 31m
        tick
        items #2
        ",
    );
    assert!(world.state.board.items[&ItemNo(2)].claimed_by.is_none(), "a claim does not outlive an undo");
}

/// Over by the time at the decision, whether a tick said so or not.
#[test]
fn a_claim_that_is_over_binds_nobody_before_the_tick() {
    check(
        "
        sales escalates 'x' because 'y' -> escalated
        dana claims #1 -> recorded
        pass 2h
        sam handles #1 'mine' -> recorded
        ",
    );
}

#[test]
fn a_claim_ends_when_its_claimant_leaves_the_map() {
    let mut world = check(
        "
        sales escalates 'x' because 'y' -> escalated
        dana reassigns #1 to sam -> recorded
        sam claims #1 -> recorded
        dana handles #1 'mine' -> refused claimed
        ",
    );
    let without = TEAM.replacen("deputies = [\"sam\"]", "deputies = [\"eve\"]", 1);
    apply(&mut world, &without);
    assert!(world.state.board.items[&ItemNo(1)].claimed_by.is_none());
    assert!(matches!(world.deeds.last().unwrap().body, Body::ItemReleased(())));
    play(
        &mut world,
        "
        sam handles #1 'I was asked' -> refused not-named
        pass 2h
        eve handles #1 'deputies answer, it was handed to nobody who is named' -> recorded
        ",
    );
}

#[test]
fn it_is_taken_over_with_a_reason() {
    let world = check_on(
        &governed(),
        "
        sales escalates 'x' because 'y' -> escalated
        dana claims #1 -> recorded
        sam seizes #1 'too early for a deputy' -> refused not-named
        ada seizes #1 'admins do where nobody else can' -> refused not-named
        eve seizes #1 ' ' -> refused wrong-state
        eve handles #1 'not mine yet' -> refused not-named
        eve seizes #1 'the customer is on the phone' -> recorded
        dana handles #1 'mine' -> refused claimed
        eve handles #1 'spoke to them' -> recorded
        sales escalates 'z' because 'y' -> escalated
        dana claims #2 -> recorded
        pass 2h
        dana claims #2 -> recorded
        sam claims #2 -> refused claimed
        sam seizes #2 'half the time is gone' -> recorded
        dana seizes #2 'and I am back' -> recorded
        sam handles #2 'x' -> refused claimed
        dana handles #2 'done' -> recorded
        ",
    );
    let by_eve: Vec<_> = world.deeds.iter().filter(|deed| deed.refs.stands_in).collect();
    assert_eq!(by_eve.len(), 2, "the taking over and the answer");
    assert!(by_eve.iter().all(|deed| deed.actor.name() == "eve"));
    let words = by_eve[0].reason.as_deref().unwrap();
    assert!(words.contains("from dana") && words.contains("on the phone"), "{words}");
}

#[test]
fn deputies_answer_at_once_while_the_owner_is_away() {
    let world = check(
        "
        sales escalates 'a' because 'y' -> escalated
        sales escalates 'b' because 'y' -> escalated
        sam handles #1 'too early' -> refused not-named
        dana leaves until 3h -> recorded
        sam handles #1 'dana is away' -> recorded
        dana handles #2 'I can still' -> recorded
        sales escalates 'c' because 'y' -> escalated
        pass 3h
        sales escalates 'd' because 'y' -> escalated
        sam handles #4 'dana is back by the time alone' -> refused not-named
        tick
        dana comes -> refused wrong-state
        dana leaves -> recorded
        dana leaves until 2030-01-01 -> recorded
        dana comes -> recorded
        sam handles #4 'too early' -> refused not-named
        dana leaves until 2020-01-01 -> refused wrong-state
        dana leaves for nobody -> refused not-found
        sam leaves for dana -> refused not-accountable
        ada leaves for dana -> recorded
        ada leaves for nobody -> refused not-found
        sam handles #4 'now' -> recorded
        sales leaves -> refused not-allowed
        wanda leaves -> refused not-allowed
        ",
    );
    assert_eq!(world.state.board.away.len(), 1);
}

/// Handed to a deputy who goes away it is everybody's again.
#[test]
fn what_was_handed_to_somebody_away_is_not_theirs_alone() {
    let both = TEAM.replacen("deputies = [\"sam\"]", "deputies = [\"sam\", \"eve\"]", 1);
    check_on(
        &both,
        "
        sales escalates 'a' because 'y' -> escalated
        dana reassigns #1 to sam -> recorded
        pass 2h
        eve handles #1 'handed to sam' -> refused not-named
        sam leaves -> recorded
        eve handles #1 'sam is away' -> recorded
        ",
    );
}

#[test]
fn where_nobody_named_can_the_governance_owner_and_admins_do() {
    let mut world = check_on(
        &governed(),
        "
        sales escalates 'a' because 'y' -> escalated
        sales escalates 'b' because 'y' -> escalated
        sales escalates 'c' because 'y' -> escalated
        dana leaves -> recorded
        ada handles #1 'sam is there' -> refused not-named
        sam leaves until 1d -> recorded
        ada handles #1 'nobody is' -> recorded
        ",
    );
    let deed = world.deeds.iter().rev().find(|deed| deed.refs.stands_in).unwrap();
    let words = deed.reason.as_deref().unwrap();
    assert!(words.contains("nobody named on ops can: dana is away, sam is away until"), "{words}");
    play(
        &mut world,
        "
        eve reassigns #2 to eve -> recorded
        sam comes -> recorded
        eve handles #2 'it was handed to me' -> recorded
        ada handles #3 'sam is back' -> refused not-named
        sam handles #3 'yes' -> recorded
        ",
    );
}

/// A person without a token can't answer: that counts as being away.
#[test]
fn somebody_without_a_token_is_not_there() {
    let mut world = check("sales escalates 'a' because 'y' -> escalated");
    let create = |id: &str, name: &str| {
        let token = Token {
            id: TokenId::new(id).unwrap(),
            class: TokenClass::Reviewer,
            name: Arc::from(name),
            hash: Arc::from("00"),
            expires: None,
            invitation: None,
        };
        Command::Token(TokenStep::Create(token))
    };
    for (id, name) in [("t1", "sam"), ("t2", "dana")] {
        assert!(world.ask("deeds", create(id, name)).code.is_none());
    }
    play(&mut world, "sam handles #1 'too early' -> refused not-named");
    let revoke = |id: &str| Command::Token(TokenStep::Revoke { token: TokenId::new(id).unwrap() });
    assert!(world.ask("ada", revoke("t2")).code.is_none());
    play(
        &mut world,
        "
        sam handles #1 'dana can not' -> recorded
        sales escalates 'b' because 'y' -> escalated
        ada handles #2 'sam can' -> refused not-named
        ",
    );
    assert!(world.ask("ada", revoke("t1")).code.is_none());
    assert!(world.ask("deeds", create("t3", "eve")).code.is_none());
    play(&mut world, "ada handles #2 'nobody named there has a token' -> recorded");
    assert!(last_words(&world).contains("dana has no token, sam has no token"), "{}", last_words(&world));
}

/// Whoever has an account of another name may be named by either.
#[test]
fn a_person_is_named_by_account_too() {
    let map = format!("{TEAM}\n[[person]]\nid = \"sam\"\naccount = \"sam@x.example\"\n");
    let world = check_on(
        &map,
        "
        sales escalates 'a' because 'y' -> escalated
        dana reassigns #1 to sam@x.example -> recorded
        sam handles #1 'mine now' -> recorded
        sam leaves for sam@x.example -> recorded
        ada leaves until 3h for sam@x.example -> recorded
        ada comes for sam@x.example -> recorded
        ada leaves for tom@x.example -> refused not-found
        ada leaves until 3h for sam@x.example -> recorded
        ",
    );
    let away: Vec<&str> = world.state.board.away.keys().map(deeds::domain::ids::PersonId::as_str).collect();
    assert_eq!(away, ["sam"]);
}

/// The token of a person, of an admin or a reviewer.
fn token(world: &mut World, id: &str, class: TokenClass, name: &str) {
    let token = Token {
        id: TokenId::new(id).unwrap(),
        class,
        name: Arc::from(name),
        hash: Arc::from("00"),
        expires: None,
        invitation: None,
    };
    assert!(world.ask("deeds", Command::Token(TokenStep::Create(token))).code.is_none());
}

/// Whoever stood in and has it in hand goes on when those are back who are named there.
#[test]
fn who_has_it_in_hand_goes_on() {
    let mut world = check_on(
        &governed(),
        "
        sales escalates 'a' because 'y' -> escalated
        sales escalates 'b' because 'y' -> escalated
        sales escalates 'c' because 'y' -> escalated
        dana leaves -> recorded
        sam claims #1 -> recorded
        sam leaves -> recorded
        ada claims #2 -> recorded
        ada claims #3 -> recorded
        dana comes -> recorded
        sam comes -> recorded
        dana handles #2 'ada has it' -> refused claimed
        ada handles #2 'as begun' -> recorded
        ada releases #3 -> recorded
        ada handles #3 'dana is back' -> refused not-named
        sam handles #1 'dana was away when I claimed it' -> recorded
        sam undoes #1 -> recorded
        ada undoes #2 -> recorded
        ",
    );
    let words: Vec<&str> = world
        .deeds
        .iter()
        .filter(|deed| deed.refs.stands_in && deed.actor.name() == "ada")
        .map(|deed| deed.reason.as_deref().unwrap())
        .collect();
    assert_eq!(words.len(), 5, "{words:?}");
    assert!(words[2].contains("ada is an admin and has claimed it"), "{words:?}");
    // A new map does not take from an admin what nobody else could do.
    play(
        &mut world,
        "
        dana leaves -> recorded
        sam leaves -> recorded
        ada claims #2 -> recorded
        ",
    );
    token(&mut world, "t1", TokenClass::Admin, "ada");
    let shorter = governed().replacen("sla = ", "# sla = ", 1);
    apply(&mut world, &shorter);
    assert!(world.state.board.items[&ItemNo(2)].claimed_by.is_some());
}

/// What takes an admin is no dead end where none is named on the queue.
#[test]
fn any_admin_transfers_where_none_is_named_there() {
    let mut world = check_on(
        &governed(),
        "
        sales escalates 'a' because 'y' -> escalated
        sales escalates 'b' because 'y' -> escalated
        ada transfers #1 crm/contact/*#status from sourcing to sales -> refused not-named
        ",
    );
    for (id, name) in [("t1", "sam"), ("t2", "dana"), ("t3", "eve")] {
        token(&mut world, id, TokenClass::Reviewer, name);
    }
    token(&mut world, "t4", TokenClass::Admin, "ada");
    play(
        &mut world,
        "
        dana transfers #1 crm/contact/*#status from sourcing to sales -> refused not-allowed
        ",
    );
    assert!(last_words(&world).contains("hand it to ada"), "{}", last_words(&world));
    play(
        &mut world,
        "
        ada handles #1 'dana is there' -> refused not-named
        dana claims #1 -> recorded
        ada transfers #1 crm/contact/*#status from sourcing to sales -> refused claimed
        dana reassigns #1 to wanda -> refused not-named
        dana releases #1 -> recorded
        ada transfers #1 crm/contact/*#status from sourcing to sales -> recorded
        ",
    );
    assert!(last_words(&world).contains("nobody named on ops can transfer: dana is no admin"));
    play(
        &mut world,
        "
        ada undoes #1 -> recorded
        dana undoes #1 -> refused wrong-state
        dana reassigns #2 to ada -> recorded
        sam handles #2 'it is with ada' -> refused not-named
        ada claims #2 -> recorded
        ada reassigns #2 to eve -> recorded
        ada handles #2 'it is with eve' -> refused not-named
        eve reassigns #2 to ada -> recorded
        ada transfers #2 crm/contact/*#status from sourcing to sales -> recorded
        ",
    );
    let stood_in = world.deeds.iter().filter(|deed| deed.refs.stands_in).count();
    assert_eq!(stood_in, 6, "two transfers, one undo, three that were handed");
    // One of those named there is an admin: it is theirs, but for when they are out.
    token(&mut world, "t5", TokenClass::Admin, "sam");
    play(
        &mut world,
        "
        sales escalates 'c' because 'y' -> escalated
        ada transfers #3 crm/account/* from support to sales -> refused not-named
        sam leaves -> recorded
        ada transfers #3 crm/account/* from support to sales -> refused overlap
        ",
    );
}
