//! Cases as small scripts. A line is a step with what comes of it, or a fact that must hold:
//!
//! ```text
//! support writes crm/account/acme health='at risk'@0 dep=x/y#z@1 -> committed
//! sales creates|archives|deletes crm/account/acme [@2] -> committed
//! sales acts mail/sales send_upsell on crm/account/acme [thread=t] [waiting] dep=crm/account/acme#health@1 -> stale
//! sales done|failed 1 -> committed
//! sales escalates 'the input' because 'the why' on crm/account/acme -> escalated
//! support accepts|declines|completes 3 'a note' -> committed
//! support takes [3|x5] [for 10m] -> recorded            support fails|returns 3 'why' [try=2] -> failed
//! support completes 3 'a note' '{"a": "result"}' -> recorded
//! sales hands draft-7 to support [attempt 2] [of 3] [aborting] [on crm/account/acme] -> recorded
//! sales fans support,product within 1h [needed 1] [tries 2] [on crm/account/acme] -> recorded
//! dana claims|releases|undoes #1 -> recorded          dana reassigns #1 to sam -> recorded
//! dana skips #1 'not today' -> recorded
//! dana seizes #1 'why' -> recorded                     dana leaves [until 2h] [for sam] -> recorded     dana comes [for sam] -> …
//! dana expands #1 sales writes crm/account/*#score with #2,#3 -> recorded
//! ada transfers #1 crm/contact/*#status from sourcing to sales -> recorded
//! dana handles #1 'how' -> recorded                    dana drops #1 'why' [rule] -> recorded
//! dana resends #1 [to support] [of 5] [saying 'a word'] -> recorded      (a stuck task)
//! sales concludes crm/deal/7 'is it paid' true [because 'why'] -> committed
//! dana rules #1 sales ['why']                          dana settles #1 '"in part"' ['why']       (a side is right, or a value)
//! dana forwards #1 support 'take this one' -> recorded
//! dana acknowledges|resolves|escalates !1 'note' -> recorded
//! dana freezes|unfreezes crm/account/acme 'why' [for 2h] -> …   dana pauses|resumes sales 'why' [for 2h] -> …
//! dana halts 'why' [for 2h] -> recorded                dana unhalts 'why' -> recorded               (every agent)
//! dana sets crm/account/acme#health 'good'@2 'why' [for 2h|released|none] -> committed       dana frees crm/account/acme#health 'why' -> recorded
//! sales sends '{"do": "raise", "event": "email.received"}' -> recorded     (any command as its JSON)
//! support leases shared/log 10m -> allowed             support renews|passes 1 2m|sales -> allowed
//! support unlocks 1 -> recorded                        dana breaks 1 'why' -> recorded        (by force)
//! sales publishes slack/leads 'the body' [thread=t] [on crm/account/acme] [dep=x/y#z@1] -> committed
//! dana approves #1 ['other words'] [with #2,#3] -> recorded                dana rejects #1 'why' -> recorded
//! dana reverts crm/account/acme#health good@2 1 'why' -> committed          (v2 gets the value of v1 back)
//! dana starts|ends ops ['a note' ['why the rest is left']] -> recorded
//! pass 2h          tick
//! = crm/account/acme#health 'good' v3        = crm/account/acme gone       = crm/account/x#y nothing
//! leases 2 sales shared/log          (held now: number, holder, target; several apart by commas)
//! items #1 #3      task draft-7 support accepted 1/3      alerts contradiction x2, stale-read x1      works support 2, sales 1     map v2
//! ```
//!
//! After `->` comes the outcome, then the code where there is one. `…` alone takes anything.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::world::{TEAM, World};
use deeds::domain::command::Command;
use deeds::domain::ids::AlertNo;
use deeds::domain::reply::Reply;
use deeds::domain::time::Span;

/// Plays a script with the usual team.
pub(crate) fn check(script: &str) -> World {
    check_on(TEAM, script)
}

/// Plays a script with a team of its own.
pub(crate) fn check_on(map_toml: &str, script: &str) -> World {
    let mut world = World::new(map_toml);
    play(&mut world, script);
    world
}

/// Goes on with a script.
pub(crate) fn play(world: &mut World, script: &str) {
    for (at, line) in script.lines().enumerate() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with("//") {
            let place = format!("line {}: {line}", at + 1);
            match line.split_once("->") {
                Some((step, wanted)) => step_of(world, step.trim(), wanted.trim(), &place),
                None => fact(world, line, &place),
            }
        }
    }
    world.verify();
}

