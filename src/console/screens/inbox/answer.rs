//! An answer being given: what it would do, in words, before it is confirmed. The safe button is chosen at the start.
//!
//! What an answer does is asked of the server, which decides it without recording anything; nothing in it is a surprise
//! later. An answer can't be sent when the case is no longer what was shown when it was opened.

use std::sync::Arc;

use super::answer_text::read_grant;
use super::fields::{
    self, AGENT, ATTEMPTS, BODY, GRANTS, INCLUDE, NOTE, REASON, REPLY, RIGHT, RULE, TO, VALUE,
};
use super::kind::Kind;
use crate::console::action::Action;
use crate::console::ask::Trouble;
use crate::console::widgets::form::{Form, Pressed};
use crate::console::world::World;
use crate::domain::command::{Answered, ItemVerb};
use crate::domain::decide::Preview;
use crate::domain::ids::{AgentId, ItemNo, MapVersion};
use crate::domain::map::Grant;
use crate::domain::state::Board;
use crate::domain::things::{ClosedItem, Item, ItemAnswer, TokenClass};
use crate::domain::value::Value;

/// One decision to send.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) item: ItemNo,
    pub(super) verb: ItemVerb,
    /// The words for when it is done.
    pub(super) done: String,
    /// Which answer, if it is one.
    pub(super) kind: Option<Kind>,
}

/// What became of an action.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Still open.
    Open,
    /// Cancelled.
    Closed,
    /// Something is missing, in words.
    Lacks(&'static str),
    /// It can't be sent, and why.
    Refused(String),
    /// Another answer takes its place.
    Instead(Box<Answering>),
    /// To be sent.
    Send(Vec<Decision>),
}

/// An answer being given.
#[derive(Debug, Clone)]
pub(super) struct Answering {
    pub(super) kind: Kind,
    /// The cases as shown when it was opened; the first is the one that the preview is about.
    pub(super) items: Vec<Arc<Item>>,
    pub(super) form: Form,
    /// For a transfer: from whom.
    from: Option<AgentId>,
    /// For undo: what it takes back.
    pub(super) undoes: Vec<String>,
    /// What the server said to the last question that it answered.
    said: Option<(Question, Result<Preview, Trouble>)>,
}

/// An answer whose consequences are asked for, and what they hang on: another map, another case alike or a stop is another
/// question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) item: ItemNo,
    pub(super) answer: ItemAnswer,
    map: MapVersion,
    alike: Vec<(ItemNo, u64)>,
    stopped: bool,
}

impl Question {
    fn new(item: &Item, answer: ItemAnswer, board: &Board) -> Self {
        let paused = |agent| board.agents.get(agent).is_some_and(|agent| agent.paused.is_some());
        let frozen = item.subject.as_ref().is_some_and(|subject| board.frozen.contains_key(subject));
        Self {
            item: item.no,
            answer,
            map: board.map_version,
            alike: board.alike(item).map(|other| (other.no, other.version)).collect(),
            stopped: frozen || item.raised_by.agent().is_some_and(paused),
        }
    }
}

impl Answering {
    /// Begins an answer to these cases, of which there is at least one.
    pub(super) fn new(kind: Kind, items: Vec<Arc<Item>>, board: &Board) -> Self {
        let mut form = Form::new(fields::of(kind, &items, board), kind.word());
        // A body that is to be edited is where the cursor starts.
        form.go_to(BODY);
        // So is the choice between sides.
        form.go_to(RIGHT);
        Self { kind, items, form, from: None, undoes: Vec::new(), said: None }
    }

