//! Who may ask what, and what people override.

use std::sync::Arc;

use super::script::{check, play};
use super::world::{TEAM, World, request};
use deeds::domain::command::{ApplyMap, Command, TokenStep};
use deeds::domain::ids::{MapVersion, TokenId};
use deeds::domain::things::{Token, TokenClass};
use deeds::domain::time::Span;

#[test]
fn classes_keep_to_their_own() {
    let script = "
        sales writes nowhere/x y=1@0 -> escalated unowned
        sales claims #1 -> refused agent-token
        sales handles #1 'myself' -> refused agent-token
        sales expands #1 sales writes nowhere/x -> refused agent-token
        sales undoes #1 -> refused agent-token
        sales resolves !1 'fine' -> refused not-allowed
        sales freezes crm/account/acme 'mine' -> refused not-allowed
        wanda claims #1 -> refused not-allowed
        wanda freezes crm/account/acme 'why not' -> refused not-allowed
        dana writes crm/account/acme plan=x@0 -> refused not-allowed
        dana escalates 'x' because 'y' -> refused not-allowed
        items #1
        ";
    check(script);
}

#[test]
fn maps_and_tokens_are_for_admins() {
    let mut world = World::new(TEAM);
    let model = Arc::clone(world.state.board.map.model());
    let apply = |version| {
        Command::ApplyMap(ApplyMap {
            model: Arc::clone(&model),
            if_version: MapVersion(version),
            reason: None,
            planned: false,
            take_back: false,
        })
    };
    for who in ["sales", "dana", "wanda"] {
        assert_eq!(world.ask(who, apply(1)).code.unwrap().as_str(), "not-allowed", "{who}");
    }
    assert_eq!(world.ask("ada", apply(3)).code.unwrap().as_str(), "map-moved");
    assert!(world.ask("ada", apply(1)).code.is_none());
    assert_eq!(world.ask("ada", apply(1)).code.unwrap().as_str(), "map-moved");
    play(&mut world, "map v2");
}

fn token(id: &str, name: &str, expires: Option<deeds::domain::time::Time>) -> Token {
    Token {
        id: TokenId::new(id).unwrap(),
        class: TokenClass::Agent,
        name: Arc::from(name),
        hash: Arc::from("00"),
        expires,
        invitation: None,
    }
}

/// A token's end is ordered with every command: from the next one on it opens no door.
#[test]
fn a_token_ends() {
    let mut world = World::new(TEAM);
    let soon = world.now.plus(Span::from_mins(5));
    for create in [token("t1", "sales", None), token("t2", "sales", Some(soon))] {
        let reply = world.ask("ada", Command::Token(TokenStep::Create(create)));
        assert!(reply.code.is_none(), "{reply:?}");
    }
    let write = super::script::command(&world, &super::script::words("writes crm/account/acme plan=x@0"));
    let say = |world: &mut World, id: &str| {
        world.pass(Span::from_secs(1));
        let mut request = request("sales", write.clone());
        request.principal.token = Some(TokenId::new(id).unwrap());
        match world.send(&request) {
            deeds::domain::decide::Answer::Reply(reply) => reply.code.map_or("", |code| code.as_str()),
            deeds::domain::decide::Answer::Replay(_) => panic!("no key was sent"),
        }
    };
    assert_eq!(say(&mut world, "t1"), "");
    assert_eq!(say(&mut world, "t2"), "stale");
    assert_eq!(say(&mut world, "t9"), "token-ended");
    world.pass(Span::from_mins(5));
    assert_eq!(say(&mut world, "t2"), "token-ended");
    let revoke = Command::Token(TokenStep::Revoke { token: TokenId::new("t1").unwrap() });
    assert_eq!(world.ask("dana", revoke.clone()).code.unwrap().as_str(), "not-allowed");
    assert!(world.ask("ada", revoke.clone()).code.is_none());
    assert_eq!(say(&mut world, "t1"), "token-ended");
    assert_eq!(world.ask("ada", revoke).code.unwrap().as_str(), "wrong-state");
    let again = Command::Token(TokenStep::Create(token("t1", "sales", None)));
    assert_eq!(world.ask("ada", again).code.unwrap().as_str(), "wrong-state");
    world.verify();
}

