//! The wire and disk form of every deed type, guarded by one golden file each under `tests/golden/`.
//!
//! Types are add-only: a file that is there must be read, and written again to the same bytes, for ever. A new type needs
//! a file: `DEEDS_GOLDEN=write cargo test --test domain every_type_has_a_file` writes those that are missing, never one that is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::script::{command, play, words};
use super::world::{TEAM, World, keyed};
use deeds::domain::command::{ApplyMap, Command, MapReview, Together, TokenStep};
use deeds::domain::deed::{Audience, Body, Deed, Family, Origin};
use deeds::domain::ids::{MapVersion, TokenId};
use deeds::domain::map;
use deeds::domain::sight::Sight;
use deeds::domain::state::State;
use deeds::domain::things::{Invitation, Token, TokenClass};

fn origin() -> Origin {
    Origin {
        source: Arc::from("urn:uuid:01234567-89ab-4cde-8f01-23456789abcd"),
        workspace: "acme".parse().unwrap(),
    }
}

fn file(kind: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{kind}.json"))
}

pub(crate) const LIFE: &str = "
    support writes crm/account/acme health=good@0 -> committed
    support writes crm/account/acme health='at risk'@1 -> committed
    sales writes crm/account/acme health=good@1 -> proposed not-owner
    sales writes crm/account/acme health=fair@2 -> proposed not-owner
    support declines 1 'they have an open ticket' -> recorded
    support accepts 2 -> committed
    sales accepts 1 -> refused wrong-state
    support writes crm/account/acme health=bad@1 dep=crm/deal/7#stage@0 -> stale stale
    support writes crm/account/acme health=bad@1 dep=crm/deal/7#stage@0 -> stale stale
    dana acknowledges !2 -> recorded
    dana resolves !2 'support reads first now' -> recorded
    dana resolves !9 'what' -> refused not-found
    sales creates crm/deal/7 stage=trial discount=12 -> committed
    sales archives crm/deal/7 @1 -> committed
    sales creates crm/deal/8 stage=trial -> committed
    sales deletes crm/deal/8 @1 -> committed
    sales acts mail/sales send_offer on crm/account/acme dep=crm/account/acme#health@3 -> allowed
    sales done 1 -> committed
    sales acts mail/sales send_offer on crm/account/acme -> allowed
    sales failed 2 -> failed
    sales acts mail/support send_offer on crm/account/acme -> refused not-owner
    support writes support/ticket/acme status=open@0 -> committed
    sales acts mail/sales send_offer on crm/account/acme -> deferred deferred
    sourcing writes crm/contact/7 score=9@0 note=null@0 -> escalated unowned
    sourcing writes crm/contact/7 score=9@0 note=null@0 -> escalated unowned
    sam claims #1 -> recorded
    sam releases #1 -> recorded
    sam reassigns #1 to sam -> recorded
    sales claims #1 -> refused agent-token
    sam expands #1 sourcing writes crm/contact/7 -> recorded
    sam undoes #1 -> recorded
    sam! transfers #1 crm/contact/*#status from sourcing to sales -> recorded
    sales escalates 'cheap backlinks' because 'somebody sells something' on crm/account/acme -> escalated
    dana drops #3 'spam' rule -> recorded
    dana undoes #3 -> recorded
    pass 3h
    tick
    pass 1h
    tick
    sales creates crm/deal/9 stage=trial -> committed
    sales writes crm/contact/9 status=sourced@0 -> committed
    dana handles #4 'the pipeline is right' -> recorded
    dana undoes #4 -> recorded
    dana pauses sales 'too many mails' -> recorded
    dana resumes sales 'calmed down' -> recorded
    dana freezes crm/account/acme 'under audit' -> recorded
    dana unfreezes crm/account/acme 'audit is over' -> recorded
    dana unfreezes crm/account/acme 'again' -> refused wrong-state
    dana sets support/ticket/acme#status closed@1 'told on the phone' -> committed
    dana frees support/ticket/acme#status 'agreed' -> recorded
    dana halts 'everything is wrong' for 2h -> recorded
    dana unhalts 'it was the import' -> recorded
    dana leaves until 2h -> recorded
    dana comes -> recorded
    sam comes -> refused wrong-state
    ";