    /// Begins to take an answer back.
    pub(super) fn undo(closed: &ClosedItem, board: &Board) -> Self {
        let mut undo = Self::new(Kind::Undo, vec![Arc::clone(&closed.item)], board);
        let effects = &closed.effects;
        let mut words = vec![format!("{} by {} is taken back", closed.answer.word(), closed.by)];
        if let Some((before, after)) = effects.map {
            let now = board.map_version;
            words.push(format!(
                "what map v{after} added to v{before} goes again; the map becomes v{}",
                now.next()
            ));
        }
        for redone in &effects.redone {
            words.push(format!(
                "{} gets the values back that it had before deed #{}",
                redone.entity, redone.deed
            ));
        }
        if !effects.works.is_empty() {
            words.push("work items that nobody used yet are withdrawn".to_owned());
        }
        if effects.ruling.is_some() {
            words.push("what was ruled on is open again".to_owned());
        }
        if effects.rule.is_some() {
            words.push("the rule made of it ends".to_owned());
        }
        let reopened: Vec<_> = effects.included.iter().map(|no| format!(" #{no}")).collect();
        words.push(format!("these wait again: #{}{}", closed.item.no, reopened.concat()));
        undo.undoes = words;
        undo
    }

    /// What it is about, as drafts are kept by.
    pub(super) fn about(&self) -> String {
        self.items.first().map(|item| self.kind.about(item.no)).unwrap_or_default()
    }

    /// Does what an action asks for.
    pub(super) fn act(&mut self, action: Action, world: &World) -> Outcome {
        match self.form.act(action) {
            Pressed::On => Outcome::Open,
            Pressed::Closed => Outcome::Closed,
            Pressed::Lacks(missing) => Outcome::Lacks(missing),
            Pressed::Confirmed => self.send(world),
        }
    }

    /// The answer as it stands, or what is wrong with it. Words that are still missing are empty.
    pub(super) fn answer(&self) -> Result<ItemAnswer, String> {
        let text = |label| Arc::from(self.form.text(label));
        let note = Some(self.form.text(NOTE)).filter(|note| !note.is_empty()).map(Arc::from);
        Ok(match self.kind {
            Kind::Expand => {
                let (agent, grant) = (self.agent(AGENT)?, read_grant(self.form.text(GRANTS))?);
                ItemAnswer::Expand { agent, grant, note: None }
            }
            Kind::Transfer => {
                let Grant::Write(pattern) = read_grant(self.form.text(GRANTS))? else {
                    return Err("only what an agent writes can be transferred".to_owned());
                };
                let from = self.from.clone().ok_or("nobody to transfer it from")?;
                ItemAnswer::Transfer { pattern, from, to: self.agent(AGENT)?, note: None }
            }
            Kind::Handle => {
                let reply = Some(self.form.text(REPLY)).filter(|reply| !reply.is_empty()).map(Value::text);
                // Who gets the event of the case, where there is one and somebody is named.
                let to = if self.form.text(TO).is_empty() { None } else { Some(self.agent(TO)?) };
                ItemAnswer::Handle { note: text(NOTE), reply, to }
            }
            Kind::Ruling => {
                let right = self.form.chosen(RIGHT).cloned();
                let value = fields::read_value(self.form.text(VALUE));
                if right.is_none() && value.is_none() {
                    return Err("choose the side that is right, or say what is".to_owned());
                }
                ItemAnswer::Ruling { right, value, note }
            }
            Kind::OutOfScope => ItemAnswer::OutOfScope { reason: text(REASON), rule: self.form.ticked(RULE) },
            Kind::SendOn => {
                let to = if self.form.text(TO).is_empty() { None } else { Some(self.agent(TO)?) };
                ItemAnswer::SendOn { to, max_attempts: self.attempts()?, note }
            }
            Kind::Approve => ItemAnswer::Approve { note },
            Kind::ApproveEdited => {
                let body = fields::read_body(self.items.first(), self.form.text(BODY))?;
                ItemAnswer::ApproveEdited { body, note }
            }
            Kind::Reject => ItemAnswer::Reject { note: text(NOTE) },
            Kind::Undo => return Err("undo is no answer".to_owned()),
        })
    }

    /// What is to be asked for it as it stands, or what is wrong with it; nothing where there are no consequences to ask for.
    pub(super) fn question(&self, world: &World) -> Option<Result<Question, String>> {
        let (board, item) = (world.board.as_ref()?, self.items.first()?);
        let ask = |answer| Question::new(item, without_words(answer), board);
        (self.kind != Kind::Undo).then(|| self.answer().map(ask))
    }

