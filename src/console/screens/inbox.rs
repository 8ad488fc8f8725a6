//! The Inbox: the daily review. The list at the left, the whole case at the right; nothing needs a second screen to decide.
//!
//! Here are the state and what keys do; `rows` draws the list, `case` the case, `answer` is an answer being given, `review`
//! goes through the cases one at a time. Whether an answer may be given is decided by the server; this screen only keeps
//! people from sending what was not shown.

mod acts;
mod answer;
mod answer_text;
mod answer_view;
mod case;
mod draw;
mod fields;
mod kind;
mod material;
mod review;
mod rows;
mod session;
mod sheet;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use self::answer::Answering;
use self::kind::Kind;
use self::review::Review;
use self::sheet::Sheet;
use super::{Areas, Badge, Screen, Want};
use crate::console::action::Action;
use crate::console::ask::{Told, Trouble, What};
use crate::console::keymap::Context;
use crate::console::message::Pace;
use crate::console::place::{Spot, View};
use crate::console::under::Under;
use crate::console::widgets::Look;
use crate::console::widgets::chrome::Tone;
use crate::console::widgets::list::ListState;
use crate::console::widgets::picker::Picker;
use crate::console::widgets::prompt::Prompt;
use crate::console::widgets::scroll::Scroll;
use crate::console::world::World;
use crate::domain::command::{Command, ItemStep, ItemVerb, ReviewVerb};
use crate::domain::deed::Deed;
use crate::domain::ids::{ItemNo, PersonId, QueueName, Seq};
use crate::domain::things::Item;

/// Deeds of evidence kept for showing.
const EVIDENCE_KEPT: usize = 2048;

/// What lies over the view.
#[derive(Debug)]
enum Over {
    /// An answer being given.
    Answer(Box<Answering>),
    /// Handing an item to somebody else.
    Reassign { item: ItemNo, picker: Picker<PersonId> },
    /// Something to read.
    Sheet(Sheet),
}

/// What an answer from the server will be about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sent {
    /// A decision, with the words for when it is done.
    Step { item: ItemNo, done: String, answers: Option<Kind> },
    /// Deeds to show.
    Evidence,
    /// A step of a review; a start that is to be followed by its end, where nothing waits.
    Session { queue: QueueName, step: ReviewVerb, then_end: bool },
}

/// The Inbox.
#[derive(Debug, Default)]
pub struct Inbox {
    list: ListState,
    /// The items that are shown, most urgent first.
    order: Vec<ItemNo>,
    /// The item that keys act on, with the version that is shown.
    focus: Option<(ItemNo, u64)>,
    /// How many wait of each likeness.
    alike: BTreeMap<Arc<str>, usize>,
    needs: rows::Needs,
    marks: BTreeSet<ItemNo>,
    filter: String,
    /// The filter being typed.
    prompt: Option<Prompt>,
    over: Option<Over>,
    review: Option<Review>,
    /// The queues whose session is recorded as begun, and not as ended.
    sessions: Vec<QueueName>,
    /// Lines by which the case is scrolled.
    scroll: Scroll,
    /// Where there is room for the list alone: whether the case is open over it.
    opened: bool,
    epoch: u64,
    sent: BTreeMap<u64, Sent>,
    next_tag: u64,
    evidence: BTreeMap<Seq, Arc<Deed>>,
    /// Deeds that were asked for, so that they are asked for once.
    asked: BTreeSet<Seq>,
    /// Answered in this session, latest last.
    answered: Vec<ItemNo>,
}

