//! RULES §13.5: what is to be signed, by whom it can be, and where nobody could.

use std::sync::Arc;

use serde_json::json;
use ssh_key::private::Ed25519Keypair;
use ssh_key::{HashAlg, LineEnding, PrivateKey, SshSig};

use super::world::{TEAM, World, request};
use deeds::domain::command::{Command, Principal, Proof, Request};
use deeds::domain::decide::{Answer, decide};
use deeds::domain::deed::{Body, Deed};
use deeds::domain::ids::{Actor, ItemNo, PersonId};
use deeds::domain::outcome::Outcome;
use deeds::domain::reply::Reply;
use deeds::domain::rule::signed;
use deeds::domain::rule::signing::{self, Meant, Statement};
use deeds::domain::signature::{NAMESPACE, SignKey};
use deeds::domain::state::State;
use deeds::domain::things::TokenClass;

const LEDGER: &str = "urn:uuid:8a7b6f1e-0000-4000-8000-000000000001";

fn pair(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

fn public(seed: u8) -> SignKey {
    SignKey::of(pair(seed).public_key().key_data().clone()).unwrap()
}

fn command(json: serde_json::Value) -> Command {
    serde_json::from_value(json).unwrap()
}

fn key(step: &str, person: &str, seed: u8) -> Command {
    if step == "add" {
        return command(json!({"do": "key", "step": "add", "key": public(seed)}));
    }
    command(json!({"do": "key", "step": step, "person": person, "key": public(seed).fingerprint()}))
}

/// The command with the signature of this key over the statement that is asked for now.
fn sign(world: &World, who: &str, command: Command, seed: u8) -> Request {
    let plain = request(who, command);
    let person = plain.principal.actor.person().unwrap();
    let statement = signing::statement(&world.state.board, &Arc::from(LEDGER), person, &plain.command);
    with(plain, &statement.unwrap().to_string(), seed)
}

fn with(plain: Request, statement: &str, seed: u8) -> Request {
    let signature = SshSig::sign(&pair(seed), NAMESPACE, HashAlg::Sha512, statement.as_bytes()).unwrap();
    let armored = signature.to_pem(LineEnding::LF).unwrap();
    Request { proof: Proof::Signature { ledger: LEDGER.into(), armored: armored.into() }, ..plain }
}

fn sent(world: &mut World, request: &Request) -> Reply {
    match world.send(request) {
        Answer::Reply(reply) => *reply,
        Answer::Replay(deed) => panic!("a replay of {deed}"),
    }
}

/// As a person who is a reviewer or an admin by their token, whatever their name.
fn ask_as(world: &mut World, name: &str, class: TokenClass, command: Command) -> Reply {
    world.pass("1s".parse().unwrap());
    let actor = Actor::Person(name.parse().unwrap());
    sent(world, &Request::new(Principal { actor, class, token: None }, command))
}

fn code(reply: &Reply) -> &str {
    reply.code.map_or("", |code| code.as_str())
}

/// The team's map with signatures asked for, and put in force as its admin who has the first key.
fn signing_world(says: &str) -> World {
    signing_world_of(&TEAM.replacen("workspace = ", &format!("{says}\nworkspace = "), 1))
}

fn signing_world_of(map: &str) -> World {
    let mut world = World::new(TEAM);
    let token =
        json!({"do": "token", "step": "create", "id": "t1", "class": "admin", "name": "ada", "hash": "00"});
    assert_eq!(code(&world.ask("ada", command(token))), "");
    signing_from(world, map)
}

fn signing_from(mut world: World, map: &str) -> World {
    assert_eq!(code(&world.ask("ada", key("add", "ada", 1))), "");
    let apply = apply(&world, map);
    let refused = sign(&world, "ada", apply.clone(), 1);
    let refused = sent(&mut world, &refused);
    assert_eq!(code(&refused), "map-broken", "{refused:?}");
    for (person, seed) in [("dana", 2), ("sam", 3)] {
        assert_eq!(code(&world.ask(person, key("add", person, seed))), "");
        let before = signing::dead_ends(&world.state.board, world.state.board.map.model(), world.now);
        assert_eq!(code(&world.ask(person, key("confirm", person, seed))), "not-allowed", "{before:?}");
        assert_eq!(code(&world.ask("ada", key("confirm", person, seed))), "");
    }
    // What begins to ask is signed itself.
    assert_eq!(code(&world.ask("ada", apply.clone())), "signature-needed");
    let done = sign(&world, "ada", apply, 1);
    let done = sent(&mut world, &done);
    assert_eq!(code(&done), "", "{done:?}");
    world
}

fn apply(world: &World, map: &str) -> Command {
    let model = deeds::domain::map::parse(map).applicable().unwrap();
    let version = world.state.board.map_version;
    let made =
        json!({"do": "apply-map", "model": model, "if_version": version, "take_back": true, "reason": "so"});
    command(made)
}

fn escalate(world: &mut World) -> Command {
    let item =
        world.ask("sales", command(json!({"do": "escalate", "input": 1, "why": "who knows"}))).item.unwrap();
    let open = world.state.board.items[&item].clone();
    command(json!({
        "do": "item", "item": item, "step": "answer",
        "answer": {"kind": "handle", "note": "seen to"}, "version": open.version, "digest": open.digest(),
    }))
}

#[test]
fn a_signed_answer_is_one_decision_of_one_person() {
    let mut world = signing_world("signed = \"all\"");
    let answer = escalate(&mut world);
    assert_eq!(code(&world.ask("dana", answer.clone())), "signature-needed");
    // Another's key, a key of nobody, another text, another ledger.
    for (seed, why) in [(3, "no key"), (9, "no key")] {
        let asked = sign(&world, "dana", answer.clone(), seed);
        let reply = sent(&mut world, &asked);
        assert_eq!(code(&reply), "signature-wrong", "{why}: {reply:?}");
    }
    let statement = Statement {
        ledger: "urn:uuid:another".into(),
        person: "dana".parse().unwrap(),
        after: deeds::domain::ids::Seq(0),
        meant: Meant::of(&answer).unwrap(),
    };
    let elsewhere = with(request("dana", answer.clone()), &statement.to_string(), 2);
    assert_eq!(code(&sent(&mut world, &elsewhere)), "signature-wrong");
    assert_eq!(Statement::read(&statement.to_string()), Some(statement));

    let before = world.state.clone();
    let asked = sign(&world, "dana", answer, 2);
    let reply = sent(&mut world, &asked);
    assert_eq!(code(&reply), "", "{reply:?}");
    let deed = world.deeds.iter().rev().find(|deed| deed.signed.is_some()).unwrap().clone();
    assert_eq!(deed.seq, reply.deed);
    let kept = deed.signed.as_deref().unwrap();
    assert_eq!(signed::holds(&before, LEDGER, &deed, kept), Ok(public(2)));

    // What was recorded is what was signed: with another answer, of another ledger, or without, it does not hold.
    let mut other = deed.clone();
    if let Body::ItemAnswered(closed) = &mut other.body {
        closed.answer = serde_json::from_value(json!({"kind": "handle", "note": "not seen to"})).unwrap();
    }
    assert!(signed::holds(&before, LEDGER, &other, kept).unwrap_err().contains("something else"));
    assert!(signed::holds(&before, "urn:uuid:another", &deed, kept).unwrap_err().contains("another ledger"));
    // Without its signature it lacks one, whatever else it is made to say.
    assert!(signed::lacks(&before, &deed).is_some());
    let posing =
        Deed { outcome: Outcome::Refused, actor: Actor::Agent("sales".parse().unwrap()), ..deed.clone() };
    assert!(signed::lacks(&before, &posing).is_some());
    // The statement names the one before: the same signature does nothing again.
    let again = escalate(&mut world);
    let reused = Request { command: again, ..asked };
    assert_eq!(code(&sent(&mut world, &reused)), "signature-wrong");
}

#[test]
fn a_key_signs_from_its_deed_on_and_no_longer_than_it_counts() {
    let mut world = signing_world("signed = \"all\"");
    // A second one that nobody vouches for waits; the first one vouches for a third.
    assert_eq!(code(&world.ask("dana", key("add", "dana", 4))), "");
    let answer = escalate(&mut world);
    let asked = sign(&world, "dana", answer.clone(), 4);
    assert_eq!(code(&sent(&mut world, &asked)), "signature-wrong");
    let add = sign(&world, "dana", key("add", "dana", 5), 2);
    assert_eq!(code(&sent(&mut world, &add)), "");
    // One key has one person.
    assert_eq!(code(&world.ask("sam", key("add", "sam", 5))), "wrong-state");
    assert_eq!(code(&world.ask("sam", key("revoke", "dana", 2))), "not-allowed");
    assert_eq!(code(&world.ask("dana", key("revoke", "dana", 2))), "");
    let asked = sign(&world, "dana", answer.clone(), 2);
    assert_eq!(code(&sent(&mut world, &asked)), "signature-wrong", "it was revoked");
    let asked = sign(&world, "dana", answer, 5);
    assert_eq!(code(&sent(&mut world, &asked)), "");
    // The last one of those who can change the map stays, until there is another.
    let reply = world.ask("ada", key("revoke", "ada", 1));
    assert_eq!(code(&reply), "wrong-state", "{reply:?}");
}

#[test]
fn what_could_turn_it_off_is_signed_and_what_stops_is_not() {
    let mut world = signing_world("signed = \"irreversible\"");
    for asked in [
        apply(&world, TEAM),
        command(json!({
            "do": "token", "step": "invite", "id": "i1", "class": "admin", "name": "eve", "hash": "00",
            "until": world.now.plus("1h".parse().unwrap()),
        })),
    ] {
        assert_eq!(code(&world.ask("ada", asked.clone())), "signature-needed", "{asked:?}");
        let asked = sign(&world, "ada", asked, 1);
        let dry = State::clone(&world.state);
        assert!(decide(&dry, &asked, world.now).deeds[0].signed.is_some());
    }
    // A handled case can be undone, and the queue asks for nothing.
    let answer = escalate(&mut world);
    assert_eq!(code(&world.ask("dana", answer)), "");

    let mut world = signing_world("signed = \"all\"");
    let step = |step: &str, reason: &str| {
        command(json!({"do": "override", "step": step, "agent": "sales", "reason": reason}))
    };
    assert_eq!(code(&world.ask("ada", step("pause", "look"))), "");
    assert_eq!(code(&world.ask("ada", step("resume", "fine"))), "signature-needed");
    let before = world.state.clone();
    let asked = sign(&world, "ada", step("resume", "fine"), 1);
    let reply = sent(&mut world, &asked);
    assert_eq!(code(&reply), "");
    let deed = world.deeds.last().unwrap().clone();
    let kept = deed.signed.as_deref().unwrap();
    assert_eq!(signed::holds(&before, LEDGER, &deed, kept), Ok(public(1)));
    let mut other = deed.clone();
    other.body = Body::AgentResumed("support".parse().unwrap());
    assert!(signed::holds(&before, LEDGER, &other, kept).is_err());
}

/// What one signature would have to ask for, whatever way it is come by.
#[test]
fn there_is_no_way_round_by_another_queue_or_another_command() {
    let mut world = signing_queue();
    // An item of the signed queue settled with one of another queue, by the same answer.
    let ops = opened(&mut world, "sales", "legal/z");
    let roadmap = opened(&mut world, "product", "legal/z");
    let handle = json!({"kind": "handle", "note": "seen to"});
    let both = answer(&world, ops, &handle, &[roadmap]);
    assert_eq!(code(&world.ask("dana", both)), "signature-needed");
    let out = json!({"kind": "out-of-scope", "reason": "no", "rule": true});
    let alone = answer(&world, ops, &out, &[]);
    assert_eq!(
        code(&world.ask("dana", alone)),
        "signature-needed",
        "a rule closes what comes in other queues"
    );
    let give = json!({"kind": "transfer", "pattern": "releases/*", "from": "product", "to": "sales"});
    let taken = answer(&world, ops, &give, &[]);
    assert_eq!(code(&world.ask("ada", taken)), "signature-needed", "a zone leaves its queue");
    let grown = json!({"kind": "expand", "agent": "sales", "grant": {"what": "write", "value": "legal/z"}});
    let grown = answer(&world, ops, &grown, &[]);
    assert_eq!(code(&world.ask("dana", grown.clone())), "signature-needed");
    let signed_too = sign(&world, "dana", grown, 2);
    let deeds = decide(&world.state, &signed_too, world.now).deeds;
    let change = deeds.iter().find(|deed| matches!(deed.body, Body::ScopeExpanded(_))).unwrap();
    let given = deeds.iter().find(|deed| deed.signed.is_some()).unwrap();
    assert_eq!(signed::follows(&world.state, change, given), Ok(()));
    let mut wider = change.clone();
    if let Body::ScopeExpanded(scope) = &mut wider.body {
        scope.agent = "support".parse().unwrap();
    }
    assert!(signed::follows(&world.state, &wider, given).is_err());
    assert!(signed::lacks(&world.state, change).is_some(), "alone it was to be signed");
    // Words of people that end what waits.
    for asked in [
        json!({"do": "conclude", "subject": "releases/1", "question": "good?", "answer": true}),
        json!({"do": "map-review", "note": "fine"}),
    ] {
        assert_eq!(code(&world.ask("dana", command(asked.clone()))), "signature-needed", "{asked}");
    }
    // An agent's word is no decision.
    let said = json!({"do": "conclude", "subject": "releases/1", "question": "good?", "answer": true});
    assert_eq!(code(&world.ask("product", command(said))), "");
    // What the queue's own people decide alone in another queue stays as it was.
    let plain = answer(&world, ops, &handle, &[]);
    assert_eq!(code(&world.ask("dana", plain)), "");
}

/// The queue `roadmap` of the team asks for signatures, and its people have keys.
fn signing_queue() -> World {
    signing_world_of(&TEAM.replacen("name = \"roadmap\"\n", "name = \"roadmap\"\nsigned = true\n", 1))
}

/// An item about what nobody owns.
fn opened(world: &mut World, agent: &str, entity: &str) -> u64 {
    let write = json!({"do": "write", "entity": entity, "changes": {"a": 1}, "expected": {"a": 0}});
    world.ask(agent, command(write)).item.unwrap().0
}

fn answer(world: &World, item: u64, answer: &serde_json::Value, include: &[u64]) -> Command {
    let open = world.state.board.items[&ItemNo(item)].clone();
    command(json!({
        "do": "item", "item": item, "step": "answer", "answer": answer, "include": include,
        "version": open.version, "digest": open.digest(),
    }))
}

/// An invitation of before vouches for nothing, and nobody can take the last hand that could change the map.
#[test]
fn who_could_sign_stays_and_who_was_not_vouched_for_waits() {
    let mut world = World::new(TEAM);
    let invite = json!({
        "do": "token", "step": "invite", "id": "i1", "class": "admin", "name": "eve", "hash": "00",
        "until": world.now.plus("1h".parse().unwrap()),
    });
    let token =
        json!({"do": "token", "step": "create", "id": "t1", "class": "admin", "name": "ada", "hash": "00"});
    assert_eq!(code(&world.ask("ada", command(token))), "");
    assert_eq!(code(&world.ask("ada", command(invite))), "");
    let mut world = signing_from(world, &TEAM.replacen("workspace = ", "signed = \"all\"\nworkspace = ", 1));
    let redeem = json!({
        "do": "token", "step": "redeem", "invitation": "i1", "key": public(7),
        "token": {"id": "t2", "class": "admin", "name": "eve", "hash": "00"},
    });
    assert_eq!(code(&world.ask("deeds", command(redeem))), "");
    let eve = world.state.board.signers[&"eve".parse::<PersonId>().unwrap()].clone();
    assert!(eve.keys[0].offered && eve.live().next().is_none(), "{eve:?}");
    let revoke = json!({"do": "token", "step": "revoke", "token": "t1"});
    assert_eq!(code(&ask_as(&mut world, "eve", TokenClass::Admin, command(revoke))), "wrong-state");
}

/// A key that was named under an account is its person's, once the map knows whose account that is.
#[test]
fn a_key_follows_its_person() {
    let mut world = World::new(TEAM);
    let add = key("add", "dana@acme", 8);
    assert_eq!(code(&ask_as(&mut world, "dana@acme", TokenClass::Reviewer, add)), "");
    assert_eq!(code(&world.ask("ada", key("confirm", "dana@acme", 8))), "");
    let map = format!("{TEAM}\n[[person]]\nid = \"dana\"\naccount = \"dana@acme\"\n");
    let applied = apply(&world, &map);
    assert_eq!(code(&world.ask("ada", applied)), "");
    let keys: Vec<SignKey> =
        world.state.board.live_keys(&"dana".parse().unwrap()).map(|known| known.key.clone()).collect();
    assert_eq!(keys, [public(8)]);
    assert_eq!(code(&world.ask("ada", key("revoke", "dana", 8))), "");
}
