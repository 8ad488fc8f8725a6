//! Random commands of all families, each text and value of them a marker.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::marks::{Mark, Marks};
use super::team::{AGENTS, ENTITIES, EVENTS, FIELDS, OUTPUTS, team};
use deeds::domain::command::{ApplyMap, Command};
use deeds::domain::path::{EntityPath, FieldPath};
use deeds::domain::state::State;
use deeds::domain::things::{Case, LeaseTarget, WorkKind};
use deeds::domain::time::{Span, Time};

/// Numbers that follow from a seed.
#[derive(Debug, Clone)]
pub(super) struct Dice {
    pub(super) seed: u64,
    state: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x1234_5678_9ABC_DEF0 }
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % bound.max(1) as u64).unwrap_or(0)
    }

    fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    fn of<T: Clone>(&mut self, all: impl Iterator<Item = T>) -> Option<T> {
        let all: Vec<T> = all.collect();
        if all.is_empty() { None } else { Some(all[self.below(all.len())].clone()) }
    }
}

/// What one step has at hand.
struct Ask<'a> {
    dice: &'a mut Dice,
    state: &'a State,
    marks: &'a mut Marks,
    who: String,
}

/// Who asks what next. Time may pass before it.
pub(super) fn command(
    dice: &mut Dice,
    state: &State,
    marks: &mut Marks,
    now: &mut Time,
) -> (String, Command) {
    let who = dice.pick(&AGENTS).to_owned();
    let mut ask = Ask { dice, state, marks, who };
    if ask.dice.below(25) == 0 {
        let model = Arc::new(team(ask.dice));
        let if_version = state.board.map_version;
        let apply = ApplyMap {
            model,
            if_version,
            reason: Some(Arc::from("other zones")),
            planned: false,
            take_back: true,
        };
        return ("ada".to_owned(), Command::ApplyMap(apply));
    }
    if ask.dice.below(20) == 0 {
        *now = now.plus(Span::from_mins(i64::try_from(ask.dice.below(400)).unwrap_or(0)));
        return ("deeds".to_owned(), Command::Tick);
    }
    let json = ask.any();
    let command = serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{error}: {json}"));
    (ask.who, command)
}

