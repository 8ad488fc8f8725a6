//! Calls of tools behind a gateway, RULES §20: bound to what was called, decided by the rules that stand, forwarded at most once.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::script::play;
use super::world::{World, request};
use deeds::domain::arguments::Arguments;
use deeds::domain::code::Code;
use deeds::domain::command::{CallEnd, CallMade, CallOrder, CallStep, Command};
use deeds::domain::decide::{Answer, decide};
use deeds::domain::ids::ActNo;
use deeds::domain::outcome::Outcome;
use deeds::domain::reply::Reply;
use deeds::domain::things::{CallHow, CallStage, CallState, OfferedTool, ToolsSeen, call_key};
use deeds::domain::time::Span;

/// Two agents on one repository and one CRM, with what their tools mean.
pub(crate) const TEAM: &str = r#"
workspace = "acme"
governance_owner = "dana"
[[agent]]
id = "ann"
owner = "dana"
writes = ["repo/**", "crm/contact/*#status"]
except = ["repo/ben/**", "repo/nobody/**"]
outputs = ["mail/clients"]
hidden = ["crm/contact/*#salary"]
[[agent]]
id = "ben"
owner = "dana"
writes = ["repo/ben/**", "repo/draft.md", "crm/contact/*#salary"]
outputs = ["mail/press"]
hidden = ["hr/**"]
[[field]]
path = "repo/draft.md"
kind = "sequenced"
order = ["ann", "ben"]
[[output]]
name = "mail/press"
needs_approval = true
[[queue]]
name = "ops"
owner = "dana"
review = "daily 09:00"
priority = ["ann", "ben"]
[[tool]]
server = "fs"
name = "read_file"
does = "read"
entity = "repo/{path}"
[[tool]]
server = "fs"
name = "write_file"
does = "write"
entity = "repo/{path}"
[[tool]]
server = "fs"
name = "delete_file"
does = "write"
entity = "repo/{path}"
[[tool]]
server = "fs"
name = "put_secret"
does = "write"
entity = "repo/{path}"
withhold = ["content"]
approve = true
approval_for = "10m"
[[tool]]
server = "crm"
name = "get_contact"
does = "read"
entity = "crm/contact/{id}"
[[tool]]
server = "crm"
name = "update_contact"
does = "write"
entity = "crm/contact/{id}"
verify = "get_contact"
fields = { status = "{status}", salary = "{salary}" }
[[tool]]
server = "mail"
name = "send_*"
does = "publish"
output = "mail/clients"
thread = "{thread}"
timeout = "30s"
[[tool]]
server = "mail"
name = "announce"
does = "publish"
output = "mail/press"
thread = "{thread}"
[[tool]]
server = "hr"
name = "read"
does = "read"
entity = "hr/{who}"
[[tool]]
server = "clock"
name = "*"
does = "nothing"
"#;

pub(crate) fn order(server: &str, tool: &str, arguments: &Json) -> CallOrder {
    CallOrder {
        server: server.into(),
        tool: tool.into(),
        arguments: Arguments::parse(&arguments.to_string()).unwrap(),
        via: "gate-1".into(),
        root: Some("/home/x/repo".into()),
        verified: None,
    }
}

fn make(world: &mut World, who: &str, order: CallOrder) -> Reply {
    world.ask(who, Command::Call(CallStep::Make(order)))
}

fn call(world: &mut World, who: &str, (server, tool): (&str, &str), arguments: &Json) -> Reply {
    make(world, who, order(server, tool, arguments))
}

fn write(world: &mut World, who: &str, path: &str, content: &str) -> Reply {
    call(world, who, ("fs", "write_file"), &json!({"path": path, "content": content}))
}

fn end(world: &mut World, who: &str, act: Option<ActNo>, how: CallHow) -> Reply {
    let end = CallEnd { act: act.unwrap_or_default(), how, ms: Some(12), digest: None, note: None };
    world.ask(who, Command::Call(CallStep::End(end)))
}

