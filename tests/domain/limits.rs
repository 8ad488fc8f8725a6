//! What nobody gets by a way around: a grant by way of another's case, a stop in another's zone, a write by way of an agent
//! that was shut out, work about what is hidden.

use std::sync::Arc;

use super::script::{check, check_on, play, run};
use super::world::{TEAM, World};
use deeds::domain::command::{Command, TokenStep};
use deeds::domain::ids::TokenId;
use deeds::domain::things::{Token, TokenClass};
use deeds::domain::time::Time;

/// A token of an agent is made, or taken away.
fn token(world: &mut World, id: &str, name: &str, expires: Option<Time>) {
    let id = TokenId::new(id).unwrap();
    let token = Token {
        id,
        class: TokenClass::Agent,
        name: Arc::from(name),
        hash: Arc::from("00"),
        expires,
        invitation: None,
    };
    assert!(world.ask("dana!", Command::Token(TokenStep::Create(token))).code.is_none());
}

fn revoke(world: &mut World, id: &str) {
    let step = TokenStep::Revoke { token: TokenId::new(id).unwrap() };
    assert!(world.ask("dana!", Command::Token(step)).code.is_none());
}

/// An answer to one case grants what the case is about, and no more by the way.
#[test]
fn an_expansion_covers_the_case() {
    check(
        "
        sales writes blog/post title=x@0 body=y@0 -> escalated unowned
        dana expands #1 sales writes finance/** -> refused overlap
        dana expands #1 sales writes blog/post#author -> refused overlap
        dana expands #1 sales outputs blog/post -> refused overlap
        dana expands #1 sales triggers blog -> refused overlap
        map v1
        dana expands #1 sales writes blog/post#title -> recorded
        map v2
        sales acts fax/all send_it on crm/deal/7 -> escalated unowned
        dana expands #3 sales outputs fax/some -> refused overlap
        dana expands #3 sales writes crm/fax/* -> refused overlap
        dana expands #3 sales outputs fax/all -> recorded
        sales escalates 'x' because 'y' on blog/page -> escalated
        dana expands #4 sales writes finance/** -> refused overlap
        dana expands #4 sales writes blog/* -> recorded
        ",
    );
    check_on(
        super::triggers::DESK,
        r#"
        billing sends '{"do": "raise", "event": "fax.received"}' -> escalated unowned
        dana expands #1 billing triggers letter.received -> refused overlap
        dana expands #1 billing writes finance/** -> refused overlap
        dana expands #1 billing triggers fax.received -> recorded
        "#,
    );
}

/// What was taken out of a zone comes back by an admin alone.
#[test]
fn a_reviewer_lifts_no_exception() {
    let mut world = check("sales writes crm/account/vip-1 plan=gold@0 -> escalated unowned");
    let reply = run(&mut world, "dana expands #1 sales writes crm/account/vip-*");
    assert_eq!(reply.code.unwrap().as_str(), "not-allowed", "{reply:?}");
    play(&mut world, "dana! expands #1 sales writes crm/account/vip-* -> recorded");
}

/// A reviewer overrides in the zones of the queues that name them; who answers for the map and admins everywhere.
#[test]
fn a_reviewer_overrides_in_the_zones_of_their_queues() {
    let map = TEAM.replace("deputies = [\"sam\"]", "deputies = []");
    check_on(
        &map,
        "
        sales writes crm/account/acme plan=pro@0 -> committed
        product writes releases/one tag=a@0 -> committed
        sam freezes crm/account/acme 'mine' -> refused not-named
        sam sets crm/account/acme#plan free@1 'mine' -> refused not-named
        sam pauses sales 'mine' -> refused not-named
        sam halts 'mine' -> refused not-named
        sam freezes nowhere/at-all 'mine' -> refused not-named
        sam freezes releases/one 'mine' -> recorded
        sam unfreezes releases/one 'mine' -> recorded
        sam sets requests/7#state open@0 'mine' -> committed
        sam pauses product 'mine' -> recorded
        sam resumes product 'mine' -> recorded
        eve freezes releases/one 'nobody' -> refused not-named
        eve! freezes releases/one 'an admin' -> recorded
        dana unfreezes releases/one 'answers for the map' -> recorded
        sales leases crm/account/acme#plan 10m -> allowed
        sam breaks 1 'mine' -> refused not-named
        dana breaks 1 'ours' -> recorded
        ",
    );
}