fn step_of(world: &mut World, step: &str, wanted: &str, place: &str) {
    let reply = run(world, step);
    let code = reply.code.map(|code| code.to_string()).unwrap_or_default();
    let verdict = reply.verdict.map(|verdict| format!("({})", verdict.as_str())).unwrap_or_default();
    let told = [reply.outcome.as_str(), &verdict, &code].map(str::to_owned);
    let told: Vec<&str> = told.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
    assert_eq!(told.join(" "), wanted, "{place}\n{reply:#?}");
}

/// Does one step and gives its answer.
pub(crate) fn run(world: &mut World, step: &str) -> Reply {
    let words = words(step);
    let (who, rest) = words.split_first().unwrap();
    let command = command(world, rest);
    world.ask(who, command)
}

/// A step as a command; the world is looked at for what an answer must carry.
pub(crate) fn command(world: &World, words: &[String]) -> Command {
    let (verb, args) = words.split_first().unwrap();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let json = match verb.as_str() {
        "writes" => write(&args, "update"),
        "creates" => write(&args, "create"),
        "archives" => write(&args, "archive"),
        "deletes" => write(&args, "delete"),
        "acts" => act(&args),
        "done" => json!({"do": "act-end", "act": number(args[0]), "done": true}),
        "failed" => json!({"do": "act-end", "act": number(args[0]), "done": false}),
        "escalates" if args[0].starts_with('!') => alert("escalate", &args),
        "escalates" => {
            let mut json = json!({"do": "escalate", "input": args[0], "why": after(&args, "because")});
            if let Some(place) = args.iter().position(|arg| *arg == "on") {
                json["subject"] = json!(args[place + 1]);
            }
            json
        }
        "claims" => json!({"do": "item", "item": number(args[0]), "step": "claim"}),
        "skips" => json!({"do": "item", "item": number(args[0]), "step": "leave", "reason": args[1]}),
        "seizes" => {
            json!({"do": "item", "item": number(args[0]), "step": "take-over", "reason": args[1]})
        }
        "releases" => json!({"do": "item", "item": number(args[0]), "step": "release"}),
        "undoes" => json!({"do": "item", "item": number(args[0]), "step": "undo"}),
        "reassigns" => json!({"do": "item", "item": number(args[0]), "step": "reassign", "to": args[2]}),
        "expands" => {
            let what = match args[2] {
                "writes" => "write",
                "outputs" => "output",
                _ => "trigger",
            };
            let grant = json!({"what": what, "value": args[3]});
            answer(world, &args, &json!({"kind": "expand", "agent": args[1], "grant": grant}))
        }
        "transfers" => {
            let change = json!({"kind": "transfer", "pattern": args[1], "from": args[3], "to": args[5]});
            answer(world, &args, &change)
        }
        "handles" => answer(world, &args, &json!({"kind": "handle", "note": args[1], "reply": "noted"})),
        "rules" => answer(world, &args, &json!({"kind": "ruling", "right": args[1], "note": args.get(2)})),
        "settles" => {
            answer(world, &args, &json!({"kind": "ruling", "value": plain(args[1]), "note": args.get(2)}))
        }
        "concludes" => {
            let place = args.iter().position(|arg| *arg == "because");
            json!({"do": "conclude", "subject": args[0], "question": args[1], "answer": plain(args[2]),
                   "reason": place.map(|at| args[at + 1])})
        }
        "forwards" => answer(world, &args, &json!({"kind": "handle", "to": args[1], "note": args[2]})),
        "resends" => answer(world, &args, &send_on(&args)),
        "drops" => {
            let rule = args.contains(&"rule");
            answer(world, &args, &json!({"kind": "out-of-scope", "reason": args[1], "rule": rule}))
        }
        "acknowledges" => alert("acknowledge", &args),
        "resolves" => alert("resolve", &args),
        "publishes" => publish(&args),
        "approves" => match args.get(1).filter(|word| **word != "with") {
            Some(body) => answer(world, &args, &json!({"kind": "approve-edited", "body": body})),
            None => answer(world, &args, &json!({"kind": "approve"})),
        },
        "rejects" => answer(world, &args, &json!({"kind": "reject", "note": args[1]})),
        "sends" => serde_json::from_str(args[0]).unwrap(),
        other => of_time(other, &args),
    };
    serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{error}: {json}"))
}

