//! Something that a person is about to override: freeze or unfreeze, pause or resume, set, revert, unlock. A reason is needed,
//! what will be true afterwards is said, and the button has to be chosen, since the safe one is chosen first.
//!
//! Here are the state and what keys do; `view` draws the box. What was written so far of a field is asked of the ledger.

mod history;
#[cfg(test)]
mod tests;
mod view;

use std::sync::Arc;

use crossterm::event::KeyEvent;

use self::history::History;
use super::action::Action;
use super::keymap::Context;
use super::under::Under;
use super::widgets::modal::Buttons;
use super::widgets::prompt::Prompt;
use crate::domain::command::{Command, Override, OverrideVerb};
use crate::domain::deed::Deed;
use crate::domain::ids::{AgentId, Fence, Version};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::state::Board;
use crate::domain::value::Value;

/// What is overridden, one of several where there are several.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Plan {
    Freeze(Vec<EntityPath>),
    Pause(Vec<AgentId>),
    Unlock(Vec<Fence>),
    Set,
    Revert,
}

/// A line of text.
#[derive(Debug)]
struct Text {
    label: &'static str,
    prompt: Prompt,
    missing: &'static str,
}

/// An override in the making.
#[derive(Debug)]
pub struct Overriding {
    plan: Plan,
    texts: Vec<Text>,
    /// Which text is being typed; the buttons where it is none of them.
    focus: usize,
    buttons: Buttons,
    history: History,
}

/// What came of a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Came {
    /// It goes on.
    On,
    /// It was given up.
    Closed,
    /// Something is missing, in words.
    Lacks(String),
    /// It is to be sent; the words are for when it is done.
    Send(Box<Command>, String),
}

const PATH: usize = 0;
const SECOND: usize = 1;

impl Overriding {
    /// Begins what an action asks for, on what lies under the cursor.
    ///
    /// # Errors
    /// Why there is nothing to do, in words.
    #[expect(clippy::wildcard_enum_match_arm, reason = "called with the five actions that override")]
    pub fn begin(action: Action, under: &Under, board: &Board) -> Result<Self, String> {
        let none = |what: &str| Err(format!("no {what} is under the cursor"));
        let plan = match action {
            Action::Freeze => {
                let mut entities: Vec<EntityPath> = Vec::new();
                for path in &under.paths {
                    if !entities.contains(&path.entity) {
                        entities.push(path.entity.clone());
                    }
                }
                Plan::Freeze(entities)
            }
            Action::Pause => Plan::Pause(under.agents.clone()),
            Action::Unlock => {
                let live = under.leases.iter().filter(|fence| board.leases.contains_key(*fence));
                Plan::Unlock(live.copied().collect())
            }
            Action::Revert => Plan::Revert,
            _ => Plan::Set,
        };
        match &plan {
            Plan::Freeze(list) if list.is_empty() => return none("entity"),
            Plan::Pause(list) if list.is_empty() => return none("agent"),
            Plan::Unlock(list) if list.is_empty() => return none("lease"),
            Plan::Set | Plan::Revert if under.paths.is_empty() => return none("field"),
            Plan::Freeze(_) | Plan::Pause(_) | Plan::Unlock(_) | Plan::Set | Plan::Revert => {}
        }
        let texts = texts(&plan, under.paths.first());
        // Where the field is known the cursor is behind it.
        let known = under.paths.first().is_some_and(|path| !path.field.is_whole());
        let focus = usize::from(matches!(plan, Plan::Set | Plan::Revert) && known);
        let mut new = Self {
            plan,
            texts,
            focus,
            buttons: Buttons::safe_first(["cancel", ""]),
            history: History::default(),
        };
        new.rename(board);
        Ok(new)
    }

    /// The button says what it would do to the chosen one as it is now.
    fn rename(&mut self, board: &Board) {
        self.buttons = Buttons::safe_first(["cancel", self.word(board)]);
    }