/// An input that waits is not decided as that of an agent whose tokens were taken away.
#[test]
fn what_a_revoked_agent_left_behind_is_not_committed() {
    let mut world = World::new(TEAM);
    token(&mut world, "t1", "sourcing", None);
    play(&mut world, "sourcing writes crm/contact/7 score=9@0 -> escalated unowned");
    revoke(&mut world, "t1");
    let reply = run(&mut world, "sam expands #1 sourcing writes crm/contact/*#score");
    assert!(reply.code.is_none(), "{reply:?}");
    play(
        &mut world,
        "
        = crm/contact/7#score nothing
        works sourcing 1
        map v2
        ",
    );
    let work = world.state.board.works.values().next().unwrap();
    assert!(work.title.contains("your tokens were revoked"), "{}", work.title);
    // Neither is what waits for a yes.
    token(&mut world, "t2", "sales", None);
    play(
        &mut world,
        "
        sales writes crm/account/acme plan=pro@0 -> committed
        dana sets crm/account/acme#plan free@1 'agreed' -> committed
        sales writes crm/account/acme plan=pro@2 -> proposed held
        ",
    );
    revoke(&mut world, "t2");
    play(&mut world, "dana approves #2 -> refused token-ended");
    token(&mut world, "t3", "sales", None);
    play(&mut world, "dana approves #2 -> recorded");
}

/// A token that ran out by itself, or was replaced by another, shuts nobody out.
#[test]
fn an_agent_whose_token_was_replaced_or_ran_out_is_not_shut_out() {
    let mut world = World::new(TEAM);
    token(&mut world, "t1", "sourcing", None);
    token(&mut world, "t2", "sourcing", None);
    play(&mut world, "sourcing writes crm/contact/7 score=9@0 -> escalated unowned");
    revoke(&mut world, "t1");
    play(
        &mut world,
        "
        sam expands #1 sourcing writes crm/contact/*#score -> recorded
        = crm/contact/7#score 9 v1
        ",
    );
    let soon = world.now.plus(deeds::domain::time::Span::from_mins(5));
    token(&mut world, "t3", "product", Some(soon));
    play(
        &mut world,
        "
        product writes crm/contact/8 rank=1@0 -> escalated unowned
        pass 1h
        sam expands #2 product writes crm/contact/*#rank -> recorded
        = crm/contact/8#rank 1 v1
        ",
    );
}

/// Names that are drawn alike are told, and Deeds' own words are nobody's name.
#[test]
fn names_that_are_taken_for_others_are_told() {
    let found = |map: &str| {
        let parsed = deeds::domain::map::parse(map);
        let codes: Vec<&str> = parsed.findings.iter().map(|finding| finding.lint.code()).collect();
        (codes.contains(&"confusable"), codes.contains(&"reserved-name"), parsed.has_errors())
    };
    assert_eq!(found(TEAM), (false, false, false));
    let alike = TEAM
        .replace("owner = \"sam\"\ndeputies = [\"dana\"]", "owner = \"sam\"\ndeputies = [\"d\u{430}na\"]");
    assert_eq!(found(&alike), (true, false, false), "{alike}");
    let reserved =
        TEAM.replace("id = \"sourcing\"", "id = \"people\"").replace("\"sourcing\"]", "\"people\"]");
    let (_, is_reserved, errors) = found(&reserved);
    assert!(is_reserved && errors);
    let mut world = World::new(TEAM);
    token(&mut world, "t1", "sales", None);
    let make = |world: &mut World, id: &str, name: &str| {
        let id = TokenId::new(id).unwrap();
        let token = Token {
            id,
            class: TokenClass::Agent,
            name: Arc::from(name),
            hash: Arc::from("00"),
            expires: None,
            invitation: None,
        };
        world.ask("dana!", Command::Token(TokenStep::Create(token)))
    };
    let refused = make(&mut world, "t2", "d\u{435}eds");
    assert_eq!(refused.code.unwrap().as_str(), "wrong-state", "{refused:?}");
    let warned = make(&mut world, "t3", "s\u{430}les");
    assert!(warned.message.unwrap().contains("drawn like sales"));
}

/// Work about what is hidden is opened neither by an event nor by a fan-out, and evidence is of what was.
#[test]
fn nothing_is_opened_about_what_is_hidden_or_is_to_come() {
    let map = format!("{TEAM}\n[[event]]\nname = \"pay.changed\"\n").replace(
        "id = \"support\"\nowner = \"dana\"\n",
        "id = \"support\"\nowner = \"dana\"\ntriggers = [\"pay.changed\"]\n",
    );
    check_on(
        &map,
        r#"
        sales sends '{"do": "raise", "event": "pay.changed", "subject": "hr/dana"}' -> refused hidden
        sales sends '{"do": "fan-out", "branches": [{"to": "support", "input": 1}], "deadline": "1h", "subject": "hr/dana"}' -> refused hidden
        works
        support sends '{"do": "raise", "event": "pay.changed", "subject": "hr/dana"}' -> recorded
        sales sends '{"do": "raise", "event": "pay.changed", "subject": "crm/deal/1"}' -> recorded
        works support 2
        sales sends '{"do": "escalate", "input": 1, "why": "y", "evidence": [999]}' -> refused not-found
        sales sends '{"do": "escalate", "input": 1, "why": "y", "evidence": [0]}' -> refused not-found
        sales sends '{"do": "escalate", "input": 1, "why": "y", "evidence": [1]}' -> escalated
        "#,
    );
}
