//! Something that a person is about to override: freeze or unfreeze, pause or resume, set, revert, unlock. A reason is needed,
//! what will be true afterwards is said, and the button has to be chosen, since the safe one is chosen first.
//!
//! Here are the state and what keys do; `view` draws the box. What was written so far of a field is asked of the ledger.

mod history;
#[cfg(test)]
mod tests;
mod view;

use std::sync::Arc;

use self::history::History;
use super::action::Action;
use super::kept::Kept;
use super::keymap::Context;
use super::under::Under;
use super::widgets::form::{Field, Form, Pressed};
use super::widgets::prompt::Insert;
use crate::domain::command::{Command, Override, OverrideVerb};
use crate::domain::deed::Deed;
use crate::domain::ids::{AgentId, Fence, Version};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::state::Board;
use crate::domain::things::{Allowance, Lasts};
use crate::domain::value::Value;

/// Labels of the fields.
const PATH: &str = "field";
const VALUE: &str = "value";
const VERSION: &str = "version";
const WHY: &str = "why";
/// How much may be kept for an agent, in MiB, open things and idempotency keys.
const MEASURES: [&str; 3] = ["MiB kept", "open", "keys"];
const MIB: u64 = 1024 * 1024;
/// For how long what is set is held.
const FOR: &str = "hold for";

/// Something that is stopped or let go on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Entity(EntityPath),
    Agent(AgentId),
    Lease(Fence),
    /// A field that a person holds.
    Held(FieldPath),
    /// Every agent.
    All,
}

/// What is overridden.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Intent {
    /// The first of these; where there are several, another can be turned to.
    Stop(Vec<Target>),
    Set,
    Revert,
    /// How much may be kept for an agent.
    Allow(AgentId),
}

/// What would be done to a target as it is now.
struct Wording {
    button: &'static str,
    title: String,
    verb: OverrideVerb,
    /// The words for when it is done.
    done: String,
}

impl Target {
    /// What it is called; every agent has no name.
    fn name(&self) -> Option<String> {
        match self {
            Self::Entity(entity) => Some(entity.to_string()),
            Self::Agent(agent) => Some(agent.to_string()),
            Self::Lease(fence) => Some(fence.to_string()),
            Self::Held(path) => Some(path.to_string()),
            Self::All => None,
        }
    }

    fn step(&self, board: &Board) -> Wording {
        let step = |button, title, verb, done| Wording { button, title, verb, done };
        match self.clone() {
            Self::Entity(entity) if board.frozen.contains_key(&entity) => {
                let (title, done) = (format!("Unfreeze {entity}"), format!("{entity} is free again"));
                step("unfreeze", title, OverrideVerb::Unfreeze { entity }, done)
            }
            Self::Entity(entity) => {
                let (title, done) = (format!("Freeze {entity}"), format!("{entity} is frozen"));
                step("freeze", title, OverrideVerb::Freeze { entity }, done)
            }
            Self::Agent(agent) if is_paused(board, &agent) => {
                let (title, done) = (format!("Let {agent} go on"), format!("{agent} goes on"));
                step("resume", title, OverrideVerb::Resume { agent }, done)
            }
            Self::Agent(agent) => {
                let (title, done) = (format!("Pause {agent}"), format!("{agent} is paused"));
                step("pause", title, OverrideVerb::Pause { agent }, done)
            }
            Self::All if board.halted.is_some() => {
                let (title, done) = ("Let every agent go on".to_owned(), "every agent goes on".to_owned());
                step("resume all", title, OverrideVerb::ResumeAll, done)
            }
            Self::All => {
                let (title, done) = ("Pause every agent".to_owned(), "every agent is paused".to_owned());
                step("pause all", title, OverrideVerb::PauseAll, done)
            }
            Self::Held(path) => {
                let (title, done) = (format!("Let go of {path}"), format!("{path} is its owner's again"));
                step("release", title, OverrideVerb::Release { path }, done)
            }
            Self::Lease(lease) => {
                let done = format!("lease {lease} is ended; its token is void");
                step("unlock", format!("End lease {lease}"), OverrideVerb::Unlock { lease }, done)
            }
        }
    }
}

