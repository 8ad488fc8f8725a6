//! Something about to be done about a conflict: a reason where one is needed, what will be true afterwards, and a button
//! that has to be chosen, since the safe one is chosen first.

use std::sync::Arc;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::console::action::Action;
use crate::console::keymap::Context;
use crate::console::untrusted;
use crate::console::widgets::facts::fact;
use crate::console::widgets::modal::{Buttons, Frame};
use crate::console::widgets::prompt::Prompt;
use crate::console::widgets::{Look, cells, put, put_at, put_lines, width};
use crate::domain::command::{AlertStep, AlertVerb, Command};
use crate::domain::ids::AlertNo;
use crate::domain::state::Board;
use crate::domain::things::Alert;

/// Outer width of the box.
const WIDTH: u16 = 76;
/// Cells of the labels in the box.
const LABEL: usize = 9;

/// What is about to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Plan {
    Resolve,
    Escalate,
}

/// A step in the making.
#[derive(Debug)]
pub(super) struct Step {
    alert: AlertNo,
    title: String,
    plan: Plan,
    reason: Prompt,
    /// The reason is being typed.
    typing: bool,
    buttons: Buttons,
}

/// What came of a key.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Came {
    /// It goes on.
    On,
    /// It was given up.
    Closed,
    /// Something is missing, in words.
    Lacks(&'static str),
    /// It is to be sent; the words are for when it is done.
    Send(Box<Command>, String),
}

impl Step {
    fn new(alert: &Alert, title: String, plan: Plan, button: &str) -> Self {
        let typing = plan != Plan::Escalate;
        let buttons = Buttons::safe_first(["cancel", button]);
        Self { alert: alert.no, title, plan, reason: Prompt::default(), typing, buttons }
    }

    /// Resolves the alert, with a note.
    pub(super) fn resolve(alert: &Alert) -> Self {
        Self::new(alert, format!("Resolve {} #{}", alert.kind.as_str(), alert.no), Plan::Resolve, "resolve")
    }

    /// Sends the alert to the inbox.
    pub(super) fn escalate(alert: &Alert) -> Self {
        let title = format!("Send {} #{} to the inbox", alert.kind.as_str(), alert.no);
        Self::new(alert, title, Plan::Escalate, "send")
    }

    /// Whose keys count now.
    pub(super) fn context(&self) -> Context {
        if self.typing { Context::Prompt } else { Context::Preview }
    }

    /// The actions for the hint line.
    pub(super) fn hints(&self) -> Vec<Action> {
        if self.typing {
            vec![Action::Submit, Action::Close]
        } else {
            vec![Action::NextPane, Action::Confirm, Action::Close]
        }
    }

    /// Takes a typed character.
    pub(super) fn key(&mut self, key: KeyEvent) {
        if self.typing {
            self.reason.key(key);
        }
    }

    /// Takes pasted text as text.
    pub(super) fn paste(&mut self, text: &str) {
        if self.typing {
            self.reason.paste(text);
        }
    }

    /// Does what an action asks for.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a box knows no other action")]
    pub(super) fn act(&mut self, action: Action) -> Came {
        match action {
            Action::Close => return Came::Closed,
            Action::Submit if self.reason.text().trim().is_empty() => {
                return Came::Lacks("a reason is needed: say in a sentence what was done, or why");
            }
            Action::Submit => self.typing = false,
            Action::NextPane => self.buttons.step(true),
            Action::PreviousPane => self.buttons.step(false),
            Action::Confirm if self.buttons.chosen() == 0 => return Came::Closed,
            Action::Confirm => {
                let (command, done) = self.command();
                return Came::Send(Box::new(command), done);
            }
            _ => {}
        }
        Came::On
    }

    fn command(&self) -> (Command, String) {
        let reason: Arc<str> = Arc::from(self.reason.text().trim());
        let no = self.alert;
        let alert = |step, note| Command::Alert(AlertStep { alert: no, step, note });
        match &self.plan {
            Plan::Resolve => {
                (alert(AlertVerb::Resolve, Some(Arc::clone(&reason))), format!("alert #{no} is resolved"))
            }
            Plan::Escalate => (alert(AlertVerb::Escalate, None), format!("alert #{no} is in the inbox")),
        }
    }

    /// What will be true afterwards, in words.
    fn consequences(&self, board: &Board) -> Vec<(&'static str, String)> {
        match &self.plan {
            Plan::Resolve => vec![
                ("then", "it leaves the list; the note stays with it, under your name".to_owned()),
                ("again", "the same conflict would open a new alert".to_owned()),
            ],
            Plan::Escalate => {
                let queue = board.map.first_queue();
                let names: Vec<String> = queue.reviewers().map(ToString::to_string).collect();
                let who = format!(
                    "{}, answered by {} within {}",
                    queue.name,
                    names.join(" or "),
                    queue.sla.rough()
                );
                vec![("then", "it becomes a decision that a named person owes".to_owned()), ("queue", who)]
            }
        }
    }

    /// Draws the box; the result is where the terminal's cursor belongs.
    pub(super) fn draw(
        &self,
        buffer: &mut Buffer,
        screen: Rect,
        look: Look<'_>,
        board: &Board,
    ) -> Option<Position> {
        let theme = look.theme;
        let wide = usize::from(WIDTH.min(screen.width).saturating_sub(4)).saturating_sub(LABEL);
        let mut lines: Vec<Line<'static>> = Vec::new();
        for (label, words) in self.consequences(board) {
            lines.extend(fact(
                look,
                label,
                LABEL,
                untrusted::wrap(&words, wide, 3, theme.base, theme.escaped),
            ));
        }
        let reasoned = self.plan != Plan::Escalate;
        let title = untrusted::fit(&self.title, usize::from(WIDTH) - 8);
        let rows = cells(lines.len()) + if reasoned { 4 } else { 2 };
        let inner = Frame { title: &title, width: WIDTH }.draw(buffer, screen, look, rows);
        let used = put_lines(buffer, Rect { height: inner.height.saturating_sub(2), ..inner }, &lines);
        let mut cursor = None;
        if reasoned {
            let at = (used + 1).min(inner.height);
            let row = Rect { y: inner.y + at, height: 1.min(inner.height - at), ..inner };
            let label = if self.plan == Plan::Resolve { "note     " } else { "why      " };
            cursor = self.reason.draw(buffer, row, look, label).filter(|_| self.typing);
        }
        let last = inner.height.saturating_sub(1);
        if self.typing {
            let next = format!("{} goes on to what it will do; nothing is sent yet", look.glyphs.enter);
            put(buffer, inner, last, &Line::from(Span::styled(next, theme.muted)));
        } else {
            let line = self.buttons.line(look, true);
            put_at(buffer, inner, last, inner.width.saturating_sub(cells(width(&line))), &line);
        }
        cursor
    }
}
