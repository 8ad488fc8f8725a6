//! An answer being given: what it would do, in words, before it is confirmed. The safe button is chosen at the start.
//!
//! What an answer does is worked out by the domain's own `preview`, on the board as it is at that moment; nothing in it is a
//! surprise later. An answer can't be sent when the case is no longer what was shown when it was opened.

use std::sync::Arc;

use crossterm::event::KeyEvent;

use super::answer_text::read_grant;
use super::fields::{self, Field};
use super::kind::Kind;
use crate::console::action::Action;
use crate::console::keymap::Context;
use crate::console::widgets::modal::Buttons;
use crate::console::world::World;
use crate::domain::command::{Answered, ItemVerb};
use crate::domain::decide::{Preview, preview};
use crate::domain::ids::{AgentId, ItemNo};
use crate::domain::map::Grant;
use crate::domain::state::Board;
use crate::domain::things::{ClosedItem, Item, ItemAnswer, TokenClass};
use crate::domain::value::Value;

/// One decision to send.
#[derive(Debug)]
pub(super) struct Step {
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
    /// It can't be sent, and why.
    Refused(String),
    /// Another answer takes its place.
    Instead(Box<Answering>),
    /// To be sent.
    Send(Vec<Step>),
}

/// An answer being given.
#[derive(Debug, Clone)]
pub(super) struct Answering {
    pub(super) kind: Kind,
    /// The cases as shown when it was opened; the first is the one that the preview is about.
    pub(super) items: Vec<Arc<Item>>,
    pub(super) fields: Vec<Field>,
    /// Which field or button has the focus: fields first.
    pub(super) focus: usize,
    pub(super) buttons: Buttons,
    /// For a transfer: from whom.
    from: Option<AgentId>,
    /// For undo: what it takes back.
    pub(super) undoes: Vec<String>,
}

const AGENT: usize = 0;
const GRANT: usize = 1;
const NOTE: usize = 0;
const REPLY: usize = 1;
const TO: usize = 2;
const BODY: usize = 0;
const BODY_NOTE: usize = 1;

impl Answering {
    /// Begins an answer to these cases, of which there is at least one.
    pub(super) fn new(kind: Kind, items: Vec<Arc<Item>>, board: &Board) -> Self {
        let fields = fields::of(kind, &items, board);
        let buttons = Buttons::safe_first(["cancel", kind.word()]);
        let mut answering = Self { kind, items, fields, focus: 0, buttons, from: None, undoes: Vec::new() };
        // Where words must be typed anyway, the cursor starts there; else on the safe button.
        answering.focus = match kind {
            Kind::Handle | Kind::OutOfScope | Kind::ApproveEdited | Kind::Reject => NOTE,
            Kind::Expand if answering.value(AGENT).is_empty() => AGENT,
            Kind::Expand if answering.value(GRANT).is_empty() => GRANT,
            Kind::Expand | Kind::Transfer | Kind::Approve | Kind::Undo => answering.fields.len(),
        };
        answering
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
        if effects.rule.is_some() {
            words.push("the rule made of it ends".to_owned());
        }
        let reopened: Vec<_> = effects.included.iter().map(|no| format!(" #{no}")).collect();
        words.push(format!("these wait again: #{}{}", closed.item.no, reopened.concat()));
        undo.undoes = words;
        undo
    }

    /// Whose keys count: text's in a text field, else those of a box with buttons.
    pub(super) fn context(&self) -> Context {
        match self.fields.get(self.focus) {
            Some(Field::Text { .. }) => Context::Prompt,
            Some(Field::Tick { .. }) | None => Context::Preview,
        }
    }

    pub(super) fn hints(&self) -> Vec<Action> {
        match self.fields.get(self.focus) {
            Some(Field::Text { .. }) => vec![Action::Submit, Action::NextSuggestion, Action::Close],
            Some(Field::Tick { .. }) => vec![Action::ToggleField, Action::NextPane, Action::Close],
            None => vec![Action::Confirm, Action::NextPane, Action::Close],
        }
    }