/// Something was read: what came back has that digest.
fn read(world: &mut World, who: &str, (server, tool): (&str, &str), arguments: &Json, digest: &str) -> Reply {
    let order = order(server, tool, arguments);
    let made = CallMade {
        server: order.server,
        tool: order.tool,
        arguments: order.arguments,
        root: order.root,
        how: CallHow::Done,
        ms: Some(5),
        digest: Some(digest.into()),
        head: Some(world.state.head()),
    };
    world.ask(who, Command::Call(CallStep::Made(made)))
}

fn read_file(world: &mut World, who: &str, path: &str) {
    let reply = read(world, who, ("fs", "read_file"), &json!({"path": path}), "d0");
    assert_eq!(reply.outcome, Outcome::Recorded, "{reply:?}");
}

fn stands(world: &World, who: &str, order: &CallOrder) -> Option<Arc<CallState>> {
    let digest = order.arguments.digest(&order.server, &order.tool);
    world.state.board.call(&call_key(&who.parse().unwrap(), &digest)).cloned()
}

#[track_caller]
fn is(reply: &Reply, outcome: Outcome, code: Option<Code>) {
    assert_eq!((reply.outcome, reply.code), (outcome, code), "{reply:?}");
}

/// Reads and writes through to the end.
#[track_caller]
fn through(world: &mut World, who: &str, path: &str, content: &str) {
    let reply = write(world, who, path, content);
    is(&reply, Outcome::Allowed, None);
    is(&end(world, who, reply.act, CallHow::Done), Outcome::Committed, None);
}

#[test]
fn what_is_done_is_written() {
    let mut world = World::new(TEAM);
    is(&write(&mut world, "ann", "a.md", "one"), Outcome::Refused, Some(Code::MissingVersion));
    read_file(&mut world, "ann", "a.md");
    let reply = write(&mut world, "ann", "./a.md", "one");
    is(&reply, Outcome::Allowed, None);
    assert_eq!(world.field("repo/a.md#content"), None, "nothing is written before it is done");
    is(&end(&mut world, "ben", reply.act, CallHow::Done), Outcome::Refused, Some(Code::NotYours));
    is(&end(&mut world, "ann", reply.act, CallHow::Done), Outcome::Committed, None);
    assert_eq!(world.field("repo/a.md#content"), Some(("one".to_owned(), 1)));
    is(&end(&mut world, "ann", reply.act, CallHow::Done), Outcome::Refused, Some(Code::WrongState));
    through(&mut world, "ann", "/home/x/repo/a.md", "two");
    let reply = write(&mut world, "ann", "a.md", "three");
    is(&end(&mut world, "ann", reply.act, CallHow::Failed), Outcome::Failed, None);
    assert_eq!(world.field("repo/a.md#content"), Some(("two".to_owned(), 2)));
    is(&write(&mut world, "ann", "/etc/passwd", "x"), Outcome::Refused, Some(Code::Untold));
    is(&write(&mut world, "ann", "../x", "x"), Outcome::Refused, Some(Code::Untold));
    is(&call(&mut world, "ann", ("clock", "now"), &json!({})), Outcome::Allowed, None);
    world.verify();
}

/// A tool that is told nothing but the file's name does something to all of it.
#[test]
fn what_names_only_the_thing_changes_it_whole() {
    let mut world = World::new(TEAM);
    read_file(&mut world, "ann", "a.md");
    read_file(&mut world, "ben", "a.md");
    through(&mut world, "ann", "a.md", "one");
    let path = json!({"path": "a.md"});
    is(&call(&mut world, "ben", ("fs", "delete_file"), &path), Outcome::Proposed, Some(Code::NotOwner));
    let deleted = call(&mut world, "ann", ("fs", "delete_file"), &path);
    is(&deleted, Outcome::Allowed, None);
    is(&end(&mut world, "ann", deleted.act, CallHow::Done), Outcome::Committed, None);
    assert_eq!(world.field("repo/a.md"), Some(("delete_file".to_owned(), 2)));
    world.verify();
}