    /// The server has said what it would do.
    pub(super) fn hear(&mut self, question: Question, said: Result<Preview, Trouble>) {
        self.said = Some((question, said));
    }

    /// What it would do, once the server has said so of just this.
    pub(super) fn preview(&self, question: &Question) -> Option<&Result<Preview, Trouble>> {
        self.said.as_ref().filter(|(said, _)| said == question).map(|(_, preview)| preview)
    }

    /// Why the cases are no longer what was shown, if so.
    pub(super) fn changed(&self, world: &World) -> Option<String> {
        if self.kind == Kind::Undo {
            return None;
        }
        let board = world.board.as_ref()?;
        for shown in &self.items {
            match board.items.get(&shown.no) {
                None => return Some(format!("#{} was answered meanwhile; close this", shown.no)),
                Some(now) if now.version != shown.version || now.digest() != shown.digest() => {
                    return Some(format!(
                        "#{} changed since it was shown; close this and look again",
                        shown.no
                    ));
                }
                Some(_) => {}
            }
        }
        None
    }

    fn send(&mut self, world: &World) -> Outcome {
        let Some(first) = self.items.first() else { return Outcome::Closed };
        if let Err(why) = world.may_decide() {
            return Outcome::Refused(why);
        }
        if let Some(why) = self.changed(world) {
            return Outcome::Refused(why);
        }
        if self.kind == Kind::Undo {
            let done = format!("#{} {}", first.no, self.kind.done());
            return Outcome::Send(vec![Decision { item: first.no, verb: ItemVerb::Undo, done, kind: None }]);
        }
        let answer = match self.answer() {
            Ok(answer) => answer,
            Err(why) => return Outcome::Refused(why),
        };
        let settles = match self.foreseen(world) {
            Ok(preview) => preview.map(|preview| preview.settles.clone()).unwrap_or_default(),
            Err(refused) => return refused,
        };
        if self.kind == Kind::Transfer && world.me.class != TokenClass::Admin {
            return Outcome::Refused(
                "only an admin transfers what another agent owns; hand the case to one".to_owned(),
            );
        }
        Outcome::Send(self.steps(&answer, &settles))
    }

    /// What the server said it would do, if that is known and nothing stands in the way; or why it is not sent now.
    fn foreseen(&mut self, world: &World) -> Result<Option<&Preview>, Outcome> {
        let wait = |why: &str| Err(Outcome::Refused(why.to_owned()));
        let said =
            self.question(world).and_then(Result::ok).filter(|question| self.preview(question).is_some());
        let old = |preview: &Preview| world.board.as_ref().is_some_and(|board| preview.seq < board.head);
        match said.and(self.said.as_ref()).map(|(_, said)| said) {
            None => wait("the server is being asked what this would do; a moment"),
            Some(Ok(preview)) if preview.obstacle.is_some() && old(preview) => {
                self.said = None;
                wait("something happened since the server saw an obstacle; it is asked again, a moment")
            }
            Some(Ok(Preview { obstacle: Some(why), owner, .. })) => {
                Err(self.refuse(why.clone(), owner.clone(), world))
            }
            Some(Ok(_)) => Ok(self.said.as_ref().and_then(|(_, said)| said.as_ref().ok())),
            // Which cases alike it settles is the server's to say; about one case it checks all the same when it decides.
            Some(Err(_)) if self.takes_others(world) => {
                self.said = None;
                wait("which cases alike this settles is not known; the server is asked again, a moment")
            }
            Some(Err(_)) => Ok(None),
        }
    }

    /// Would others be answered with the same command?
    fn takes_others(&self, world: &World) -> bool {
        let of_scope = self.kind.is_of_scope();
        let alike = |item: &Arc<Item>| {
            world.board.as_ref().is_some_and(|board| board.settled_like(item, of_scope).next().is_some())
        };
        if self.items.len() > 1 {
            return self.is_one();
        }
        self.form.ticked(INCLUDE) && self.items.first().is_some_and(alike)
    }