/// An override in the making.
#[derive(Debug)]
pub struct Overriding {
    plan: Intent,
    form: Form,
    /// What it was begun for.
    about: String,
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

impl Overriding {
    /// Begins what an action asks for, on what lies under the cursor.
    ///
    /// # Errors
    /// Why there is nothing to do, in words.
    #[expect(clippy::wildcard_enum_match_arm, reason = "called with the actions that override")]
    pub fn begin(action: Action, under: &Under, board: &Board) -> Result<Self, String> {
        let first = under.paths.first();
        let (plan, what) = match action {
            Action::Freeze => {
                let mut entities: Vec<&EntityPath> = Vec::new();
                for path in under.paths.iter().map(|path| &path.entity) {
                    if !entities.contains(&path) {
                        entities.push(path);
                    }
                }
                (Intent::Stop(entities.into_iter().cloned().map(Target::Entity).collect()), "entity")
            }
            Action::Pause => {
                (Intent::Stop(under.agents.iter().cloned().map(Target::Agent).collect()), "agent")
            }
            Action::PauseAll => (Intent::Stop(vec![Target::All]), "agent"),
            Action::Unlock => {
                let live = under.leases.iter().filter(|fence| board.leases.contains_key(*fence));
                let leases = live.copied().map(Target::Lease);
                let targets = leases.chain(held(under, board).into_iter().map(Target::Held));
                (Intent::Stop(targets.collect()), "lease or held field")
            }
            Action::Allow => match under.agents.first() {
                Some(agent) => (Intent::Allow(agent.clone()), "agent"),
                None => return Err("no agent is under the cursor".to_owned()),
            },
            Action::Revert => (Intent::Revert, PATH),
            _ => (Intent::Set, PATH),
        };
        let nothing = match &plan {
            Intent::Stop(targets) => targets.is_empty(),
            Intent::Allow(_) => false,
            Intent::Set | Intent::Revert => first.is_none(),
        };
        if nothing {
            return Err(format!("no {what} is under the cursor"));
        }
        let form = Form::new(fields(&plan, first), "");
        let about = [Some(action.label().to_owned()), on(&plan, first)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ");
        let mut new = Self { plan, form, about, history: History::default() };
        // Where the field is not known the cursor is behind the entity.
        if first.is_some_and(|path| path.field.is_whole()) {
            new.form.go_to(PATH);
        }
        if let (Intent::Allow(_), [first, ..]) = (&new.plan, MEASURES) {
            new.form.go_to(first);
        }
        new.rename(board);
        Ok(new)
    }

    /// The button says what it would do to the chosen one as it is now.
    fn rename(&mut self, board: &Board) {
        let button = match &self.plan {
            Intent::Stop(_) => self.step(board).map_or("", |step| step.button),
            Intent::Set => "set",
            Intent::Revert => "revert",
            Intent::Allow(_) => "allow",
        };
        self.form.rename(button);
    }

    fn step(&self, board: &Board) -> Option<Wording> {
        let Intent::Stop(targets) = &self.plan else { return None };
        targets.first().map(|target| target.step(board))
    }

    /// Puts back what was typed before.
    pub fn resume(&mut self, kept: &Kept) {
        kept.resume(&self.about, &mut self.form);
    }

    /// The box, and what it is about.
    pub fn form(&self) -> (&str, &Form) {
        (&self.about, &self.form)
    }

    /// Whose keys count now.
    pub fn context(&self) -> Context {
        self.form.context()
    }

    /// The actions for the hint line.
    pub fn hints(&self) -> Vec<Action> {
        self.form.hints()
    }

    /// What an action does now.
    pub fn does(&self, action: Action) -> Option<String> {
        self.form.does(action)
    }

    /// Takes what is typed or pasted.
    pub fn insert(&mut self, insert: Insert<'_>) {
        self.form.insert(insert);
    }

    /// Does what an action asks for.
    pub fn act(&mut self, action: Action, board: &Board) -> Came {
        let (next, before) = (
            matches!(action, Action::NextSuggestion | Action::Down),
            matches!(action, Action::PreviousSuggestion | Action::Up),
        );
        if let Intent::Stop(targets) = &mut self.plan
            && targets.len() > 1
            && (next || before)
        {
            if next {
                targets.rotate_left(1);
            } else {
                targets.rotate_right(1);
            }
            self.rename(board);
            return Came::On;
        }
        match (self.form.act(action), self.read_path()) {
            (Pressed::Closed, _) => Came::Closed,
            (Pressed::Lacks(missing), _) => Came::Lacks(missing.to_owned()),
            (Pressed::On, Err(why)) if action == Action::Submit => {
                self.form.go_to(PATH);
                Came::Lacks(why)
            }
            (Pressed::On, _) => Came::On,
            (Pressed::Confirmed, _) => self.send(board),
        }
    }

    /// The field that is set or reverted, where one is asked for.
    fn read_path(&self) -> Result<Option<FieldPath>, String> {
        match self.plan {
            Intent::Stop(_) | Intent::Allow(_) => Ok(None),
            Intent::Set | Intent::Revert => {
                self.form.text(PATH).parse::<FieldPath>().map(Some).map_err(|error| error.to_string())
            }
        }
    }

    /// The field whose versions are to be asked for, once for each.
    pub fn wants(&mut self) -> Option<FieldPath> {
        // While the path is being typed nothing is asked for.
        let path = self.read_path().ok().flatten().filter(|_| !self.form.is_on(PATH))?;
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
        let text = self.form.text(VALUE);
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(json) => Value::new(&json).map_err(|error| error.to_string()),
            Err(_) => Ok(Value::text(text)),
        }
    }