impl Inbox {
    /// The item that keys act on.
    fn focused<'a>(&self, world: &'a World) -> Option<&'a Arc<Item>> {
        let (no, _) = self.focus?;
        world.board.as_ref()?.items.get(&no)
    }

    /// Puts the focus where the list or the review is; says with the epoch if that is another case, or a changed one.
    fn settle(&mut self, world: &World) {
        let no = match &self.review {
            Some(review) => review.current(),
            None => self.list.selected().and_then(|at| self.order.get(at).copied()),
        };
        let item = no.and_then(|no| world.board.as_ref()?.items.get(&no));
        let focus = item.map(|item| (item.no, item.version));
        if focus != self.focus {
            if focus.map(|focus| focus.0) != self.focus.map(|focus| focus.0) {
                self.scroll.to_top();
            }
            self.focus = focus;
            self.epoch += 1;
        }
    }

    /// Sorts what is shown, and keeps the reader on their case while it is there.
    fn sort(&mut self, world: &World) {
        let Some(board) = &world.board else { return };
        self.needs = rows::Needs::of(board);
        self.alike.clear();
        for item in board.items.values() {
            *self.alike.entry(Arc::clone(&item.alike)).or_insert(0) += 1;
        }
        let words: Vec<String> = self.filter.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let mut shown: Vec<&Arc<Item>> =
            board.items.values().filter(|item| rows::matches(item, &words)).collect();
        shown.sort_by_key(|item| (item.due, item.no));
        self.order = shown.iter().map(|item| item.no).collect();
        self.list.set_len(self.order.len());
        if let Some((no, _)) = self.focus
            && let Some(at) = self.order.iter().position(|shown| *shown == no)
        {
            self.list.select(at);
        }
        self.marks.retain(|no| board.items.contains_key(no));
    }

    /// Asks for the deeds that led to the case, where they did not come by lately.
    fn fetch(&mut self, world: &World) -> Vec<Want> {
        let Some(item) = self.focused(world) else { return Vec::new() };
        let missing: Vec<Seq> = case::deeds(item)
            .filter(|seq| world.recent_deed(*seq).is_none() && !self.evidence.contains_key(seq))
            .filter(|seq| !self.asked.contains(seq))
            .collect();
        if missing.is_empty() {
            return Vec::new();
        }
        self.asked.extend(&missing);
        vec![self.ask(Sent::Evidence, What::Deeds(missing))]
    }

    fn ask(&mut self, sent: Sent, what: What) -> Want {
        self.next_tag += 1;
        self.sent.insert(self.next_tag, sent);
        Want::Ask { tag: self.next_tag, what }
    }

    fn step(&mut self, item: ItemNo, step: ItemVerb, done: String) -> Want {
        let command = Command::Item(ItemStep { item, step });
        self.ask(Sent::Step { item, done, answers: None }, What::Command(Box::new(command)))
    }
}

impl Screen for Inbox {
    fn view(&self) -> View {
        View::Inbox
    }

    fn context(&self) -> Context {
        match &self.over {
            Some(Over::Answer(answering)) => answering.context(),
            Some(Over::Reassign { .. }) => Context::Picker,
            Some(Over::Sheet(_)) => Context::Preview,
            None if self.prompt.is_some() => Context::Prompt,
            None => Context::Inbox,
        }
    }

    fn hints(&self, world: &World) -> Vec<Action> {
        match &self.over {
            Some(Over::Answer(answering)) => return answering.hints(),
            Some(Over::Reassign { .. }) => {
                return vec![Action::Submit, Action::NextSuggestion, Action::Close];
            }
            Some(Over::Sheet(_)) => return vec![Action::Down, Action::Close],
            None => {}
        }
        if self.prompt.is_some() {
            return vec![Action::Submit, Action::Close];
        }
        let Some(item) = self.focused(world) else { return vec![Action::Undo, Action::ViewLog] };
        let mut hints = if item.case.is_approval() {
            vec![Action::Approve, Action::ApproveEdited, Action::Reject]
        } else {
            vec![Action::Expand, Action::Handle, Action::OutOfScope]
        };
        hints.push(if item.claimed_by.is_some() { Action::Release } else { Action::Claim });
        if self.review.is_some() {
            hints.extend([Action::NextMatch, Action::Close]);
        } else {
            hints.extend([Action::Mark, Action::Review, Action::Filter]);
        }
        if !self.answered.is_empty() {
            hints.push(Action::Undo);
        }
        hints
    }