/// Events and conclusions, on the map that has them.
pub(crate) const EVENTS: &str = r#"
    sales sends '{"do":"raise","event":"email.received","attributes":{"subject":"re: invoice 7"},"subject":"invoices/7","reason":"new mail","cause":1}' -> recorded
    sales sends '{"do":"raise","event":"fax.received","attributes":{"pages":2},"subject":"invoices/7"}' -> escalated unowned
    billing sends '{"do":"raise","event":"call.missed","attributes":{"from":"bob"}}' -> escalated collision
    sales sends '{"do":"raise","event":""}' -> refused over-bound
    dana drops #1 'nobody sends faxes' rule -> recorded
    sales sends '{"do":"raise","event":"fax.received","attributes":{"pages":2},"subject":"invoices/7"}' -> refused out-of-scope
    billing sends '{"do":"claim","event":"invoice.due","key":"m1","subject":"invoices/7"}' -> allowed
    payments sends '{"do":"claim","event":"invoice.due","key":"m1","subject":"invoices/7"}' -> refused claim-taken
    billing sends '{"do":"conclude","subject":"invoices/7","question":"is it paid","answer":true,"reason":"the bank says so"}' -> committed
    payments sends '{"do":"conclude","subject":"invoices/7","question":"is it paid","answer":false}' -> committed
    billing sends '{"do":"conclude","subject":"hr/7","question":"is it paid","answer":false}' -> refused hidden
    gus sends '{"do":"guard","agent":"sales","by":"git","stopped":true,"paths":["files/src/a.rs","files/src/b.rs"],"more":3}' -> recorded
    gus sends '{"do":"guard","agent":"sales","by":"claude-code","paths":["files/src/a.rs"],"more":1}' -> recorded
    sales sends '{"do":"guard","agent":"sales","by":"me","paths":[]}' -> refused not-allowed
    ada sends '{"do":"accept-loss","through":9000,"reason":"the log was taken for rubbish"}' -> recorded
    ada sends '{"do":"accept-loss","through":2,"reason":"it was not"}' -> refused wrong-state
    "#;

/// Leases, publications, acts that wait, overrides and reviews.
pub(crate) const LOCKS: &str = r#"
    support writes crm/account/acme health=good@0 -> committed
    support leases shared/log 10m -> allowed
    support renews 1 20m -> allowed
    support passes 1 sales -> allowed
    sales unlocks 2 -> recorded
    sales unlocks 2 -> refused lease-over
    support leases crm/account/acme#health 1m -> allowed
    pass 1m
    tick
    support leases crm/account/acme#health 1m -> allowed
    dana breaks 4 'it hangs' -> recorded
    support publishes slack/billing 'due' thread=inv-7 on crm/account/acme -> committed
    sales publishes mail/sales 'paid' thread=inv-7 on crm/account/acme -> escalated collision
    support publishes mail/sales 'not ours' -> refused not-owner
    sales hands talk-1 to support on crm/deal/9 -> recorded
    sales publishes slack/billing 'later' thread=talk on crm/deal/9 -> deferred not-your-turn
    support publishes slack/billing 'paid in part' thread=inv-7 on crm/account/acme -> committed
    dana approves #1 -> refused changed
    dana approves #1 'paid in full' -> recorded
    support writes support/ticket/acme status=open@0 -> committed
    sales sends '{"do":"act","target":"mail/sales","action":"send_upsell","subject":"crm/account/acme","wait":true}' -> deferred deferred
    support writes support/ticket/acme status=closed@1 -> committed
    dana starts ops -> recorded
    dana starts ops -> refused wrong-state
    dana ends ops 'all clear' -> recorded
    sales escalates 'x' because 'y' -> escalated
    dana skips #2 'not today' -> recorded
    pass 1d
    tick
    tick
    pass 2d
    tick
    tick
    dana handles #2 'done' -> recorded
    "#;