fn send_on(args: &[&str]) -> Json {
    let word = |word| args.get(args.iter().position(|arg| *arg == word)? + 1);
    let max = word("of").map(|max| number(max));
    json!({"kind": "send-on", "to": word("to"), "max_attempts": max, "note": word("saying")})
}

/// What lasts for a time: reviews and leases.
fn of_time(verb: &str, args: &[&str]) -> Json {
    match verb {
        "starts" => json!({"do": "review", "queue": args[0], "step": "start", "note": args.get(1)}),
        "ends" => {
            let (note, leave) = (args.get(1), args.get(2));
            json!({"do": "review", "queue": args[0], "step": "end", "note": note, "leave": leave})
        }
        "leaves" | "comes" => {
            let word = |word| args.get(args.iter().position(|arg| *arg == word)? + 1);
            let step = if verb == "leaves" { "leave" } else { "return" };
            json!({"do": "away", "step": step, "until": word("until"), "person": word("for")})
        }
        "leases" => json!({"do": "lease", "step": "acquire", "target": {"path": args[0]}, "ttl": args[1]}),
        "renews" => json!({"do": "lease", "step": "renew", "lease": number(args[0]), "ttl": args[1]}),
        "passes" => json!({"do": "lease", "step": "transfer", "lease": number(args[0]), "to": args[1]}),
        "unlocks" => json!({"do": "lease", "step": "release", "lease": number(args[0])}),
        "breaks" => {
            json!({"do": "override", "step": "unlock", "lease": number(args[0]), "reason": args[1]})
        }
        other => of_hands(other, args),
    }
}

/// What people do with fields.
fn of_hands(verb: &str, args: &[&str]) -> Json {
    let mut json = stop(verb, args);
    if json["do"] == "override"
        && let Some(place) = args.iter().position(|word| *word == "for")
    {
        json["lasts"] = json!(args[place + 1]);
    }
    json
}

fn stop(verb: &str, args: &[&str]) -> Json {
    match verb {
        "freezes" => json!({"do": "override", "step": "freeze", "entity": args[0], "reason": args[1]}),
        "unfreezes" => json!({"do": "override", "step": "unfreeze", "entity": args[0], "reason": args[1]}),
        "pauses" => json!({"do": "override", "step": "pause", "agent": args[0], "reason": args[1]}),
        "resumes" => json!({"do": "override", "step": "resume", "agent": args[0], "reason": args[1]}),
        "halts" => json!({"do": "override", "step": "pause-all", "reason": args[0]}),
        "unhalts" => json!({"do": "override", "step": "resume-all", "reason": args[0]}),
        other => of_fields(other, args),
    }
}

fn of_fields(verb: &str, args: &[&str]) -> Json {
    match verb {
        "sets" => {
            let (value, version) = args[1].rsplit_once('@').unwrap();
            json!({"do": "override", "step": "set", "path": args[0], "value": plain(value),
                   "expected": number(version), "reason": args[2]})
        }
        "frees" => json!({"do": "override", "step": "release", "path": args[0], "reason": args[1]}),
        "reverts" => {
            let (value, version) = args[1].rsplit_once('@').unwrap();
            json!({"do": "override", "step": "revert", "path": args[0], "value": plain(value),
                   "expected": number(version), "to": number(args[2]), "reason": args[3]})
        }
        other => of_work(other, args),
    }
}

/// What agents do with their work streams and their tasks.
fn of_work(verb: &str, args: &[&str]) -> Json {
    match verb {
        "accepts" => work("accept", args),
        "declines" => work("decline", args),
        "completes" => {
            let mut json = work("complete", args);
            if let Some(result) = args.get(2).filter(|arg| !arg.starts_with("try=")) {
                json["result"] = plain(result);
            }
            json
        }
        "fails" => work("fail", args),
        "returns" => work("return", args),
        "takes" => take(args),
        "hands" => handoff(args),
        "fans" => fan_out(args),
        other => panic!("no such verb: {other}"),
    }
}