    fn badge(&self, world: &World) -> Badge {
        let Some(board) = &world.board else { return Badge::default() };
        Badge { count: Some(board.items.len()), attention: board.items.values().any(|item| item.overdue) }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are somebody else's")]
    fn act(&mut self, action: Action, world: &World) -> Vec<Want> {
        if self.over.is_some() {
            return self.act_over(action, world);
        }
        if self.prompt.is_some() {
            self.act_on_prompt(action, world);
            return Vec::new();
        }
        let wants = match action {
            Action::Expand => self.begin(Kind::Expand, world),
            Action::Handle => self.begin(Kind::Handle, world),
            Action::OutOfScope => self.begin(Kind::OutOfScope, world),
            Action::Approve => self.begin(Kind::Approve, world),
            Action::ApproveEdited => self.begin(Kind::ApproveEdited, world),
            Action::Reject => self.begin(Kind::Reject, world),
            Action::Undo => self.begin_undo(world),
            Action::Review => self.toggle_review(world),
            Action::Filter => {
                self.prompt = Some(Prompt::with_text(&self.filter));
                Vec::new()
            }
            Action::Mark | Action::MarkAlike | Action::ClearMarks => {
                self.mark(action, world);
                Vec::new()
            }
            Action::Open => {
                self.opened = true;
                Vec::new()
            }
            Action::Close => self.close(world),
            Action::ScrollDown => {
                self.scroll.by(1);
                Vec::new()
            }
            Action::ScrollUp => {
                self.scroll.by(-1);
                Vec::new()
            }
            Action::NextMatch | Action::PreviousMatch => {
                self.neighbour(action == Action::NextMatch);
                Vec::new()
            }
            other if self.review.is_none() && self.list.apply(other) => Vec::new(),
            other => self.act_on_focus(other, world),
        };
        self.settle(world);
        wants.into_iter().chain(self.fetch(world)).collect()
    }

    fn text(&mut self, key: KeyEvent, world: &World) -> Vec<Want> {
        match &mut self.over {
            Some(Over::Answer(answering)) => answering.text(key),
            Some(Over::Reassign { picker, .. }) => picker.key(key),
            Some(Over::Sheet(_)) => {}
            None => {
                if let Some(prompt) = &mut self.prompt
                    && prompt.key(key)
                {
                    prompt.text().clone_into(&mut self.filter);
                    self.sort(world);
                    self.settle(world);
                }
            }
        }
        Vec::new()
    }

    fn paste(&mut self, text: &str, world: &World) -> Vec<Want> {
        match (&mut self.over, &mut self.prompt) {
            (Some(Over::Answer(answering)), _) => answering.paste(text),
            (Some(Over::Reassign { picker, .. }), _) => picker.paste(text),
            (None, Some(prompt)) => {
                prompt.paste(text);
                prompt.text().clone_into(&mut self.filter);
                self.sort(world);
                self.settle(world);
            }
            (Some(Over::Sheet(_)) | None, _) => {
                return vec![Want::Say(
                    Tone::Warning,
                    "pasted text never decides; nothing was done".to_owned(),
                )];
            }
        }
        Vec::new()
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are somebody else's")]
    fn mouse(&mut self, event: MouseEvent, areas: Areas, world: &World) -> Vec<Want> {
        let list = rows::list_area(areas.body, self.needs, self.filter_row());
        let inside = list.contains(Position { x: event.column, y: event.row });
        match event.kind {
            MouseEventKind::ScrollDown if inside => self.list.move_by(1),
            MouseEventKind::ScrollUp if inside => self.list.move_by(-1),
            MouseEventKind::ScrollDown => self.scroll.by(1),
            MouseEventKind::ScrollUp => self.scroll.by(-1),
            MouseEventKind::Down(MouseButton::Left) if inside => {
                if let Some(row) = self.list.row_at(event.row - list.y) {
                    self.list.select(row);
                }
            }
            _ => {}
        }
        self.settle(world);
        self.fetch(world)
    }

    fn refresh(&mut self, world: &World) -> Vec<Want> {
        self.sort(world);
        if let (Some(review), Some(board)) = (&mut self.review, &world.board) {
            review.refresh(board, world.now);
        }
        let ended = self.end_review_when_over(world);
        self.settle(world);
        ended.into_iter().chain(self.fetch(world)).collect()
    }

    fn is_open(&self) -> bool {
        self.review.is_some() || self.opened || !self.marks.is_empty() || !self.filter.is_empty()
    }

    fn reset(&mut self) {
        let epoch = self.epoch + 1;
        *self = Self { epoch, next_tag: self.next_tag, ..Self::default() };
    }

    fn told(&mut self, tag: u64, result: Result<Told, Trouble>, world: &World) -> Vec<Want> {
        let Some(sent) = self.sent.remove(&tag) else { return Vec::new() };
        match (sent, result) {
            (Sent::Evidence, Ok(Told::Deeds(deeds))) => {
                self.evidence.extend(deeds.into_iter().map(|deed| (deed.seq, deed)));
                while self.evidence.len() > EVIDENCE_KEPT {
                    self.evidence.pop_first();
                }
                Vec::new()
            }
            (Sent::Evidence, _) => Vec::new(),
            (Sent::Session { queue, step, then_end }, Ok(Told::Reply(reply))) if reply.is_done() => {
                self.session_done(queue, step, then_end)
            }
            (Sent::Session { queue, .. }, Ok(Told::Reply(reply))) => {
                self.session_refused(&queue, reply.message.as_deref().unwrap_or("it was refused"))
            }
            (Sent::Session { queue, .. }, Err(trouble)) => self.session_refused(&queue, &trouble.what),
            (Sent::Session { queue, .. }, Ok(_)) => self.session_refused(&queue, "no answer came"),
            (Sent::Step { item, done, answers }, Ok(Told::Reply(reply))) if reply.is_done() => {
                if let Some(kind) = answers {
                    self.answered.push(item);
                    if let Some(review) = &mut self.review {
                        review.answered(item, kind);
                    }
                }
                let mut wants = self.end_review_when_over(world);
                self.settle(world);
                wants.push(Want::Say(Tone::Done, done));
                wants
            }
            (Sent::Step { item, .. }, Ok(Told::Reply(reply))) => {
                let why = reply.message.as_deref().unwrap_or("it was refused");
                let next = reply.next.as_deref().map(|next| format!("; {next}")).unwrap_or_default();
                Want::fail(format!("#{item}: {why}{next}"))
            }
            (
                Sent::Step { item, .. },
                Ok(
                    Told::Deeds(_)
                    | Told::Page(_)
                    | Told::Histogram(_)
                    | Told::Chain(_)
                    | Told::Activity(_)
                    | Told::Words(_)
                    | Told::Then(..)
                    | Told::Looked(_)
                    | Told::Plan(_)
                    | Told::Exported { .. },
                ),
            ) => Want::fail(format!("#{item}: no answer came")),
            (Sent::Step { item, .. }, Err(trouble)) => {
                Want::fail(format!("#{item}: {}; {}", trouble.what, trouble.next))
            }
        }
    }

    fn enter(&mut self, spot: Option<&Spot>, world: &World) -> Vec<Want> {
        if let Some(Spot::Item(no)) = spot {
            self.filter.clear();
            self.sort(world);
            match self.order.iter().position(|shown| shown == no) {
                Some(at) => self.list.select(at),
                None => return vec![Want::Say(Tone::Info, format!("#{no} is answered; it is in the log"))],
            }
        }
        self.settle(world);
        self.fetch(world)
    }

    fn under(&self, world: &World) -> Under {
        let (Some(item), Some(board)) = (self.focused(world), &world.board) else { return Under::default() };
        let on =
            item.case.alert().and_then(|alert| board.alerts.get(&alert)).and_then(|alert| alert.on.clone());
        Under::default()
            .path(on)
            .path(case::field(item))
            .entity(item.subject.as_ref())
            .agent(item.raised_by.agent())
            .agent(case::agent(item))
            .with_leases(board, world.now)
    }

    fn spot(&self) -> Option<Spot> {
        self.focus.map(|(no, _)| Spot::Item(no))
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn pace(&self) -> Pace {
        if self.review.is_some() { Pace::Second } else { Pace::Minute }
    }

    fn draw(&self, buffer: &mut Buffer, areas: Areas, look: Look<'_>, world: &World) -> Option<Position> {
        let cursor = self.draw_view(buffer, areas.body, look, world);
        match &self.over {
            None => cursor,
            Some(Over::Answer(answering)) => answering.draw(buffer, areas.screen, look, world),
            Some(Over::Reassign { picker, .. }) => picker.draw(buffer, areas.screen, look),
            Some(Over::Sheet(sheet)) => {
                sheet.draw(buffer, areas.screen, look);
                None
            }
        }
    }
}