/// Work that is taken, handed over and fanned out.
pub(crate) const TASKS: &str = r#"
    sales hands draft-7 to support of 2 on crm/account/acme -> recorded
    sales hands draft-7 to product -> refused wrong-state
    support accepts 1 'with pleasure' -> recorded
    support returns 1 'make it shorter' -> recorded
    sales hands draft-7 to support -> recorded
    support returns 3 'Make it  shorter' -> escalated not-converging
    dana handles #1 'it is short enough' -> recorded
    sales hands draft-8 to support -> recorded
    support completes 6 'as asked' '{"url": "files/draft-8"}' -> recorded
    sales fans support,product within 1h needed 1 tries 2 on crm/account/acme -> recorded
    sales fans nobody within 1h -> refused not-found
    support takes for 1m -> recorded
    support takes for 10m -> recorded
    support completes 8 -> recorded
    product takes for 1m -> recorded
    pass 1m
    tick
    product takes -> recorded
    product fails 9 'no such page' try=2 -> failed out-of-attempts
    sales hands draft-9 to product -> recorded
    product takes -> recorded
    product completes 11 'done' -> recorded
    sales writes crm/account/acme health=good@0 -> proposed not-owner
    support takes 13 -> recorded
    support fails 13 'what is it' -> failed
    support takes 13 -> recorded
    support returns 13 'busy' -> recorded
    pass 15m
    tick
    sales hands draft-10 to support of 1 -> recorded
    support returns 14 'no title' -> escalated out-of-attempts
    dana resends #2 saying 'it needs none' -> recorded
    sales hands draft-11 to support of 1 aborting -> recorded
    support returns 17 'no title' -> failed out-of-attempts
    "#;

/// The histories that the samples are taken from; together they have every deed type in them.
fn histories() -> Vec<World> {
    vec![
        history(),
        super::script::check_on(super::triggers::DESK, EVENTS),
        super::script::check_on(&super::outputs::team(), LOCKS),
        super::script::check(TASKS),
        super::script::check("pass 91d\n tick"),
        super::calls::life(),
        super::formats::raised(),
        super::time::doubted(),
        super::rebased::rebased(),
    ]
}

/// A history with what there always was.
fn history() -> World {
    let mut world = World::new(TEAM);
    play(&mut world, LIFE);
    let write = command(&world, &words("writes crm/account/keyed plan=team@0"));
    world.send(&keyed("sales", write, "order 7", "00112233445566aa"));
    let works = world.state.board.works.keys().next_back().unwrap().0;
    let agent = world.state.board.works.values().next_back().unwrap().agent.to_string();
    play(&mut world, &format!("{agent} completes {works} -> recorded"));
    let part = |world: &World, line: &str| command(world, &words(line));
    for lines in [
        ["creates crm/deal/20 stage=trial", "writes crm/deal/20 note=x@0"],
        ["creates crm/deal/21 stage=trial", "creates crm/deal/20 stage=trial"],
    ] {
        let commands = lines.iter().map(|line| part(&world, line)).collect();
        world.ask("sales", Command::Together(Together { commands }));
    }
    let model = Arc::new(map::parse(TEAM).applicable().unwrap());
    for if_version in [world.state.board.map_version, MapVersion(99)] {
        let reason = Some(Arc::from("back to the file"));
        let (model, planned) = (Arc::clone(&model), false);
        world.ask("ada", Command::ApplyMap(ApplyMap { model, if_version, reason, planned, take_back: true }));
    }
    let note = Some(Arc::from("everybody is still right"));
    world.ask("dana", Command::MapReview(MapReview { version: None, note }));
    let token = Token {
        id: TokenId::new("k3f9").unwrap(),
        class: TokenClass::Agent,
        name: Arc::from("sales"),
        hash: Arc::from("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        expires: Some(world.now.plus("90d".parse().unwrap())),
        invitation: None,
    };
    let of_sales = token.clone();
    for step in [
        TokenStep::Create(token.clone()),
        TokenStep::Create(token),
        TokenStep::Revoke { token: TokenId::new("k3f9").unwrap() },
    ] {
        world.ask("ada", Command::Token(step));
    }
    let invitation = Invitation {
        id: TokenId::new("i7d2").unwrap(),
        class: TokenClass::Reviewer,
        name: Arc::from("sam"),
        hash: Arc::from("60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"),
        until: world.now.plus("1h".parse().unwrap()),
        expires: None,
        vouched: false,
    };
    let token = Token { id: TokenId::new("k4a1").unwrap(), expires: None, ..of_sales };
    world.ask("ada", Command::Token(TokenStep::Invite(invitation.clone())));
    world.ask("deeds", Command::Token(TokenStep::Redeem { invitation: invitation.id, token, key: None }));
    let said = r#"
        ada sends '{"do":"key","step":"add","key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINW5GltV4HCB+1iIBhoNYI2QJcuqFtaw8ifgzU/IdfyL"}' -> recorded
        ada sends '{"do":"key","step":"add","key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIz26lIfRTaL8d7fs2J577fNEwHJ5YqF4aVYWBhPohik"}' -> recorded
        ada sends '{"do":"key","step":"confirm","person":"ada","key":"SHA256:LVzKNcU4Ch6tiFE8/T29lRRzhKJfdgUU02o1TQB/u9Q"}' -> refused own-case
        ada sends '{"do":"key","step":"revoke","person":"ada","key":"SHA256:LVzKNcU4Ch6tiFE8/T29lRRzhKJfdgUU02o1TQB/u9Q"}' -> recorded
        ada sends '{"do":"override","step":"allow","agent":"sales","allowance":{"bytes":33554432,"open":5000},"reason":"the migration"}' -> recorded
        deeds sends '{"do":"turn-away","who":{"class":"agent","name":"sales"},"code":"paused","count":12310,"first":7,"since":"2026-09-21T13:00:00Z"}' -> recorded
        "#;
    play(&mut world, said);
    world
}

/// The richest deed of each type.
fn samples() -> BTreeMap<&'static str, Vec<u8>> {
    let mut samples: BTreeMap<&'static str, Vec<u8>> = BTreeMap::new();
    for deed in histories().into_iter().flat_map(|world| world.deeds) {
        let bytes = deed.encode(&origin()).unwrap();
        let have = samples.entry(deed.body.type_name()).or_default();
        if bytes.len() > have.len() {
            *have = bytes;
        }
    }
    samples
}

