//! A box for what concerns who decides: taking a case from whoever has it, going away, coming back. What will be true
//! afterwards is said, and the button has to be chosen, since the safe one is chosen first.

use std::sync::Arc;

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::action::Action;
use super::kept::Kept;
use super::keymap::Context;
use super::overriding::Came;
use super::widgets::Look;
use super::widgets::facts::Facts;
use super::widgets::form::{Field, Form, Pressed};
use super::widgets::prompt::Insert;
use super::words;
use super::world::Me;
use crate::domain::command::{AwayStep, AwayVerb, Command, ItemStep, ItemVerb};
use crate::domain::ids::{ItemNo, PersonId};
use crate::domain::rule::reviewer;
use crate::domain::state::Board;
use crate::domain::things::Until;
use crate::domain::time::Time;

/// Labels of the fields.
const WHY: &str = "why";
const UNTIL: &str = "until";
const NOTE: &str = "note";

/// What is about to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    TakeOver(ItemNo),
    Leave,
    Return,
}

/// The box.
#[derive(Debug)]
pub struct Desk {
    plan: Plan,
    form: Form,
    /// What it is about.
    about: String,
}

impl Desk {
    /// A case is taken from whoever has it.
    pub fn take_over(item: ItemNo) -> Self {
        let form = Form::new(vec![Field::reason(WHY)], "take over");
        Self { plan: Plan::TakeOver(item), form, about: format!("Take over #{item}") }
    }

    /// This person goes away; who is away comes back.
    pub fn away(board: &Board, me: &Me, now: Time) -> Self {
        let note = Field::optional(NOTE, "what others should know");
        if board.absence(&me.person, now).is_some() {
            let mut form = Form::new(vec![note], "I am back");
            form.go_to(NOTE);
            return Self { plan: Plan::Return, form, about: "Come back".to_owned() };
        }
        let until = Field::optional(UNTIL, "I am back; or a day, a time, 3d");
        let mut form = Form::new(vec![until, note], "go away");
        form.go_to(UNTIL);
        Self { plan: Plan::Leave, form, about: "Go away".to_owned() }
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
    pub fn act(&mut self, action: Action) -> Came {
        match self.form.act(action) {
            Pressed::Closed => Came::Closed,
            Pressed::Lacks(missing) => Came::Lacks(missing.to_owned()),
            Pressed::On => Came::On,
            Pressed::Confirmed => self.send(),
        }
    }

    fn send(&mut self) -> Came {
        let until = match self.until() {
            Ok(until) => until,
            Err(why) => {
                self.form.go_to(UNTIL);
                return Came::Lacks(why);
            }
        };
        let note = || Some(self.form.text(NOTE)).filter(|note| !note.is_empty()).map(Arc::from);
        let away = |step| Command::Away(AwayStep { person: None, step, note: note() });
        let (command, done) = match self.plan {
            Plan::TakeOver(item) => {
                let step = ItemVerb::TakeOver { reason: Arc::from(self.form.text(WHY)) };
                (Command::Item(ItemStep { item, step }), format!("#{item} is yours"))
            }
            Plan::Leave => (away(AwayVerb::Leave { until }), "you are away; deputies answer".to_owned()),
            Plan::Return => (away(AwayVerb::Return), "you are back".to_owned()),
        };
        Came::Send(Box::new(command), done)
    }

    /// Until when, where that was typed.
    fn until(&self) -> Result<Option<Until>, String> {
        match (self.plan, self.form.text(UNTIL)) {
            (Plan::TakeOver(_) | Plan::Return, _) | (Plan::Leave, "") => Ok(None),
            (Plan::Leave, text) => text.parse().map(Some),
        }
    }

    /// What the box says beside its fields, in an area as wide as this one.
    pub(in crate::console) fn lines(
        &self,
        look: Look<'_>,
        area: Rect,
        (board, me, now): (&Board, &Me, Time),
    ) -> Vec<Line<'static>> {
        let mut facts = self.form.facts(look, area);
        match self.plan {
            Plan::TakeOver(item) => taking_over(&mut facts, board, item, now),
            Plan::Leave => leaving(&mut facts, board, &me.person),
            Plan::Return => facts.say("then", "what waits in your queues is yours to answer as before"),
        }
        facts.lines
    }
}

fn taking_over(facts: &mut Facts<'_>, board: &Board, item: ItemNo, now: Time) {
    let Some(item) = board.items.get(&item) else { return facts.say("then", "it was answered meanwhile") };
    if let Some(by) = reviewer::claimant(&board.map, item, now) {
        let until =
            item.claim_until.map(|until| format!(" until {}", words::clock(facts.look.zone, until, now)));
        facts.say("now", &format!("claimed by {by}{}", until.unwrap_or_default()));
    }
    let half_hour = reviewer::CLAIM_LASTS.rough();
    facts.say("then", &format!("it is yours for {half_hour}; the reason is recorded"));
}

fn leaving(facts: &mut Facts<'_>, board: &Board, person: &PersonId) {
    facts.say("then", "deputies answer at once in your queues, not from half of the time on");
    let model = board.map.model();
    for queue in model.queues.iter().filter(|queue| queue.owner == *person) {
        let names: Vec<&str> = queue.deputies.iter().map(PersonId::as_str).collect();
        let who = if names.is_empty() {
            "nobody else is named; the governance owner and admins answer".to_owned()
        } else {
            names.join(", ")
        };
        facts.say("queue", &format!("{}: {who}", queue.name));
    }
}