impl Ask<'_> {
    fn any(&mut self) -> Json {
        match self.dice.below(43) {
            0..=11 => self.write(),
            12..=14 => self.act(),
            15 => self.act_end(),
            16 => self.escalate(),
            17..=18 => self.raise(),
            19 => self.claim(),
            20..=22 => self.work(),
            23..=24 => self.handoff(),
            25 => self.fan_out(),
            26 => self.lease(),
            27..=29 => self.publish(),
            30..=31 => self.conclude(),
            32 => self.together(),
            33..=35 => self.item(),
            36..=37 => self.overrides(),
            38 => self.alert(),
            39..=40 => self.call(),
            41 => self.call_end(),
            _ => self.import(),
        }
    }

    fn entity(&mut self) -> &'static str {
        self.dice.pick(&ENTITIES)
    }

    fn mark(&mut self, mark: Mark) -> Json {
        let from = self.who.clone();
        json!(self.marks.fresh(Mark { from, ..mark }))
    }

    /// Something said about the whole of an entity.
    fn about(&mut self, entity: &str) -> Json {
        self.mark(Mark { paths: vec![path(entity, "")], ..Mark::default() })
    }

    fn version(&mut self, path: &FieldPath) -> u64 {
        let now = self.state.entities.get(&path.entity).map_or(0, |entity| entity.version_of(&path.field).0);
        match self.dice.below(6) {
            0 => 0,
            1 => now + 1,
            _ => now,
        }
    }

    fn reads(&mut self) -> Json {
        if self.dice.below(2) == 0 {
            return json!({});
        }
        let path = path(self.dice.pick(&ENTITIES), self.dice.pick(&FIELDS));
        json!({path.to_string(): self.version(&path)})
    }

    /// Mostly whoever may write there.
    fn fields(&mut self) -> (&'static str, Vec<&'static str>) {
        let entity = self.entity();
        let count = 1 + self.dice.below(2);
        let mut fields: Vec<&str> = (0..count).map(|_| self.dice.pick(&FIELDS[1..])).collect();
        fields.dedup();
        let owners = self.state.board.map.owners(&path(entity, "").entity, &fields[0].parse().unwrap());
        let owner = owners.first().map(ToString::to_string);
        if let Some(owner) = owner.filter(|_| self.dice.below(3) > 0) {
            self.who = owner;
        } else if let Some(whose) = entity.strip_prefix("scratch/") {
            self.who = whose.split('/').next().unwrap().to_owned();
        }
        (entity, fields)
    }

    fn write(&mut self) -> Json {
        let (entity, fields) = self.fields();
        let op = ["update", "update", "update", "update", "create", "archive", "delete"][self.dice.below(7)];
        let mut changes = Map::new();
        let mut expected = Map::new();
        let mut paths = Vec::new();
        for field in fields {
            let at = path(entity, field);
            let value = self.mark(Mark { paths: vec![at.clone()], ..Mark::default() });
            expected.insert(field.to_owned(), json!(self.version(&at)));
            changes.insert(field.to_owned(), value);
            paths.push(at);
        }
        if op == "archive" || op == "delete" {
            changes.clear();
            expected = Map::from_iter([(String::new(), json!(self.version(&path(entity, ""))))]);
        }
        // Whom the write is proposed to is told why.
        let whole = path(entity, "");
        let touched = paths.iter().chain(Some(&whole).filter(|_| op != "update"));
        let owners = touched.flat_map(|path| self.state.board.map.owners(&path.entity, &path.field));
        let to = owners.map(ToString::to_string).collect();
        if op != "update" {
            paths = vec![whole];
        }
        let reason = self.mark(Mark { paths, to, ..Mark::default() });
        let mut json = json!({"do": "write", "entity": entity, "op": op, "changes": changes, "reason": reason,
                              "depends_on": self.reads()});
        json["expected"] = match self.dice.below(6) {
            0 => json!(self.version(&path(entity, ""))),
            _ => json!(expected),
        };
        json
    }

    fn act(&mut self) -> Json {
        let (entity, target) = (self.entity(), self.dice.pick(&OUTPUTS));
        let action = self.dice.pick(&["send_slip", "write_down"]);
        json!({"do": "act", "target": target, "action": action, "subject": entity, "depends_on": self.reads(),
               "wait": self.dice.below(2) == 0, "reason": self.about(entity)})
    }

    fn act_end(&mut self) -> Json {
        let Some(act) = self.dice.of(self.state.board.acts.values()) else { return self.act() };
        self.who = act.agent.to_string();
        let note = self.about(act.subject.as_str());
        json!({"do": "act-end", "act": act.no, "done": self.dice.below(2) == 0, "note": note})
    }

    /// Something is read, or written, by a tool.
    fn call(&mut self) -> Json {
        let (entity, fields) = self.fields();
        let mut arguments = json!({"path": entity});
        if self.dice.below(2) == 0 {
            return json!({"do": "call", "step": "made", "server": "fs", "tool": "look", "arguments": arguments,
                          "how": "done", "digest": "d"});
        }
        for field in fields {
            let mark = Mark { paths: vec![path(entity, field)], ..Mark::default() };
            arguments[field] = self.mark(mark);
        }
        let tool = self.dice.pick(&["put", "ask_put", "unknown"]);
        json!({"do": "call", "step": "make", "server": "fs", "tool": tool, "arguments": arguments, "via": "gate"})
    }

    fn call_end(&mut self) -> Json {
        let calls = self.state.board.acts.values().filter(|act| act.call.is_some());
        let Some(act) = self.dice.of(calls) else { return self.call() };
        self.who = act.agent.to_string();
        let note = self.about(act.subject.as_str());
        let how = self.dice.pick(&["done", "done", "failed", "unsent", "unknown"]);
        json!({"do": "call", "step": "end", "act": act.no, "how": how, "note": note})
    }

    fn escalate(&mut self) -> Json {
        let subject = self.entity();
        json!({"do": "escalate", "input": self.mark(Mark::default()), "why": self.mark(Mark::default()),
               "subject": subject})
    }

    fn attributes(&mut self, event: &'static str) -> Json {
        let mark = |ask: &mut Self| ask.mark(Mark { event: Some(event), ..Mark::default() });
        let mut attributes = json!({"note": mark(self)});
        if self.dice.below(2) == 0 {
            attributes["subject"] = json!("your invoice 7");
        }
        if self.dice.below(4) == 0 {
            attributes["path"] = json!(path(self.dice.pick(&ENTITIES), "secret").to_string());
            attributes["value"] = mark(self);
        }
        attributes
    }

    fn raise(&mut self) -> Json {
        let event = self.dice.pick(&EVENTS);
        let attributes = self.attributes(event);
        let reason = self.mark(Mark { event: Some(event), ..Mark::default() });
        json!({"do": "raise", "event": event, "attributes": attributes, "subject": self.entity(), "reason": reason})
    }

    fn claim(&mut self) -> Json {
        let event = self.dice.pick(&EVENTS);
        let attributes = self.attributes(event);
        json!({"do": "claim", "event": event, "key": format!("message {}", self.dice.below(3)),
               "attributes": attributes, "subject": self.entity()})
    }

    fn work(&mut self) -> Json {
        let Some(work) = self.dice.of(self.state.board.works.values()) else { return self.write() };
        self.who = work.agent.to_string();
        if self.dice.below(4) == 0 {
            return json!({"do": "take"});
        }
        let mut mark = Mark::default();
        match &work.kind {
            WorkKind::Proposal { from, write, .. } => {
                mark.to.insert(from.name().to_owned());
                let entity = write.entity.as_str();
                mark.paths = write.changes.keys().map(|name| path(entity, name.as_str())).collect();
                if mark.paths.is_empty() {
                    mark.paths = vec![path(entity, "")];
                }
                // Once it is accepted, it is its owner's write, and may be proposed to others in turn.
                let owners =
                    mark.paths.iter().flat_map(|path| self.state.board.map.owners(&path.entity, &path.field));
                mark.to.extend(owners.map(ToString::to_string));
            }
            WorkKind::Handoff { order, .. } => {
                // Whoever sees what it is about may see it travel on.
                mark.to.insert(order.from.to_string());
                mark.paths = work.subject.iter().map(|entity| FieldPath::whole(entity.clone())).collect();
            }
            WorkKind::Returned { task, .. } => mark.task = Some(task.to_string()),
            WorkKind::Branch { from, .. } => {
                mark.to.insert(from.to_string());
            }
            // The next in the sequence gets it where it sees what the event is about.
            WorkKind::Dispatch { event, attributes, .. } => match &work.subject {
                Some(entity) => {
                    let field = attributes.get("path").and_then(|path| path.plain().parse().ok());
                    mark.paths = std::iter::once(FieldPath::whole(entity.clone())).chain(field).collect();
                }
                None => mark.event = EVENTS.iter().copied().find(|name| **name == **event),
            },
            WorkKind::Decision { .. }
            | WorkKind::Notice { .. }
            | WorkKind::Ruling { .. }
            | WorkKind::Join { .. }
            | WorkKind::Changed { .. }
            | WorkKind::Free { .. } => {}
        }
        let step = ["accept", "decline", "complete", "fail", "return"][self.dice.below(5)];
        let (note, result) = (self.mark(mark.clone()), self.mark(mark));
        json!({"do": "work", "work": work.no, "step": step, "note": note, "result": result})
    }

    fn handoff(&mut self) -> Json {
        let task = format!("draft-{}", self.dice.below(3));
        let known = self.state.board.tasks.values().find(|one| one.id.as_str() == task);
        if let Some(owner) = known.map(|task| task.owner.to_string()) {
            self.who = owner;
        }
        let to = self.dice.pick(&AGENTS[..4]);
        self.marks.joins(&task, to);
        self.marks.joins(&task, &self.who.clone());
        let said = Mark { task: Some(task.clone()), ..Mark::default() };
        let subject = self.entity();
        // What the next hands are told of it only where they see what it is about.
        let handed = Mark { to: [to.to_owned()].into(), paths: vec![path(subject, "")], ..Mark::default() };
        let (product, reason) = (self.mark(said.clone()), self.mark(said));
        let (context, kept) = (self.mark(handed.clone()), self.mark(handed));
        json!({"do": "handoff", "to": to, "task": task, "attempt": 1 + self.dice.below(3), "subject": subject,
               "work_product": {"result": product, "status": "draft"}, "context": context,
               "constraints": [kept], "reason": reason})
    }

    fn fan_out(&mut self) -> Json {
        let mut branches = Vec::new();
        for _ in 0..2 {
            let to = self.dice.pick(&AGENTS[..4]);
            let input = self.mark(Mark { to: [to.to_owned()].into(), ..Mark::default() });
            branches.push(json!({"to": to, "input": input}));
        }
        let to = branches.iter().map(|branch| branch["to"].as_str().unwrap().to_owned()).collect();
        let reason = self.mark(Mark { to, ..Mark::default() });
        json!({"do": "fan-out", "branches": branches, "deadline": "30m", "subject": self.entity(), "reason": reason})
    }

    fn lease(&mut self) -> Json {
        let (entity, fields) = self.fields();
        if let Some(lease) =
            self.dice.of(self.state.board.leases.values()).filter(|_| self.dice.below(2) == 0)
        {
            let step = ["renew", "release", "transfer"][self.dice.below(3)];
            let mut json = json!({"do": "lease", "step": step, "lease": lease.fence});
            match step {
                "renew" => json["ttl"] = json!("10m"),
                "transfer" => json["to"] = json!(self.dice.pick(&AGENTS[..4])),
                _ => {}
            }
            return json;
        }
        json!({"do": "lease", "step": "acquire", "target": {"path": path(entity, fields[0]).to_string()}, "ttl": "20m"})
    }

    fn publish(&mut self) -> Json {
        let output = self.dice.pick(&OUTPUTS);
        let publisher = self.state.board.map.publisher(output).map(ToString::to_string);
        if let Some(publisher) = publisher.filter(|_| self.dice.below(3) > 0) {
            self.who = publisher;
        }
        let subject = Some(self.entity()).filter(|_| self.dice.below(4) > 0);
        let thread = format!("thread {}", self.dice.below(2));
        // Whose the output is, and who has spoken on the thread, is told what somebody else says there.
        let board = &self.state.board;
        let paths: Vec<FieldPath> = subject.iter().map(|subject| path(subject, "")).collect();
        let to = board.map.publisher(output).map(ToString::to_string).into_iter().collect();
        self.marks.joins(&thread, &self.who);
        let mark = Mark { paths, to, task: Some(thread.clone()), ..Mark::default() };
        let said = |ask: &mut Self| ask.mark(mark.clone());
        let (body, reason) = (said(self), said(self));
        json!({"do": "publish", "output": output, "thread": thread, "body": body, "subject": subject,
               "depends_on": self.reads(), "reason": reason})
    }

    fn conclude(&mut self) -> Json {
        let entity = self.entity();
        let question = self.dice.pick(&["is it paid", "is it ours"]);
        json!({"do": "conclude", "subject": entity, "question": question, "answer": self.about(entity),
               "depends_on": self.reads(), "reason": self.about(entity)})
    }

    fn together(&mut self) -> Json {
        let first = self.write();
        let who = self.who.clone();
        let mut second = self.write();
        if self.who != who {
            // The markers of a part belong to who sends all of it.
            second = first.clone();
        }
        self.who = who;
        json!({"do": "together", "commands": [first, second]})
    }

    fn item(&mut self) -> Json {
        let Some(item) = self.dice.of(self.state.board.items.values()) else { return self.write() };
        let person = if item.queue.as_str() == "roadmap" { "sam" } else { "dana" };
        person.clone_into(&mut self.who);
        let shown = serde_json::to_string(item).unwrap();
        // Who proposed what waits because its owner accepted it is told too.
        let authors = self.state.board.works.values().filter(|work| work.subject == item.subject);
        let authors = authors.filter_map(|work| match &work.kind {
            WorkKind::Proposal { from, .. } => Some(from.name()),
            _ => None,
        });
        let authors: Vec<&str> = authors.collect();
        let to: std::collections::BTreeSet<String> = AGENTS
            .iter()
            .filter(|agent| shown.contains(&format!("\"{agent}\"")) || authors.contains(agent))
            .map(|agent| (*agent).to_owned())
            .collect();
        let said = Mark { to, ..Mark::default() };
        let (note, reply) = (self.mark(said.clone()), self.mark(said.clone()));
        let other = self.dice.pick(&AGENTS[..4]);
        if let Case::Stuck { task, .. } = &item.case
            && self.dice.below(2) == 0
        {
            let order = &task.order;
            self.marks.hand_on(&json!([order.context, order.constraints]).to_string(), other);
            let task = task.id.to_string();
            self.marks.joins(&task, other);
            let note = self.mark(Mark { task: Some(task), ..said });
            let on = json!({"kind": "send-on", "to": other, "note": note, "max_attempts": 6});
            return json!({"do": "item", "item": item.no, "step": "answer", "answer": on, "include": [],
                          "version": item.version, "digest": item.digest()});
        }
        let answer = match self.dice.below(6) {
            0 => {
                self.marks.pass_on(&shown, other);
                json!({"kind": "handle", "note": note, "to": other})
            }
            1 => json!({"kind": "handle", "note": note, "reply": reply}),
            2 => {
                let grant = item.suggestion.as_ref().map(|suggestion| json!(suggestion.grant));
                let grant = grant.unwrap_or_else(|| json!({"what": "write", "value": "nowhere/*"}));
                self.marks.pass_on(&shown, other);
                json!({"kind": "expand", "agent": other, "grant": grant, "note": note})
            }
            3 => json!({"kind": "approve", "note": note}),
            4 => {
                let paths = item.subject.iter().map(|entity| FieldPath::whole(entity.clone())).collect();
                json!({"kind": "approve-edited", "body": self.mark(Mark { paths, ..said }), "note": note})
            }
            _ => json!({"kind": "reject", "note": note}),
        };
        json!({"do": "item", "item": item.no, "step": "answer", "answer": answer, "include": [],
               "version": item.version, "digest": item.digest()})
    }

    fn overrides(&mut self) -> Json {
        "dana".clone_into(&mut self.who);
        let (entity, field) = (self.entity(), self.dice.pick(&FIELDS[1..]));
        let at = path(entity, field);
        match self.dice.below(6) {
            0 => json!({"do": "override", "step": "freeze", "entity": entity, "reason": self.about(entity)}),
            1 => {
                json!({"do": "override", "step": "unfreeze", "entity": entity, "reason": self.about(entity)})
            }
            2 => {
                let Some(lease) = self.dice.of(self.state.board.leases.values()) else {
                    return self.overrides();
                };
                let mut mark = Mark { to: [lease.holder.to_string()].into(), ..Mark::default() };
                if let LeaseTarget::Path(path) = &lease.target {
                    mark.paths = vec![path.clone()];
                }
                let reason = self.mark(mark);
                json!({"do": "override", "step": "unlock", "lease": lease.fence, "reason": reason})
            }
            _ => {
                let mark = Mark { paths: vec![at.clone()], ..Mark::default() };
                let (value, reason) = (self.mark(mark.clone()), self.mark(mark));
                let expected = self.version(&at);
                json!({"do": "override", "step": "set", "path": at.to_string(), "value": value,
                       "expected": expected, "reason": reason})
            }
        }
    }

    fn alert(&mut self) -> Json {
        let Some(alert) = self.dice.of(self.state.board.alerts.values()) else { return self.write() };
        "dana".clone_into(&mut self.who);
        let step = ["acknowledge", "resolve", "escalate"][self.dice.below(3)];
        json!({"do": "alert", "alert": alert.no, "step": step, "note": self.mark(Mark::default())})
    }

    fn import(&mut self) -> Json {
        let (entity, field) = (self.entity(), self.dice.pick(&FIELDS[1..]));
        let actor = self.dice.pick(&AGENTS);
        self.who = actor.to_owned();
        let mark = Mark { paths: vec![path(entity, field)], ..Mark::default() };
        let (value, note) = (self.mark(mark.clone()), self.mark(mark));
        let json = json!({"do": "import", "source": "other:1", "id": self.dice.below(1_000_000), "actor": actor,
               "time": "2026-09-01T08:00:00Z", "entity": entity, "op": "update",
               "changes": {field: {"after": value}}, "note": note});
        "ada".clone_into(&mut self.who);
        json
    }
}

fn path(entity: &str, field: &str) -> FieldPath {
    FieldPath::new(entity.parse::<EntityPath>().unwrap(), field.parse().unwrap())
}