#[test]
fn every_type_has_a_file_that_is_read_and_written_the_same() {
    let write = std::env::var_os("DEEDS_GOLDEN").is_some_and(|what| what == "write");
    let samples = samples();
    let mut missing = Vec::new();
    for kind in Body::TYPES {
        let file = file(kind);
        if write && !file.exists() {
            let Some(mut bytes) = samples.get(kind).cloned() else {
                missing.push(*kind);
                continue;
            };
            bytes.push(b'\n');
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, bytes).unwrap();
        }
        let Ok(text) = fs::read_to_string(&file) else {
            missing.push(*kind);
            continue;
        };
        let stored = text.trim_end_matches('\n');
        let deed = Deed::decode(stored.as_bytes())
            .unwrap_or_else(|error| panic!("{kind} is not read any more: {error}"));
        assert_eq!(deed.body.type_name(), *kind, "{}", file.display());
        let again = String::from_utf8(deed.encode(&origin()).unwrap()).unwrap();
        assert_eq!(again, stored, "{kind} is written in another form");
    }
    assert!(
        missing.is_empty(),
        "no golden file for {missing:?}: run DEEDS_GOLDEN=write cargo test --test domain every_type_has_a_file"
    );
}

#[test]
fn no_file_is_left_of_a_type_that_is_gone() {
    for entry in fs::read_dir(file("x").parent().unwrap()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let kind = name.strip_suffix(".json").unwrap_or(&name);
        assert!(Body::TYPES.contains(&kind), "{name}: types are add-only; put the type back");
    }
}

/// Every type happens in an ordinary history: none is only there on paper.
#[test]
fn every_type_happens() {
    let samples = samples();
    let never: Vec<&&str> = Body::TYPES.iter().filter(|kind| !samples.contains_key(**kind)).collect();
    assert!(never.is_empty(), "{never:?}");
}

const RULES: &str = include_str!("../../docs/RULES.md");

