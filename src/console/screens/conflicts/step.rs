//! Something about to be done about a conflict: a note where one is needed, and what will be true afterwards.

use std::sync::Arc;

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::widgets::Look;
use crate::console::widgets::form::{Field, Form};
use crate::domain::command::{AlertStep, AlertVerb, Command};
use crate::domain::ids::AlertNo;
use crate::domain::rule::route;
use crate::domain::state::Board;
use crate::domain::things::Alert;

/// A step in the making.
#[derive(Debug)]
pub(super) struct AlertBox {
    alert: AlertNo,
    pub(super) title: String,
    verb: AlertVerb,
    pub(super) form: Form,
}

impl AlertBox {
    /// Resolves the alert, with a note.
    pub(super) fn resolve(alert: &Alert) -> Self {
        let title = format!("Resolve {} #{}", alert.kind.as_str(), alert.no);
        let form = Form::new(vec![Field::reason("note")], "resolve");
        Self { alert: alert.no, title, verb: AlertVerb::Resolve, form }
    }

    /// Sends the alert to the inbox.
    pub(super) fn escalate(alert: &Alert) -> Self {
        let title = format!("Send {} #{} to the inbox", alert.kind.as_str(), alert.no);
        let form = Form::new(Vec::new(), "send");
        Self { alert: alert.no, title, verb: AlertVerb::Escalate, form }
    }

    /// What is sent, and the words for when it is done.
    pub(super) fn command(&self) -> (Command, String) {
        let note = Some(self.form.text("note")).filter(|note| !note.is_empty()).map(Arc::from);
        let done = match self.verb {
            AlertVerb::Escalate => "in the inbox",
            AlertVerb::Resolve | AlertVerb::Acknowledge => "resolved",
        };
        let step = AlertStep { alert: self.alert, step: self.verb, note };
        (Command::Alert(step), format!("alert #{} is {done}", self.alert))
    }

    /// What will be true afterwards, in lines for a box on such a screen.
    pub(super) fn lines(&self, screen: Rect, look: Look<'_>, board: &Board) -> Vec<Line<'static>> {
        let mut facts = self.form.facts(look, screen);
        if self.verb == AlertVerb::Escalate {
            let alert = board.alerts.get(&self.alert);
            let queue =
                alert.map_or_else(|| board.map.first_queue(), |alert| route::of_alert(&board.map, alert));
            let names: Vec<String> = queue.reviewers().map(ToString::to_string).collect();
            let (who, within) = (names.join(" or "), queue.sla.rough());
            facts.say("then", "it becomes a decision that a named person owes");
            facts.say("queue", &format!("{}, answered by {who} within {within}", queue.name));
        } else {
            facts.say("then", "it leaves the list; the note stays with it, under your name");
            facts.say("again", "the same conflict would open a new alert");
        }
        facts.lines
    }
}