/// Neither ever sends a version, and neither overwrites the other unseen.
#[test]
fn two_agents_on_one_file() {
    let mut world = World::new(TEAM);
    read_file(&mut world, "ann", "draft.md");
    read_file(&mut world, "ben", "draft.md");
    through(&mut world, "ann", "draft.md", "by ann");
    let stale = write(&mut world, "ben", "draft.md", "by ben");
    is(&stale, Outcome::Stale, Some(Code::Stale));
    assert!(stale.message.as_deref().unwrap().contains("by ann"), "{stale:?}");
    read_file(&mut world, "ben", "draft.md");
    through(&mut world, "ben", "draft.md", "by ben");
    is(&write(&mut world, "ann", "draft.md", "again"), Outcome::Stale, Some(Code::Stale));
    world.verify();
}

/// A read that was on its way while another wrote has not seen that.
#[test]
fn a_read_is_as_old_as_its_beginning() {
    let mut world = World::new(TEAM);
    read_file(&mut world, "ann", "draft.md");
    let began = world.state.head();
    through(&mut world, "ann", "draft.md", "by ann");
    let asked = order("fs", "read_file", &json!({"path": "draft.md"}));
    for head in [Some(began), None] {
        let (server, tool, arguments) = (asked.server.clone(), asked.tool.clone(), asked.arguments.clone());
        let made = CallMade {
            server,
            tool,
            arguments,
            root: None,
            how: CallHow::Failed,
            ms: Some(60_000),
            digest: None,
            head,
        };
        world.ask("ben", Command::Call(CallStep::Made(made)));
        is(&write(&mut world, "ben", "draft.md", "by ben"), Outcome::Stale, Some(Code::Stale));
    }
    world.verify();
}

#[test]
fn a_field_that_is_being_written_waits() {
    let mut world = World::new(TEAM);
    read_file(&mut world, "ann", "draft.md");
    read_file(&mut world, "ben", "draft.md");
    let reply = write(&mut world, "ann", "draft.md", "by ann");
    is(&write(&mut world, "ann", "draft.md", "by ann"), Outcome::Refused, Some(Code::InFlight));
    is(&write(&mut world, "ben", "draft.md", "by ben"), Outcome::Refused, Some(Code::InFlight));
    play(&mut world, "ben writes repo/draft.md content=x@0 -> refused in-flight");
    is(&end(&mut world, "ann", reply.act, CallHow::Unsent), Outcome::Failed, None);
    is(&write(&mut world, "ann", "draft.md", "by ann"), Outcome::Allowed, None);
    world.verify();
}

/// A foreign write is its owner's to let: then it is the proposer's to make, once, and the same answer comes ever after.
#[test]
fn a_proposal_is_called_at_most_once() {
    let mut world = World::new(TEAM);
    read_file(&mut world, "ann", "ben/b.md");
    let order = order("fs", "write_file", &json!({"path": "ben/b.md", "content": "by ann"}));
    let asked = make(&mut world, "ann", order.clone());
    is(&asked, Outcome::Proposed, Some(Code::NotOwner));
    let again = make(&mut world, "ann", order.clone());
    is(&again, Outcome::Proposed, Some(Code::NotOwner));
    assert_eq!(again.works, asked.works);
    assert_eq!(world.state.board.work_of(&"ben".parse().unwrap()).count(), 1, "the same proposal waits once");
    play(&mut world, &format!("ben accepts {} -> allowed", asked.works[0]));
    let known = stands(&world, "ann", &order).unwrap();
    assert_eq!(
        (known.stage, known.by.as_ref().unwrap().to_string()),
        (CallStage::Approved, "ben".to_owned())
    );
    assert_eq!(world.field("repo/ben/b.md#content"), None);
    is(&make(&mut world, "ben", order.clone()), Outcome::Refused, Some(Code::MissingVersion));
    let begun = make(&mut world, "ann", order.clone());
    is(&begun, Outcome::Allowed, None);
    assert_eq!(begun.act, known.act);
    is(&make(&mut world, "ann", order.clone()), Outcome::Refused, Some(Code::InFlight));
    is(&end(&mut world, "ann", begun.act, CallHow::Done), Outcome::Committed, None);
    assert_eq!(world.field("repo/ben/b.md#content"), Some(("by ann".to_owned(), 1)));
    let kinds: Vec<&str> = world.state.board.alerts.values().map(|alert| alert.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["not-owner"],
        "its owner did not come back to what another did: it is the acceptance that did it"
    );
    is(&make(&mut world, "ann", order.clone()), Outcome::Recorded, Some(Code::Settled));
    world.pass(Span::from_hours(2));
    is(&make(&mut world, "ann", order), Outcome::Proposed, Some(Code::NotOwner));
    world.verify();
}