    fn word(&self, board: &Board) -> &'static str {
        match &self.plan {
            Plan::Freeze(list) => match list.first() {
                Some(entity) if board.frozen.contains_key(entity) => "unfreeze",
                Some(_) | None => "freeze",
            },
            Plan::Pause(list) => match list.first() {
                Some(agent) if is_paused(board, agent) => "resume",
                Some(_) | None => "pause",
            },
            Plan::Unlock(_) => "unlock",
            Plan::Set => "set",
            Plan::Revert => "revert",
        }
    }

    fn typing(&self) -> bool {
        self.focus < self.texts.len()
    }

    /// Whose keys count now.
    pub fn context(&self) -> Context {
        if self.typing() { Context::Prompt } else { Context::Preview }
    }

    /// The actions for the hint line.
    pub fn hints(&self) -> Vec<Action> {
        match (self.typing(), self.several()) {
            (true, true) => vec![Action::Submit, Action::NextSuggestion, Action::Close],
            (true, false) => vec![Action::Submit, Action::Close],
            (false, _) => vec![Action::NextPane, Action::Confirm, Action::Close],
        }
    }

    fn several(&self) -> bool {
        match &self.plan {
            Plan::Freeze(list) => list.len() > 1,
            Plan::Pause(list) => list.len() > 1,
            Plan::Unlock(list) => list.len() > 1,
            Plan::Set | Plan::Revert => false,
        }
    }

    /// Takes a typed character.
    pub fn key(&mut self, key: KeyEvent) {
        if let Some(text) = self.texts.get_mut(self.focus) {
            text.prompt.key(key);
        }
    }

    /// Takes pasted text as text.
    pub fn paste(&mut self, pasted: &str) {
        if let Some(text) = self.texts.get_mut(self.focus) {
            text.prompt.paste(pasted);
        }
    }

    /// Does what an action asks for.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a box knows no other action")]
    pub fn act(&mut self, action: Action, board: &Board) -> Came {
        match action {
            Action::Close => return Came::Closed,
            Action::Submit => return self.submit(),
            Action::NextSuggestion | Action::Down | Action::PreviousSuggestion | Action::Up
                if self.several() =>
            {
                self.turn(matches!(action, Action::NextSuggestion | Action::Down), board);
            }
            Action::Complete | Action::NextSuggestion if self.typing() => self.move_focus(true),
            Action::PreviousPane | Action::PreviousSuggestion if self.typing() => self.move_focus(false),
            Action::NextPane => self.buttons.step(true),
            // Back from the buttons into the texts: what was typed can still be mended.
            Action::PreviousPane | Action::Up if self.buttons.chosen() == 0 => self.move_focus(false),
            Action::PreviousPane => self.buttons.step(false),
            Action::Confirm if self.buttons.chosen() == 0 => return Came::Closed,
            Action::Confirm => return self.send(board),
            _ => {}
        }
        Came::On
    }

    /// Enter in a text: on to the next one that is empty, or to the buttons; it never presses one.
    fn submit(&mut self) -> Came {
        let empty = |text: &Text| text.prompt.text().trim().is_empty();
        if let Some(text) = self.texts.get(self.focus).filter(|text| empty(text)) {
            return Came::Lacks(text.missing.to_owned());
        }
        if let Err(why) = self.read_path() {
            self.focus = PATH;
            return Came::Lacks(why);
        }
        self.focus = self.texts.iter().position(empty).unwrap_or(self.texts.len());
        Came::On
    }

    fn move_focus(&mut self, forward: bool) {
        let stops = self.texts.len();
        self.focus =
            if forward { (self.focus + 1) % stops.max(1) } else { self.focus.min(stops) + stops - 1 };
        self.focus %= stops.max(1);
    }

    /// The next of several, or the one before.
    fn turn(&mut self, forward: bool, board: &Board) {
        match &mut self.plan {
            Plan::Freeze(list) => rotate(list, forward),
            Plan::Pause(list) => rotate(list, forward),
            Plan::Unlock(list) => rotate(list, forward),
            Plan::Set | Plan::Revert => {}
        }
        self.rename(board);
    }

    fn text(&self, at: usize) -> &str {
        self.texts.get(at).map_or("", |text| text.prompt.text().trim())
    }

    /// The field that is set or reverted, where one is asked for.
    fn read_path(&self) -> Result<Option<FieldPath>, String> {
        if !matches!(self.plan, Plan::Set | Plan::Revert) {
            return Ok(None);
        }
        self.text(PATH).parse::<FieldPath>().map(Some).map_err(|error| error.to_string())
    }

    /// The field whose versions are to be asked for, once for each.
    pub fn wants(&mut self) -> Option<FieldPath> {
        // While the path is being typed nothing is asked for.
        let typing_it = self.typing() && self.focus == PATH;
        let path = self.read_path().ok().flatten().filter(|_| !typing_it)?;
        self.history.begin(&path).then_some(path)
    }

    /// Deeds that wrote the field, in the order of the ledger.
    pub fn found(&mut self, deeds: &[Arc<Deed>]) {
        self.history.found(deeds);
    }

    /// The deeds could not be had, and why.
    pub fn not_found(&mut self, why: String) {
        self.history.failed(why);
    }

    /// The value as it was typed: JSON where it is JSON, else text.
    fn value(&self) -> Result<Value, String> {
        let text = self.text(SECOND);
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(json) => Value::new(&json).map_err(|error| error.to_string()),
            Err(_) => Ok(Value::text(text)),
        }
    }

    /// The version to go back to, with its value, and the one to start from.
    fn goal(&self) -> Result<(Version, Value, Version), String> {
        let now = self.history.current()?;
        let to: u64 = self
            .text(SECOND)
            .trim_start_matches('v')
            .parse()
            .map_err(|_| "the version is a number, such as 3".to_owned())?;
        let value = self.history.value_of(Version(to))?;
        if now.version == Version(to) {
            return Err(format!("v{to} is the version that it has now"));
        }
        Ok((Version(to), value, now.version))
    }

    fn send(&self, board: &Board) -> Came {
        let (step, done) = match self.command(board) {
            Ok(made) => made,
            Err(why) => return Came::Lacks(why),
        };
        let last = self.texts.len().saturating_sub(1);
        let reason = Arc::from(self.text(last));
        Came::Send(Box::new(Command::Override(Override { step, reason })), done)
    }

    fn command(&self, board: &Board) -> Result<(OverrideVerb, String), String> {
        let gone = || "there is nothing left to do this to".to_owned();
        Ok(match &self.plan {
            Plan::Freeze(list) => {
                let entity = list.first().ok_or_else(gone)?.clone();
                if board.frozen.contains_key(&entity) {
                    let done = format!("{entity} is free again");
                    (OverrideVerb::Unfreeze { entity }, done)
                } else {
                    let done = format!("{entity} is frozen");
                    (OverrideVerb::Freeze { entity }, done)
                }
            }
            Plan::Pause(list) => {
                let agent = list.first().ok_or_else(gone)?.clone();
                if is_paused(board, &agent) {
                    let done = format!("{agent} goes on");
                    (OverrideVerb::Resume { agent }, done)
                } else {
                    let done = format!("{agent} is paused");
                    (OverrideVerb::Pause { agent }, done)
                }
            }
            Plan::Unlock(list) => {
                let lease = *list.first().ok_or_else(gone)?;
                (OverrideVerb::Unlock { lease }, format!("lease {lease} is ended; its token is void"))
            }
            Plan::Set => {
                let path = self.read_path()?.ok_or_else(gone)?;
                let (value, expected) = (self.value()?, self.history.start()?);
                let done = format!("{path} is set");
                (OverrideVerb::Set { path, value, expected }, done)
            }
            Plan::Revert => {
                let path = self.read_path()?.ok_or_else(gone)?;
                let (to, value, expected) = self.goal()?;
                let done = format!("{path} has the value of v{to} again");
                (OverrideVerb::Revert { path, to, value, expected }, done)
            }
        })
    }
}

fn rotate<T>(list: &mut [T], forward: bool) {
    if forward { list.rotate_left(1) } else { list.rotate_right(1) }
}

fn is_paused(board: &Board, agent: &AgentId) -> bool {
    board.agents.get(agent).is_some_and(|facts| facts.paused.is_some())
}

/// The texts that a plan needs; the reason is always the last.
fn texts(plan: &Plan, path: Option<&FieldPath>) -> Vec<Text> {
    let text = |label, text: &str, missing| Text { label, prompt: Prompt::with_text(text), missing };
    let path = path.map(ToString::to_string).unwrap_or_default();
    let path = || text("field", &path, "say which field: such as crm/contact/acme#status");
    let mut texts = match plan {
        Plan::Freeze(_) | Plan::Pause(_) | Plan::Unlock(_) => Vec::new(),
        Plan::Set => vec![path(), text("value", "", "say what it is set to; null empties it")],
        Plan::Revert => vec![path(), text("version", "", "say which version it goes back to: its number")],
    };
    texts.push(text("why", "", "a reason is needed: say in a sentence what was done, or why"));
    texts
}