#[test]
fn overrides_need_a_reason_and_make_reads_stale() {
    check(
        "
        support writes crm/account/acme health=good@0 -> committed
        dana sets crm/account/acme#health bad@1 ' ' -> refused wrong-state
        dana sets crm/account/acme#health bad@0 'I know better' -> stale stale
        dana sets crm/account/acme#health bad@1 'I know better' -> committed
        = crm/account/acme#health bad v2
        support writes crm/account/acme health=good@1 -> stale stale
        sales acts mail/sales send_offer on crm/account/acme dep=crm/account/acme#health@1 -> stale stale
        ",
    );
}

#[test]
fn a_pause_stops_an_agent_and_a_freeze_an_entity() {
    check(
        "
        dana pauses sales 'too many mails' -> recorded
        dana pauses sales 'again' -> refused wrong-state
        sales writes crm/account/acme plan=x@0 -> refused paused
        sales acts mail/sales send_offer on crm/account/acme -> refused paused
        sales escalates 'x' because 'y' -> refused paused
        support writes support/ticket/1 status=open@0 -> committed
        dana resumes sales 'calmed down' -> recorded
        sales writes crm/account/acme plan=x@0 -> committed
        dana freezes crm/account/acme 'under audit' -> recorded
        sales writes crm/account/acme plan=y@1 -> refused frozen
        support writes crm/account/acme health=good@0 -> refused frozen
        dana sets crm/account/acme#plan z@1 'the auditor said so' for none -> committed
        dana unfreezes crm/account/acme 'done' -> recorded
        dana unfreezes crm/account/acme 'done' -> refused wrong-state
        sales writes crm/account/acme plan=y@2 -> committed
        dana pauses nobody-knows 'x' -> refused not-found
        ",
    );
}

/// A token that decides is made by the person whose name it bears, from an invitation, once and in time.
#[test]
fn an_invitation_is_taken_once_by_whom_it_is_for() {
    use deeds::domain::things::Invitation;

    let mut world = World::new(TEAM);
    let invitation = |world: &World, id: &str, hours: i64| Invitation {
        id: TokenId::new(id).unwrap(),
        class: TokenClass::Reviewer,
        name: Arc::from("sam"),
        hash: Arc::from("00"),
        until: world.now.plus(Span::from_hours(hours)),
        expires: None,
        vouched: false,
    };
    let redeem = |id: &str, new: &str| {
        let token = Token { class: TokenClass::Admin, ..token(new, "eve", None) };
        Command::Token(TokenStep::Redeem { invitation: TokenId::new(id).unwrap(), token, key: None })
    };
    let code = |world: &mut World, who: &str, command: Command| {
        world.ask(who, command).code.map_or("", |code| code.as_str())
    };
    let own =
        Command::Token(TokenStep::Create(Token { class: TokenClass::Admin, ..token("t1", "sam", None) }));
    assert_eq!(code(&mut world, "ada", own), "not-allowed");
    for (id, hours, said) in
        [("i1", 1, ""), ("i1", 1, "wrong-state"), ("i2", 24 * 8, "over-bound"), ("i2", 0, "over-bound")]
    {
        let invite = Command::Token(TokenStep::Invite(invitation(&world, id, hours)));
        assert_eq!(code(&mut world, "ada", invite), said, "{id} {hours}");
    }
    let invite = Command::Token(TokenStep::Invite(invitation(&world, "i3", 1)));
    assert_eq!(code(&mut world, "dana", invite), "not-allowed");
    // Only the server, which compares secrets, says that somebody has one.
    assert_eq!(code(&mut world, "ada", redeem("i1", "t2")), "not-allowed");
    assert_eq!(code(&mut world, "deeds", redeem("i1", "t2")), "");
    let made = &world.state.access.tokens[&TokenId::new("t2").unwrap()];
    assert_eq!((made.token.class, &*made.token.name, made.by.name()), (TokenClass::Reviewer, "sam", "sam"));
    assert_eq!(code(&mut world, "deeds", redeem("i1", "t3")), "not-found");
    // One that is late, and one that was taken back.
    for id in ["i4", "i5"] {
        let invite = Command::Token(TokenStep::Invite(invitation(&world, id, 1)));
        assert_eq!(code(&mut world, "ada", invite), "");
    }
    let revoke = Command::Token(TokenStep::Revoke { token: TokenId::new("i5").unwrap() });
    assert_eq!(code(&mut world, "ada", revoke), "");
    assert_eq!(code(&mut world, "deeds", redeem("i5", "t5")), "not-found");
    world.pass(Span::from_hours(1));
    assert_eq!(code(&mut world, "deeds", redeem("i4", "t4")), "not-found");
    world.verify();
}