#[test]
fn a_declined_proposal_is_rejected() {
    let mut world = World::new(TEAM);
    read_file(&mut world, "ann", "ben/b.md");
    let order = order("fs", "write_file", &json!({"path": "ben/b.md", "content": "by ann"}));
    let asked = make(&mut world, "ann", order.clone());
    play(&mut world, &format!("ben declines {} 'not like this' -> recorded", asked.works[0]));
    let known = stands(&world, "ann", &order).unwrap();
    assert_eq!((known.stage, known.note.as_deref()), (CallStage::Rejected, Some("not like this")));
    world.verify();
}

/// A call that a person approves each time: nobody sees what is withheld.
fn secret(content: &str) -> CallOrder {
    order("fs", "put_secret", &json!({"path": "s.md", "content": content}))
}

fn approved() -> (World, CallOrder) {
    let mut world = World::new(TEAM);
    read_file(&mut world, "ann", "s.md");
    let asked = make(&mut world, "ann", secret("hunter2"));
    is(&asked, Outcome::Escalated, Some(Code::NeedsApproval));
    let again = make(&mut world, "ann", secret("hunter2"));
    is(&again, Outcome::Escalated, Some(Code::NeedsApproval));
    assert_eq!((again.item, world.state.board.items.len()), (asked.item, 1));
    play(&mut world, &format!("dana approves #{} -> recorded", asked.item.unwrap()));
    let known = stands(&world, "ann", &secret("hunter2")).unwrap();
    assert_eq!(
        (known.stage, known.by.as_ref().unwrap().to_string()),
        (CallStage::Approved, "dana".to_owned())
    );
    (world, secret("hunter2"))
}

#[test]
fn an_approval_is_for_one_call() {
    let (mut world, order) = approved();
    is(&make(&mut world, "ann", secret("hunter3")), Outcome::Escalated, Some(Code::NeedsApproval));
    is(&make(&mut world, "ben", order.clone()), Outcome::Refused, Some(Code::MissingVersion));
    let begun = make(&mut world, "ann", order.clone());
    is(&begun, Outcome::Allowed, None);
    is(&end(&mut world, "ann", begun.act, CallHow::Unsent), Outcome::Recorded, None);
    assert_eq!(stands(&world, "ann", &order).unwrap().stage, CallStage::Approved);
    let begun = make(&mut world, "ann", order.clone());
    is(&end(&mut world, "ann", begun.act, CallHow::Failed), Outcome::Failed, None);
    is(&make(&mut world, "ann", order), Outcome::Recorded, Some(Code::Settled));
    play(&mut world, "dana undoes #1 -> refused used-since");
    world.verify();
}