/// The audience column, as docs/RULES.md tells it: people keep what is theirs, and what was refused is nobody's but its
/// author's or, where it is about an entity, its readers'.
#[test]
fn what_is_peoples_is_no_agents_to_see() {
    for kind in Body::TYPES {
        let text = fs::read_to_string(file(kind)).unwrap();
        let row = Deed::decode(text.trim_end().as_bytes()).unwrap().body.row();
        assert_eq!(row.name, *kind);
        let on_page = match row.audience {
            Audience::Readers => "| all on what it reads",
            Audience::Named => "| its own, and those that name it",
            Audience::Author => "| its own alone",
            Audience::One if *kind == "deeds.work.queued" => "| what comes into its own work stream",
            Audience::One => "| its own pause",
            Audience::People => "| none: people's",
        };
        let line = RULES.lines().find(|line| line.starts_with(on_page)).unwrap();
        assert!(
            line.contains(&format!("`{kind}`")),
            "docs/RULES.md has {kind} in another row than {on_page}"
        );
        assert!(row.sentence.ends_with('.') && !row.sentence.starts_with(' '), "{kind}: {}", row.sentence);
        match row.family {
            Family::Map
            | Family::Item
            | Family::Review
            | Family::Rule
            | Family::Alert
            | Family::Token
            | Family::Guard => {
                assert_eq!(row.audience, Audience::People, "{kind}");
            }
            Family::Write | Family::Act if kind.ends_with(".refused") => {
                assert_eq!(row.audience, Audience::Readers, "{kind}");
            }
            _ if kind.ends_with(".refused") => {
                assert!(matches!(row.audience, Audience::Author | Audience::People), "{kind}");
            }
            _ => {}
        }
    }
}

/// What is for one agent says for whom: it is seen by that one and by nobody else.
#[test]
fn what_is_for_one_agent_is_seen_by_one() {
    let world = World::new(TEAM);
    let map = &world.state.board.map;
    for kind in Body::TYPES {
        let text = fs::read_to_string(file(kind)).unwrap();
        let deed = Deed::decode(text.trim_end().as_bytes()).unwrap();
        if deed.body.row().audience == Audience::One {
            let seen = map
                .model()
                .agents
                .iter()
                .filter(|agent| deed.is_seen_by(&Sight::now(&agent.id, map)))
                .count();
            assert_eq!(seen, 1, "{kind}");
        }
    }
}

/// What any tool that knows CloudEvents 1.0 relies on.
#[test]
fn a_deed_is_a_cloud_event() {
    for (kind, bytes) in samples() {
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let text = |key: &str| json[key].as_str().unwrap_or_else(|| panic!("{kind} has no {key}")).to_owned();
        assert_eq!(text("specversion"), "1.0");
        assert_eq!(text("type"), kind);
        assert_eq!(text("source"), &*origin().source);
        let sequence = text("sequence");
        assert_eq!(sequence.len(), 20);
        assert_eq!(text("id"), format!("acme:{}", sequence.trim_start_matches('0')));
        assert_eq!(text("datacontenttype"), "application/json");
        assert!(text("time").ends_with('Z') && text("recordedtime").ends_with('Z'));
        let words: Vec<&str> = kind.split('.').collect();
        assert_eq!((words.len(), words[0]), (3, "deeds"), "{kind}");
    }
}

/// A deed of a later version is told apart from a broken one.
#[test]
fn an_unknown_type_says_so() {
    let known = String::from_utf8(samples()["deeds.write.committed"].clone()).unwrap();
    let unknown = known.replace("deeds.write.committed", "deeds.write.teleported");
    let error = Deed::decode(unknown.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("teleported") && error.contains("upgrade"), "{error}");
    for cut in [0, 1, known.len() / 2, known.len() - 1] {
        assert!(Deed::decode(&known.as_bytes()[..cut]).is_err());
    }
}

/// Folding the stored files one by one does not fail either, whatever the state: `fold` has no rules.
#[test]
fn old_deeds_fold() {
    let mut state = State::new("acme".parse().unwrap());
    for kind in Body::TYPES {
        let text = fs::read_to_string(file(kind)).unwrap();
        state.fold(&Deed::decode(text.trim_end().as_bytes()).unwrap());
    }
    assert!(state.to_bytes().is_ok());
}