    /// An expansion is one answer for all; any other answer is given to each marked case by itself.
    pub(super) fn is_one(&self) -> bool {
        self.kind.is_of_scope()
    }

    /// What stands in the way; where it is another owner, an admin is offered a transfer instead.
    fn refuse(&self, why: String, owner: Option<AgentId>, world: &World) -> Outcome {
        let may = world.me.class == TokenClass::Admin && self.kind == Kind::Expand;
        match owner.filter(|_| may) {
            None => Outcome::Refused(why),
            Some(owner) => {
                let mut instead = self.clone();
                instead.kind = Kind::Transfer;
                instead.from = Some(owner);
                instead.form.rename(Kind::Transfer.word());
                Outcome::Instead(Box::new(instead))
            }
        }
    }

    fn steps(&self, answer: &ItemAnswer, settles: &[ItemNo]) -> Vec<Decision> {
        let several = self.items.len() > 1;
        let marked = |no: &ItemNo| self.items.iter().any(|item| item.no == *no);
        let one = self.is_one();
        let with_all = self.form.ticked(INCLUDE);
        let included = |no: &&ItemNo| if several { one && marked(no) } else { with_all };
        let include: Vec<ItemNo> = settles.iter().filter(included).copied().collect();
        let steps = self.items.iter().take(if one { 1 } else { self.items.len() }).map(|item| {
            let also =
                if include.is_empty() { String::new() } else { format!(" and {} alike", include.len()) };
            let answered = Answered {
                answer: answer.clone(),
                version: item.version,
                digest: item.digest(),
                include: include.clone(),
            };
            Decision {
                item: item.no,
                verb: ItemVerb::Answer(answered),
                done: format!("#{}{also} {}; `u` undoes it", item.no, self.kind.done()),
                kind: Some(self.kind),
            }
        });
        steps.collect()
    }

    /// How many attempts there are from now on, where that is said.
    fn attempts(&self) -> Result<Option<u32>, String> {
        let text = self.form.text(ATTEMPTS).trim();
        if text.is_empty() {
            return Ok(None);
        }
        let wrong =
            |_| format!("`{text}` is no number of attempts; leave it empty for one more where none is left");
        text.parse().map(Some).map_err(wrong)
    }

    fn agent(&self, label: &str) -> Result<AgentId, String> {
        let name = self.form.text(label);
        if name.is_empty() {
            return Err("name the agent whose it is to be".to_owned());
        }
        AgentId::new(name).map_err(|error| error.to_string())
    }
}

/// Words that only people read have no consequences: they are asked about as if they were there.
fn without_words(answer: ItemAnswer) -> ItemAnswer {
    let words: Arc<str> = Arc::from("…");
    let given = |note: Option<Arc<str>>| note.map(|_| Arc::clone(&words));
    match answer {
        ItemAnswer::Expand { .. } | ItemAnswer::Transfer { .. } => answer,
        ItemAnswer::Handle { reply, to, .. } => {
            ItemAnswer::Handle { note: Arc::clone(&words), reply: reply.map(|_| Value::text(&words)), to }
        }
        ItemAnswer::Ruling { right, value, note } => ItemAnswer::Ruling { right, value, note: given(note) },
        ItemAnswer::OutOfScope { rule, .. } => ItemAnswer::OutOfScope { reason: Arc::clone(&words), rule },
        ItemAnswer::SendOn { to, max_attempts, note } => {
            ItemAnswer::SendOn { to, max_attempts, note: given(note) }
        }
        ItemAnswer::Approve { note } => ItemAnswer::Approve { note: given(note) },
        ItemAnswer::ApproveEdited { note, .. } => {
            ItemAnswer::ApproveEdited { body: Value::text(&words), note: given(note) }
        }
        ItemAnswer::Reject { .. } => ItemAnswer::Reject { note: Arc::clone(&words) },
    }
}