fn write(args: &[&str], op: &str) -> Json {
    let mut changes = BTreeMap::new();
    let mut expected = BTreeMap::new();
    let mut whole = None;
    let mut json = json!({"do": "write", "entity": args[0], "op": op});
    for arg in &args[1..] {
        if arg.starts_with("dep=") {
            continue;
        }
        if let Some(token) = arg.strip_prefix("lease=") {
            json["lease"] = json!(number(token));
            continue;
        }
        if let Some(version) = arg.strip_prefix('@') {
            whole = Some(number(version));
            continue;
        }
        let (name, value) = arg.split_once('=').unwrap_or_else(|| panic!("field=value@version, not {arg}"));
        let name = if name == "." { "" } else { name };
        let (value, version) = value.rsplit_once('@').unwrap_or((value, ""));
        changes.insert(name.to_owned(), plain(value));
        if !version.is_empty() {
            expected.insert(name.to_owned(), number(version));
        }
    }
    json["changes"] = json!(changes);
    json["depends_on"] = depends(args);
    if let Some(version) = whole {
        json["expected"] = json!(version);
    } else if !expected.is_empty() {
        json["expected"] = json!(expected);
    }
    json
}

fn act(args: &[&str]) -> Json {
    let mut json = json!({"do": "act", "target": args[0], "action": args[1], "subject": after(args, "on"),
        "depends_on": depends(args), "wait": args.contains(&"waiting")});
    if let Some(thread) = args.iter().find_map(|arg| arg.strip_prefix("thread=")) {
        json["thread"] = json!(thread);
    }
    json
}

fn publish(args: &[&str]) -> Json {
    let mut json = json!({"do": "publish", "output": args[0], "body": args[1], "depends_on": depends(args)});
    if let Some(thread) = args.iter().find_map(|arg| arg.strip_prefix("thread=")) {
        json["thread"] = json!(thread);
    }
    if args.contains(&"on") {
        json["subject"] = json!(after(args, "on"));
    }
    json
}

fn depends(args: &[&str]) -> Json {
    let dep = |arg: &&str| {
        let (path, version) = arg.strip_prefix("dep=")?.rsplit_once('@')?;
        Some((path.to_owned(), number(version)))
    };
    json!(args.iter().filter_map(dep).collect::<BTreeMap<_, _>>())
}

fn work(step: &str, args: &[&str]) -> Json {
    let attempt = args.iter().find_map(|arg| arg.strip_prefix("try=")).map(number);
    let note = args.get(1).filter(|arg| !arg.starts_with("try="));
    json!({"do": "work", "work": number(args[0]), "step": step, "note": note, "attempt": attempt})
}

/// Nothing but the verb takes one item; a number takes that one, `x3` up to three.
fn take(args: &[&str]) -> Json {
    let mut json = json!({"do": "take"});
    for (at, arg) in args.iter().enumerate() {
        if *arg == "for" {
            json["visibility"] = json!(args[at + 1]);
        } else if let Some(limit) = arg.strip_prefix('x') {
            json["limit"] = json!(number(limit));
        } else if at == 0 {
            json["work"] = json!(number(arg));
        }
    }
    json
}

fn handoff(args: &[&str]) -> Json {
    let mut json = json!({"do": "handoff", "task": args[0], "to": after(args, "to"), "attempt": 1,
        "work_product": {"result": "a draft", "status": "drafted"}, "context": {"for": "acme"}, "constraints": []});
    for (word, key) in [("attempt", "attempt"), ("of", "max_attempts")] {
        if args.contains(&word) {
            json[key] = json!(number(after(args, word)));
        }
    }
    if args.contains(&"aborting") {
        json["on_exhausted"] = json!("abort");
    }
    if args.contains(&"on") {
        json["subject"] = json!(after(args, "on"));
    }
    json
}

fn fan_out(args: &[&str]) -> Json {
    let tries = args.contains(&"tries").then(|| number(after(args, "tries")));
    let branch = |to: &str| json!({"to": to, "input": {"look": "there"}, "max_attempts": tries});
    let branches: Vec<Json> = args[0].split(',').map(branch).collect();
    let mut json = json!({"do": "fan-out", "branches": branches, "deadline": after(args, "within")});
    if args.contains(&"needed") {
        json["needed"] = json!(number(after(args, "needed")));
    }
    if args.contains(&"on") {
        json["subject"] = json!(after(args, "on"));
    }
    json
}

fn alert(step: &str, args: &[&str]) -> Json {
    json!({"do": "alert", "alert": number(args[0]), "step": step, "note": args.get(1)})
}