    /// Does what an action asks for.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are somebody else's")]
    pub(super) fn act(&mut self, action: Action, world: &World) -> Outcome {
        match action {
            Action::Close => return Outcome::Closed,
            Action::NextPane | Action::Complete | Action::Down | Action::NextSuggestion => self.step(true),
            Action::PreviousPane | Action::Up | Action::PreviousSuggestion => self.step(false),
            // Enter in a text means that the text is done; it never presses a button.
            Action::Submit => self.focus_on(self.fields.len()),
            Action::ToggleField | Action::Confirm if self.focus < self.fields.len() => {
                if let Some(Field::Tick { on, .. }) = self.fields.get_mut(self.focus) {
                    *on = !*on;
                }
            }
            Action::Confirm if self.buttons.chosen() == 0 => return Outcome::Closed,
            Action::Confirm => return self.send(world),
            _ => {}
        }
        Outcome::Open
    }

    pub(super) fn text(&mut self, key: KeyEvent) {
        if let Some(Field::Text { prompt, .. }) = self.fields.get_mut(self.focus) {
            prompt.key(key);
        }
    }

    /// Pasted text goes into a text field; anywhere else it is nothing.
    pub(super) fn paste(&mut self, text: &str) {
        if let Some(Field::Text { prompt, .. }) = self.fields.get_mut(self.focus) {
            prompt.paste(text);
        }
    }

    /// The answer as it stands, or what is missing for it.
    pub(super) fn answer(&self) -> Result<ItemAnswer, String> {
        match self.kind {
            Kind::Expand => {
                let (agent, grant) = (self.agent()?, read_grant(&self.value(GRANT))?);
                Ok(ItemAnswer::Expand { agent, grant, note: None })
            }
            Kind::Transfer => {
                let Grant::Write(pattern) = read_grant(&self.value(GRANT))? else {
                    return Err("only what an agent writes can be transferred".to_owned());
                };
                let from = self.from.clone().ok_or("nobody to transfer it from")?;
                Ok(ItemAnswer::Transfer { pattern, from, to: self.agent()?, note: None })
            }
            Kind::Handle => {
                let note = self.needed(NOTE, "say in the note how you handled it")?;
                let reply = self.value(REPLY);
                let reply = (!reply.is_empty()).then(|| Value::text(&reply));
                Ok(ItemAnswer::Handle { note: Arc::from(note), reply, to: self.given_to()? })
            }
            Kind::OutOfScope => {
                let reason = self.needed(NOTE, "say in the reason why it is nobody's business")?;
                Ok(ItemAnswer::OutOfScope { reason: Arc::from(reason), rule: self.ticked("rule") })
            }
            Kind::Approve => Ok(ItemAnswer::Approve { note: self.optional(NOTE) }),
            Kind::ApproveEdited => {
                let text = self.needed(BODY, "the body is empty: say what goes out, or reject it")?;
                let body = fields::read_body(self.items.first(), &text)?;
                Ok(ItemAnswer::ApproveEdited { body, note: self.optional(BODY_NOTE) })
            }
            Kind::Reject => {
                let note =
                    self.needed(NOTE, "say in the note why it does not go out: its agent reads that")?;
                Ok(ItemAnswer::Reject { note: Arc::from(note) })
            }
            Kind::Undo => Err("undo is no answer".to_owned()),
        }
    }