#[test]
fn an_approval_ends_by_its_time() {
    let (mut world, order) = approved();
    world.pass(Span::from_mins(11));
    play(&mut world, "tick");
    assert_eq!(stands(&world, "ann", &order).unwrap().stage, CallStage::Expired);
    let told = world.state.board.work_of(&"ann".parse().unwrap()).last().unwrap().title.to_string();
    assert!(told.contains("not forwarded"), "{told}");
    is(&make(&mut world, "ann", order.clone()), Outcome::Escalated, Some(Code::NeedsApproval));
    world.verify();
    // Also where no tick came.
    let (mut world, order) = approved();
    world.pass(Span::from_mins(11));
    is(&make(&mut world, "ann", order), Outcome::Escalated, Some(Code::NeedsApproval));
    world.verify();
}

#[test]
fn an_approval_is_decided_again() {
    let (mut world, order) = approved();
    play(&mut world, "dana freezes repo/s.md 'under audit' -> recorded");
    is(&make(&mut world, "ann", order.clone()), Outcome::Refused, Some(Code::Frozen));
    play(&mut world, "dana unfreezes repo/s.md 'done' -> recorded\n dana pauses ann 'too fast' -> recorded");
    is(&make(&mut world, "ann", order.clone()), Outcome::Refused, Some(Code::Paused));
    play(&mut world, "dana resumes ann 'calm' -> recorded");
    is(&make(&mut world, "ann", order), Outcome::Allowed, None);

    let (mut world, order) = approved();
    play(&mut world, "dana sets repo/s.md#content mine@0 'by hand' -> committed");
    let stale = make(&mut world, "ann", order.clone());
    is(&stale, Outcome::Stale, Some(Code::Stale));
    assert_eq!(stands(&world, "ann", &order).unwrap().stage, CallStage::Expired);
    world.verify();
}

#[test]
fn an_approval_is_of_its_map() {
    let (mut world, order) = approved();
    let text = TEAM.replace("id = \"ben\"", "id = \"ben\"\nrole = \"writes too\"");
    world.apply(&text);
    let void = make(&mut world, "ann", order.clone());
    is(&void, Outcome::Refused, Some(Code::Changed));
    is(&make(&mut world, "ann", order), Outcome::Escalated, Some(Code::NeedsApproval));
    world.verify();
}

