//! RULES §13.5: what is to be signed, by whom it can be, and where nobody could.

use std::sync::Arc;

use serde_json::json;
use ssh_key::private::Ed25519Keypair;
use ssh_key::{HashAlg, LineEnding, PrivateKey, SshSig};

use super::world::{TEAM, World, request};
use deeds::domain::command::{Command, Proof, Request};
use deeds::domain::decide::Answer;
use deeds::domain::reply::Reply;
use deeds::domain::rule::signed;
use deeds::domain::rule::signing::{self, Meant, Statement};
use deeds::domain::signature::{NAMESPACE, SignKey};
use deeds::domain::state::State;

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

fn code(reply: &Reply) -> &str {
    reply.code.map_or("", |code| code.as_str())
}

/// The team's map with signatures asked for, and put in force as its admin who has the first key.
fn signing_world(says: &str) -> World {
    let mut world = World::new(TEAM);
    let token =
        json!({"do": "token", "step": "create", "id": "t1", "class": "admin", "name": "ada", "hash": "00"});
    assert_eq!(code(&world.ask("ada", command(token))), "");
    assert_eq!(code(&world.ask("ada", key("add", "ada", 1))), "");
    let map = TEAM.replacen("workspace = ", &format!("{says}\nworkspace = "), 1);
    let apply = apply(&world, &map);
    let refused = world.ask("ada", apply.clone());
    assert_eq!(code(&refused), "map-broken", "{refused:?}");
    for (person, seed) in [("dana", 2), ("sam", 3)] {
        assert_eq!(code(&world.ask(person, key("add", person, seed))), "");
        let before = signing::dead_ends(&world.state.board, world.state.board.map.model(), world.now);
        assert_eq!(code(&world.ask(person, key("confirm", person, seed))), "not-allowed", "{before:?}");
        assert_eq!(code(&world.ask("ada", key("confirm", person, seed))), "");
    }
    let done = world.ask("ada", apply);
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
    if let deeds::domain::deed::Body::ItemAnswered(closed) = &mut other.body {
        closed.answer = serde_json::from_value(json!({"kind": "handle", "note": "not seen to"})).unwrap();
    }
    assert!(signed::holds(&before, LEDGER, &other, kept).unwrap_err().contains("something else"));
    assert!(signed::holds(&before, "urn:uuid:another", &deed, kept).unwrap_err().contains("another ledger"));
    assert!(signed::lacks(&before, &deed).is_some());
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
        assert!(deeds::domain::decide::decide(&dry, &asked, world.now).deeds[0].signed.is_some());
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
    other.body = deeds::domain::deed::Body::AgentResumed("support".parse().unwrap());
    assert!(signed::holds(&before, LEDGER, &other, kept).is_err());
}