    /// What it would do on the board as it is now.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are somebody else's")]
    pub(super) fn preview(&self, world: &World) -> Option<Result<Preview, String>> {
        let (board, item) = (world.board.as_ref()?, self.items.first()?);
        let mut answer = self.answer();
        if answer.is_err() {
            // The consequence does not depend on the words that are still missing.
            let rule = self.ticked("rule");
            answer = match self.kind {
                Kind::Handle => {
                    self.given_to().map(|to| ItemAnswer::Handle { note: Arc::from(""), reply: None, to })
                }
                Kind::OutOfScope => Ok(ItemAnswer::OutOfScope { reason: Arc::from(""), rule }),
                Kind::Reject => Ok(ItemAnswer::Reject { note: Arc::from("") }),
                _ => answer,
            };
        }
        Some(answer.map(|answer| preview(board, item, &world.me.person, &answer)))
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

    pub(super) fn ticked(&self, name: &str) -> bool {
        self.fields.iter().any(|field| matches!(field, Field::Tick { label, on: true } if *label == name))
    }

    fn send(&self, world: &World) -> Outcome {
        let Some(first) = self.items.first() else { return Outcome::Closed };
        if let Err(why) = world.may_decide() {
            return Outcome::Refused(why);
        }
        if let Some(why) = self.changed(world) {
            return Outcome::Refused(why);
        }
        if self.kind == Kind::Undo {
            let done = format!("#{} {}", first.no, self.kind.done());
            return Outcome::Send(vec![Step { item: first.no, verb: ItemVerb::Undo, done, kind: None }]);
        }
        let answer = match self.answer() {
            Ok(answer) => answer,
            Err(why) => return Outcome::Refused(why),
        };
        let settles = match self.preview(world) {
            Some(Ok(Preview { obstacle: Some(why), owner, .. })) => return self.refuse(why, owner, world),
            Some(Ok(preview)) => preview.settles,
            Some(Err(_)) | None => Vec::new(),
        };
        if self.kind == Kind::Transfer && world.me.class != TokenClass::Admin {
            return Outcome::Refused(
                "only an admin transfers what another agent owns; hand the case to one".to_owned(),
            );
        }
        Outcome::Send(self.steps(&answer, &settles))
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
                instead.buttons = Buttons::safe_first(["cancel", Kind::Transfer.word()]);
                instead.focus = instead.fields.len();
                Outcome::Instead(Box::new(instead))
            }
        }
    }

    fn steps(&self, answer: &ItemAnswer, settles: &[ItemNo]) -> Vec<Step> {
        let several = self.items.len() > 1;
        let marked = |no: &ItemNo| self.items.iter().any(|item| item.no == *no);
        // An expansion is one answer for all; any other answer is given to each marked case by itself.
        let one = matches!(self.kind, Kind::Expand | Kind::Transfer);
        let with_all = self.ticked("include");
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
            Step {
                item: item.no,
                verb: ItemVerb::Answer(answered),
                done: format!("#{}{also} {}; `u` undoes it", item.no, self.kind.done()),
                kind: Some(self.kind),
            }
        });
        steps.collect()
    }

    fn agent(&self) -> Result<AgentId, String> {
        AgentId::new(&self.value(AGENT)).map_err(|error| error.to_string())
    }

    fn value(&self, at: usize) -> String {
        match self.fields.get(at) {
            Some(Field::Text { prompt, .. }) => prompt.text().trim().to_owned(),
            Some(Field::Tick { .. }) | None => String::new(),
        }
    }

    /// Who gets the event of the case, where there is one and somebody is named.
    fn given_to(&self) -> Result<Option<AgentId>, String> {
        let to = self.value(TO);
        let asked = matches!(self.fields.get(TO), Some(Field::Text { label: "to", .. }));
        if !asked || to.is_empty() {
            return Ok(None);
        }
        AgentId::new(&to).map(Some).map_err(|error| error.to_string())
    }

    fn optional(&self, at: usize) -> Option<Arc<str>> {
        let value = self.value(at);
        (!value.is_empty()).then(|| Arc::from(value))
    }

    fn needed(&self, at: usize, missing: &str) -> Result<String, String> {
        let value = self.value(at);
        if value.is_empty() { Err(missing.to_owned()) } else { Ok(value) }
    }

    /// To the next field or button, round at the ends.
    fn step(&mut self, forward: bool) {
        let stops = self.fields.len() + 2;
        let here = if self.focus < self.fields.len() {
            self.focus
        } else {
            self.fields.len() + self.buttons.chosen()
        };
        let next = if forward { here + 1 } else { here + stops - 1 } % stops;
        self.focus_on(next);
    }

    fn focus_on(&mut self, stop: usize) {
        self.focus = stop.min(self.fields.len());
        if stop >= self.fields.len() {
            self.buttons.choose(stop - self.fields.len());
        }
    }
}