    /// The version to go back to, with its value, and the one to start from.
    fn goal(&self) -> Result<(Version, Value, Version), String> {
        let now = self.history.current()?;
        let to: u64 = self
            .form
            .text(VERSION)
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
        match self.verb(board) {
            Ok((step, done)) => {
                let reason = Arc::from(self.form.text(WHY));
                match self.lasts() {
                    Ok(lasts) => {
                        Came::Send(Box::new(Command::Override(Override { step, reason, lasts })), done)
                    }
                    Err(why) => Came::Lacks(why),
                }
            }
            Err(why) => Came::Lacks(why),
        }
    }

    /// For how long it holds, where that was typed.
    fn lasts(&self) -> Result<Option<Lasts>, String> {
        match self.form.text(FOR).trim() {
            "" => Ok(None),
            text => text.parse().map(Some),
        }
    }

    /// How much may be kept beyond the settings, as typed; of what is empty, nothing.
    fn allowance(&self) -> Result<Allowance, String> {
        let typed = |label: &str| match self.form.text(label) {
            "" => Ok(None),
            text => match text.parse::<u64>() {
                Ok(count) => Ok(Some(count)),
                Err(_) => Err(format!("{label}: {text:?} is not a whole number")),
            },
        };
        let [mib, open, keys] = MEASURES.map(typed);
        Ok(Allowance { bytes: mib?.map(|mib| mib.saturating_mul(MIB)), open: open?, keys: keys? })
    }

    fn verb(&self, board: &Board) -> Result<(OverrideVerb, String), String> {
        let gone = || "there is nothing left to do this to".to_owned();
        match &self.plan {
            Intent::Stop(_) => self.step(board).map(|step| (step.verb, step.done)).ok_or_else(gone),
            Intent::Set => {
                let path = self.read_path()?.ok_or_else(gone)?;
                let (value, expected) = (self.value()?, self.history.start()?);
                let done = format!("{path} is set");
                Ok((OverrideVerb::Set { path, value, expected }, done))
            }
            Intent::Revert => {
                let path = self.read_path()?.ok_or_else(gone)?;
                let (to, value, expected) = self.goal()?;
                let done = format!("{path} has the value of v{to} again");
                Ok((OverrideVerb::Revert { path, to, value, expected }, done))
            }
            Intent::Allow(agent) => {
                let verb = OverrideVerb::Allow { agent: agent.clone(), allowance: self.allowance()? };
                Ok((verb, format!("what may be kept for {agent} is set")))
            }
        }
    }
}

/// What a plan is begun on, in words.
fn on(plan: &Intent, path: Option<&FieldPath>) -> Option<String> {
    match plan {
        Intent::Stop(targets) => targets.first().and_then(Target::name),
        Intent::Allow(agent) => Some(agent.to_string()),
        Intent::Set | Intent::Revert => path.map(ToString::to_string),
    }
}

/// What people hold of the fields under the cursor; of an entity all that is held.
fn held(under: &Under, board: &Board) -> Vec<FieldPath> {
    let mut held: Vec<FieldPath> = Vec::new();
    for path in &under.paths {
        let fields = board.held.get(&path.entity).into_iter().flatten();
        for field in fields.filter(|held| path.field.is_whole() || held.field == path.field) {
            let path = FieldPath::new(path.entity.clone(), field.field.clone());
            if !held.contains(&path) {
                held.push(path);
            }
        }
    }
    held
}

fn is_paused(board: &Board, agent: &AgentId) -> bool {
    board.agents.get(agent).is_some_and(|facts| facts.paused.is_some())
}

/// What a plan needs to be told; the reason is always the last.
fn fields(plan: &Intent, path: Option<&FieldPath>) -> Vec<Field> {
    let path = path.map(ToString::to_string).unwrap_or_default();
    let path = || Field::needed(PATH, &path, "say which field: such as crm/contact/acme#status");
    let mut fields = match plan {
        Intent::Stop(_) => Vec::new(),
        Intent::Allow(_) => MEASURES.map(|label| Field::optional(label, "as the settings say")).into(),
        Intent::Set => vec![path(), Field::needed(VALUE, "", "say what it is set to; null empties it")],
        Intent::Revert => {
            vec![path(), Field::needed(VERSION, "", "say which version it goes back to: its number")]
        }
    };
    if matches!(plan, Intent::Set | Intent::Revert) {
        fields.push(Field::optional(FOR, "24h; or a time, `released`, `none`"));
    }
    fields.push(Field::reason(WHY));
    fields
}