/// An answer to what is shown at the moment: its version and its digest.
fn answer(world: &World, args: &[&str], answer: &Json) -> Json {
    let no = number(args[0]);
    let item = world.state.board.items.values().find(|item| item.no.0 == no);
    let include: Vec<u64> = args
        .iter()
        .position(|arg| *arg == "with")
        .map(|at| args[at + 1].split(',').map(number).collect())
        .unwrap_or_default();
    json!({"do": "item", "item": no, "step": "answer", "answer": answer, "include": include,
           "version": item.map_or(0, |item| item.version),
           "digest": item.map_or_else(|| "".into(), |item| item.digest())})
}

fn after<'a>(args: &[&'a str], word: &str) -> &'a str {
    let at =
        args.iter().position(|arg| *arg == word).unwrap_or_else(|| panic!("{word} is missing: {args:?}"));
    args[at + 1]
}

fn number(text: &str) -> u64 {
    text.trim_start_matches(['#', '!', 'v', 'x']).parse().unwrap_or_else(|_| panic!("{text} is no number"))
}

fn plain(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

/// Words apart by spaces; `'…'` holds one together.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    let mut any = false;
    for letter in line.chars() {
        match letter {
            '\'' => {
                quoted = !quoted;
                any = true;
            }
            ' ' if !quoted => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            _ => word.push(letter),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

fn fact(world: &mut World, line: &str, place: &str) {
    let words = words(line);
    let args: Vec<&str> = words.iter().map(String::as_str).collect();
    match args[0] {
        "pass" => world.pass(args[1].parse::<Span>().unwrap()),
        "tick" => {
            world.ask("deeds", Command::Tick);
        }
        "=" => field(world, &args, place),
        "items" => {
            let open: Vec<String> = world.state.board.items.keys().map(|no| format!("#{no}")).collect();
            assert_eq!(open.join(" "), args[1..].join(" "), "{place}\n{:#?}", world.state.board.items);
        }
        "alerts" => {
            let of = |no: &AlertNo| {
                let alert = &world.state.board.alerts[no];
                format!("{} x{}", alert.kind.as_str(), alert.count)
            };
            let open: Vec<String> = world.state.board.alerts.keys().map(of).collect();
            assert_eq!(open.join(", "), args[1..].join(" "), "{place}\n{:#?}", world.state.board.alerts);
        }
        "task" => {
            let board = &world.state.board;
            let ended = || board.ended_tasks.iter().find(|task| task.id.as_str() == args[1]).cloned();
            let task = board.tasks.get(args[1]).cloned().or_else(ended).unwrap();
            let told = format!("{} {} {}/{}", task.owner, task.stage.word(), task.attempt, task.max_attempts);
            assert_eq!(told, args[2..].join(" "), "{place}\n{task:#?}");
        }
        "works" => {
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            for work in world.state.board.works.values() {
                *counts.entry(work.agent.as_str()).or_default() += 1;
            }
            let open: Vec<String> = counts.iter().map(|(who, count)| format!("{who} {count}")).collect();
            assert_eq!(open.join(", "), args[1..].join(" "), "{place}\n{:#?}", world.state.board.works);
        }
        "leases" => {
            let clock = world.state.board.agents_clock(world.now);
            let live = world.state.board.leases.values().filter(|lease| lease.is_live(clock));
            let live: Vec<String> =
                live.map(|lease| format!("{} {} {}", lease.fence, lease.holder, lease.target)).collect();
            assert_eq!(live.join(", "), args[1..].join(" "), "{place}\n{:#?}", world.state.board.leases);
        }
        "map" => assert_eq!(format!("v{}", world.state.board.map_version), args[1], "{place}"),
        other => panic!("neither a step nor a fact: {other} ({place})"),
    }
}

fn field(world: &World, args: &[&str], place: &str) {
    if args[2] == "gone" {
        let entity: deeds::domain::path::EntityPath = args[1].parse().unwrap();
        let gone = world.state.entities.get(&entity).and_then(|entity| entity.gone.as_ref());
        assert!(gone.is_some(), "{place}");
        return;
    }
    match world.field(args[1]) {
        None => assert_eq!(args[2], "nothing", "{place}"),
        Some((value, version)) => {
            assert_eq!(format!("{value} v{version}"), format!("{} {}", args[2], args[3]), "{place}");
        }
    }
}