#[test]
fn what_is_withheld_is_in_no_deed() {
    let (mut world, order) = approved();
    let begun = make(&mut world, "ann", order);
    end(&mut world, "ann", begun.act, CallHow::Done);
    let origin =
        deeds::domain::deed::Origin { source: "urn:uuid:0".into(), workspace: "acme".parse().unwrap() };
    for deed in &world.deeds {
        let text = String::from_utf8(deed.encode(&origin).unwrap()).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert!(world.field("repo/s.md#content").unwrap().0.contains("sha256:"));
}

/// Forwarding began and nobody knows how it ended: a person says so, and until then it is not sent again.
#[test]
fn an_unknown_end_is_a_persons_to_tell() {
    for (answer, settled) in [("approves #1", true), ("rejects #1 'looked there'", false)] {
        let mut world = World::new(TEAM);
        read_file(&mut world, "ann", "a.md");
        let order = order("fs", "write_file", &json!({"path": "a.md", "content": "one"}));
        let begun = make(&mut world, "ann", order.clone());
        world.pass(Span::from_mins(2));
        play(&mut world, "tick");
        let unknown = make(&mut world, "ann", order.clone());
        is(&unknown, Outcome::Refused, Some(Code::OutcomeUnknown));
        assert_eq!((unknown.item.unwrap().0, unknown.act), (1, begun.act));
        play(&mut world, &format!("dana {answer} -> recorded"));
        assert_eq!(world.field("repo/a.md#content").is_some(), settled);
        let stage = if settled { CallStage::Done } else { CallStage::Failed };
        assert_eq!(stands(&world, "ann", &order).unwrap().stage, stage);
        play(&mut world, "dana undoes #1 -> refused used-since");
        world.verify();
    }
}

#[test]
fn an_end_that_comes_late_counts() {
    let mut world = World::new(TEAM);
    read_file(&mut world, "ann", "a.md");
    let begun = write(&mut world, "ann", "a.md", "one");
    is(&end(&mut world, "ann", begun.act, CallHow::Unknown), Outcome::Escalated, Some(Code::OutcomeUnknown));
    is(&end(&mut world, "ann", begun.act, CallHow::Unknown), Outcome::Refused, Some(Code::WrongState));
    is(&end(&mut world, "ann", begun.act, CallHow::Done), Outcome::Committed, None);
    assert!(world.state.board.items.is_empty(), "nobody has to answer any more");
    world.verify();
}

#[test]
fn what_the_map_does_not_name() {
    let mut world = World::new(TEAM);
    let order = order("crm", "merge_contacts", &json!({"id": "7", "into": 12_345_678_901_234_567_u64}));
    let asked = make(&mut world, "ann", order.clone());
    is(&asked, Outcome::Escalated, Some(Code::Unmapped));
    is(&make(&mut world, "ann", order.clone()), Outcome::Escalated, Some(Code::Unmapped));
    assert_eq!(world.state.board.items.len(), 1);
    let item = world.state.board.items.values().next().unwrap().clone();
    let suggested = item.suggestion.as_ref().unwrap().grant.to_string();
    assert!(suggested.contains("\"entity\":\"crm/contacts/{id}\""), "{suggested}");
    play(&mut world, "dana handles #1 'merged them' -> recorded");
    assert_eq!(stands(&world, "ann", &order).unwrap().stage, CallStage::Rejected);
    let asked = make(&mut world, "ann", order.clone());
    let row = r#"{"server":"crm","name":"merge_*","does":"act","entity":"crm/contact/{id}","target":"mail/clients"}"#;
    let no = asked.item.unwrap();
    let (version, digest) =
        world.state.board.items.get(&no).map(|item| (item.version, item.digest())).unwrap();
    let grant = format!(r#"{{"what":"tool","value":{row}}}"#);
    let answer = format!(
        r#"{{"do":"item","item":{no},"step":"answer","answer":{{"kind":"expand","agent":"ann","grant":{grant}}},"version":{version},"digest":"{digest}","include":[]}}"#
    );
    let reply = world.ask("dana", serde_json::from_str(&answer).unwrap());
    is(&reply, Outcome::Recorded, None);
    assert_eq!(world.state.board.map.model().tools.last().unwrap().name, "merge_*");
    is(&make(&mut world, "ann", order.clone()), Outcome::Allowed, None);
    world.verify();

    for (unmapped, outcome, code) in
        [("deny", Outcome::Refused, Some(Code::Unmapped)), ("record", Outcome::Allowed, None)]
    {
        let mut world = World::new(&format!("unmapped = \"{unmapped}\"\n{TEAM}"));
        is(&make(&mut world, "ann", order.clone()), outcome, code);
        world.verify();
    }
    let mut world = World::new(&format!("mode = \"observe\"\n{TEAM}"));
    is(&make(&mut world, "ann", order.clone()), Outcome::Allowed, None);
}

#[test]
fn publications_are_acts_on_their_output() {
    let mut world = World::new(TEAM);
    let said = call(&mut world, "ann", ("mail", "send_offer"), &json!({"thread": "inv/7", "body": "hi"}));
    is(&said, Outcome::Allowed, None);
    is(&end(&mut world, "ann", said.act, CallHow::Done), Outcome::Committed, None);
    is(
        &call(&mut world, "ben", ("mail", "send_offer"), &json!({"thread": "inv/7", "body": "hi"})),
        Outcome::Refused,
        Some(Code::NotOwner),
    );
    let order = order("mail", "announce", &json!({"thread": "news/1", "body": "we won"}));
    let held = make(&mut world, "ben", order.clone());
    is(&held, Outcome::Escalated, Some(Code::NeedsApproval));
    play(&mut world, &format!("dana approves #{} -> recorded", held.item.unwrap()));
    let begun = make(&mut world, "ben", order.clone());
    is(&begun, Outcome::Allowed, None);
    is(&make(&mut world, "ben", order.clone()), Outcome::Refused, Some(Code::InFlight));
    is(&end(&mut world, "ben", begun.act, CallHow::Done), Outcome::Committed, None);
    is(&make(&mut world, "ben", order), Outcome::Recorded, Some(Code::Settled));
    world.verify();
}

/// The truth may live in a system that knows no versions.
/// Whoever lost the answer calls again: what went out a moment ago is not sent twice.
#[test]
fn what_was_just_sent_is_not_sent_again() {
    let mut world = World::new(TEAM);
    let mail = |text: &str| order("mail", "send_mail", &json!({"thread": "t-1", "text": text}));
    let first = make(&mut world, "ann", mail("hello"));
    is(&end(&mut world, "ann", first.act, CallHow::Done), Outcome::Committed, None);
    let again = make(&mut world, "ann", mail("hello"));
    is(&again, Outcome::Recorded, Some(Code::Settled));
    assert_eq!(again.act, first.act);
    let other = make(&mut world, "ann", mail("hello again"));
    is(&other, Outcome::Allowed, None);
    is(&end(&mut world, "ann", other.act, CallHow::Failed), Outcome::Failed, None);
    is(&make(&mut world, "ann", mail("hello again")), Outcome::Allowed, None);
    world.pass(Span::from_mins(1));
    is(&make(&mut world, "ann", mail("hello")), Outcome::Allowed, None);
    world.verify();
}

#[test]
fn what_was_read_again_is_compared() {
    let mut world = World::new(TEAM);
    let update = |verified: Option<&str>| CallOrder {
        verified: verified.map(Into::into),
        ..order("crm", "update_contact", &json!({"id": 7, "status": "won"}))
    };
    is(&make(&mut world, "ann", update(Some("d1"))), Outcome::Refused, Some(Code::MissingVersion));
    read(&mut world, "ann", ("crm", "get_contact"), &json!({"id": 7}), "d1");
    is(&make(&mut world, "ann", update(None)), Outcome::Refused, Some(Code::MissingVersion));
    is(&make(&mut world, "ann", update(Some("d2"))), Outcome::Stale, Some(Code::Stale));
    let begun = make(&mut world, "ann", update(Some("d1")));
    is(&begun, Outcome::Allowed, None);
    end(&mut world, "ann", begun.act, CallHow::Done);
    is(&make(&mut world, "ann", update(Some("d1"))), Outcome::Refused, Some(Code::MissingVersion));
    let both = json!({"id": 7, "status": "won", "salary": 5});
    read(&mut world, "ann", ("crm", "get_contact"), &json!({"id": 7}), "d3");
    let several = CallOrder { verified: Some("d3".into()), ..order("crm", "update_contact", &both) };
    is(&make(&mut world, "ann", several), Outcome::Refused, Some(Code::NotOwner));
    world.verify();
}

/// What is hidden stays so: nothing of it is told, and nothing of it is read.
#[test]
fn hidden_things_are_not_told() {
    let mut world = World::new(TEAM);
    is(
        &call(&mut world, "ben", ("hr", "read"), &json!({"who": "eve"})),
        Outcome::Refused,
        Some(Code::Hidden),
    );
    let told = read(&mut world, "ben", ("hr", "read"), &json!({"who": "eve"}), "d");
    is(&told, Outcome::Refused, Some(Code::Hidden));
    play(&mut world, "ben writes crm/contact/7 salary=99@0 -> committed");
    read(&mut world, "ann", ("crm", "get_contact"), &json!({"id": 7}), "d1");
    play(&mut world, "ben writes crm/contact/7 salary=100@1 -> committed");
    let update = CallOrder {
        verified: Some("d1".into()),
        ..order("crm", "update_contact", &json!({"id": 7, "status": "won"}))
    };
    is(&make(&mut world, "ann", update), Outcome::Allowed, None);
    world.verify();
}

#[test]
fn bounds_are_said() {
    let mut world = World::new(TEAM);
    read_file(&mut world, "ann", "a.md");
    let large = write(&mut world, "ann", "a.md", &"x".repeat(70_000));
    is(&large, Outcome::Refused, Some(Code::Untold));
    assert!(large.message.as_deref().unwrap().contains("withhold"), "{large:?}");
    let large = call(&mut world, "ann", ("new", "tool"), &json!({"text": "x".repeat(70_000)}));
    is(&large, Outcome::Refused, Some(Code::OverBound));
    let long = CallOrder { via: "v".repeat(300).into(), ..order("fs", "read_file", &json!({"path": "a"})) };
    is(&make(&mut world, "ann", long), Outcome::Refused, Some(Code::OverBound));
    for n in 0..10_200_u64 {
        read(&mut world, "ann", ("fs", "read_file"), &json!({"path": format!("f{n}")}), "d");
    }
    assert!(world.state.board.seen_there.iter().count() <= deeds::domain::state::KEPT);
    is(&write(&mut world, "ann", "a.md", "x"), Outcome::Refused, Some(Code::MissingVersion));
}

/// What a server offers is taken down once.
#[test]
fn what_is_offered_is_known() {
    let mut world = World::new(TEAM);
    let tool = |name: &str| OfferedTool { name: name.into(), read_only: true };
    let seen = ToolsSeen { server: "fs".into(), tools: vec![tool("read_file"), tool("list")] };
    world.ask("ann", Command::Call(CallStep::Offer(seen.clone())));
    let head = world.state.head();
    world.ask("ann", Command::Call(CallStep::Offer(seen.clone())));
    assert_eq!(world.state.head(), head, "nothing has changed");
    let less = ToolsSeen { tools: vec![tool("list")], ..seen };
    world.ask("ann", Command::Call(CallStep::Offer(less)));
    assert_eq!(world.state.board.offered["fs"].tools.len(), 1);
    world.verify();
}

/// A look decides and records nothing; people call no tools.
#[test]
fn who_may_ask() {
    let mut world = World::new(TEAM);
    let asked = || Command::Call(CallStep::Make(order("fs", "read_file", &json!({"path": "a"}))));
    is(&world.ask("dana", asked()), Outcome::Refused, Some(Code::NotAllowed));
    let Answer::Reply(reply) = decide(&world.state, &request("ann", asked()), world.now).answer else {
        panic!()
    };
    is(&reply, Outcome::Allowed, None);
    play(&mut world, "dana pauses ann 'too fast' -> recorded");
    is(&world.ask("ann", asked()), Outcome::Refused, Some(Code::Paused));
}

/// A history with every type of deed that calls leave.
pub(crate) fn life() -> World {
    let (mut world, approved) = approved();
    for how in [CallHow::Unsent, CallHow::Unknown, CallHow::Done] {
        let begun = make(&mut world, "ann", approved.clone());
        let act = begun.act.or_else(|| stands(&world, "ann", &approved)?.act);
        end(&mut world, "ann", act, how);
    }
    call(&mut world, "ann", ("crm", "merge"), &json!({"id": 7, "note": "the same"}));
    call(&mut world, "ann", ("fs", "read_file"), &json!({"path": "a.md"}));
    call(&mut world, "ann", ("fs", "read_file"), &json!({"path": "../a.md"}));
    let seen = ToolsSeen {
        server: "fs".into(),
        tools: vec![OfferedTool { name: "read_file".into(), read_only: true }],
    };
    world.ask("ann", Command::Call(CallStep::Offer(seen)));
    world.verify();
    world
}
