//! The Inbox: the daily review. The list at the left, the whole case at the right; nothing needs a second screen to decide.
//!
//! Here are the state and what keys do; `rows` draws the list, `case` the case, `answer` is an answer being given, `review`
//! goes through the cases one at a time. Whether an answer may be given is decided by the server; this screen only keeps
//! people from sending what was not shown.

mod acts;
mod alike;
mod answer;
mod answer_text;
mod answer_view;
mod called;
mod case;
mod draw;
mod expected;
mod fields;
mod kind;
mod material;
mod review;
mod rows;
mod session;
mod sheet;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use crossterm::event::MouseEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use self::alike::{Groups, Stands};
use self::answer::{Answering, Question};
use self::kind::Kind;
use self::review::Review;
use self::sheet::Sheet;
use super::{Areas, Badge, Screen, Want};
use crate::console::action::Action;
use crate::console::ask::{Told, Trouble, What};
use crate::console::asking::{self, Asking, Fetched};
use crate::console::kept::Change;
use crate::console::keymap::Context;
use crate::console::message::Pace;
use crate::console::place::{Spot, View};
use crate::console::under::Under;
use crate::console::widgets::Look;
use crate::console::widgets::form::Form;
use crate::console::widgets::picker::Picker;
use crate::console::widgets::prompt::Insert;
use crate::console::widgets::reading::{Came, Moused, Reading};
use crate::console::world::World;
use crate::domain::command::{Command, ItemStep, ItemVerb, ReviewVerb};
use crate::domain::ids::{ItemNo, PersonId, QueueName};
use crate::domain::rule::order;
use crate::domain::state::Thing;
use crate::domain::things::Item;

/// Marked cases of which all is fetched.
const MARKED: usize = 64;
/// Answers of one's own that are remembered for undoing them.
const ANSWERED: usize = 64;

/// Said where there is nothing to act on; over as soon as there is.
pub(in crate::console) const NO_CASE: &str = "no case is selected";

/// What lies over the view.
#[derive(Debug)]
enum Over {
    /// An answer being given.
    Answer(Box<Answering>),
    /// Handing an item to somebody else.
    Reassign { item: ItemNo, picker: Box<Picker<PersonId>> },
    /// Something to read.
    Sheet(Sheet),
    /// What a review came to. Whatever else is wanted closes it.
    Card(Sheet),
}

/// What an answer from the server will be about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sent {
    /// A decision, with the words for when it is done.
    Decision { item: ItemNo, done: String, kind: Option<Kind>, about: String },
    /// Deeds to show.
    Evidence,
    /// What an answer would do.
    Preview(Box<Question>),
    /// A step of a review; a start that is to be followed by its end, where nothing waits.
    Session { queue: QueueName, step: ReviewVerb, then_end: bool },
}

/// The Inbox.
#[derive(Debug, Default)]
pub struct Inbox {
    reading: Reading<ItemNo>,
    /// The version of the case that is shown, and whether all of it is.
    version: Option<(u64, bool)>,
    /// The items that are shown, most urgent first.
    order: Vec<ItemNo>,
    /// What is folded together.
    alike: Groups,
    needs: rows::Needs,
    marks: BTreeSet<ItemNo>,
    over: Option<Over>,
    /// What was typed for answers that were not given.
    review: Option<Review>,
    /// The queues whose session is recorded as begun, and not as ended.
    sessions: Vec<QueueName>,
    asking: Asking<Sent>,
    evidence: Fetched,
    /// Answered in this session, latest last.
    answered: Vec<ItemNo>,
}

impl Inbox {
    /// The item that keys act on.
    fn focused<'a>(&self, world: &'a World) -> Option<&'a Arc<Item>> {
        world.board.as_ref()?.items.get(self.reading.focus()?)
    }

    /// Puts the focus where the list or the review is; says with the epoch if that is another case, or a changed one. The
    /// deeds that led to the case are asked for, where they did not come by lately.
    fn settle(&mut self, world: &World) -> Vec<Want> {
        let no = match &self.review {
            Some(review) => review.current(),
            None => self.reading.list.selected().and_then(|at| self.order.get(at).copied()),
        };
        let item = no.and_then(|no| world.board.as_ref()?.items.get(&no));
        let version = item.map(|item| (item.version, !world.is_cut(&Thing::Item(item.no))));
        if !self.reading.settle(item.map(|item| item.no)) && version != self.version {
            self.reading.changed();
        }
        self.version = version;
        if let (Some(review), Some(item), Some(board)) = (&mut self.review, item, &world.board) {
            review.expected.come_to(board, item);
        }
        let missing = item.and_then(|item| self.evidence.missing(world, case::deeds(item)));
        let evidence = missing.map(|what| self.asking.ask(Sent::Evidence, what));
        evidence.into_iter().chain(self.foresee(world)).collect()
    }

    /// Asks what the answer that is being given, or is expected, would do, one question at a time.
    fn foresee(&mut self, world: &World) -> Option<Want> {
        let question = match (&self.over, &self.review) {
            (Some(Over::Answer(answering)), _) => answering.next_question(world)?,
            (_, Some(review)) => review.expected.question(world)?,
            (_, None) => return None,
        };
        if self.asking.any(|sent| matches!(sent, Sent::Preview(_))) {
            return None;
        }
        let what = What::Preview(question.item, Box::new(question.answer.clone()));
        Some(self.asking.ask(Sent::Preview(Box::new(question)), what))
    }

    /// Sorts what is shown, and keeps the reader on their case while it is there.
    fn sort(&mut self, world: &World) {
        let Some(board) = &world.board else { return };
        self.needs = rows::Needs::of(board);
        let words = self.reading.words();
        let mut shown: Vec<&Arc<Item>> =
            board.items.values().filter(|item| rows::matches(item, &words)).collect();
        shown.sort_by_cached_key(|item| order::rank(board, item, &world.me.person, world.now));
        self.order = self.alike.fold(board, &shown, self.reading.focus().copied());
        let at = self.order.iter().position(|shown| Some(shown) == self.reading.focus());
        self.reading.place(self.order.len(), Some((shown.len(), board.items.len())), at);
        self.marks.retain(|no| board.items.contains_key(no));
    }

    fn step(&mut self, item: ItemNo, step: ItemVerb, done: String, kind: Option<Kind>) -> Want {
        let command = Command::Item(ItemStep { item, step });
        let about = kind.map(|kind| kind.about(item)).unwrap_or_default();
        self.asking.ask(Sent::Decision { item, done, kind, about }, What::Command(Box::new(command)))
    }
}

impl Screen for Inbox {
    fn view(&self) -> View {
        View::Inbox
    }

    fn context(&self) -> Context {
        match &self.over {
            Some(Over::Answer(answering)) => answering.form.context(),
            Some(Over::Reassign { .. }) => Context::Picker,
            Some(Over::Sheet(_)) => Context::Preview,
            None if self.review.is_some() => Context::Review,
            Some(Over::Card(_)) | None => self.reading.context(Context::Inbox),
        }
    }

    fn hints(&self, world: &World) -> Vec<Action> {
        use Action as A;
        match (&self.over, self.reading.hints()) {
            (Some(Over::Answer(answering)), _) => return answering.form.hints(),
            (Some(Over::Reassign { .. }), _) => return vec![A::Submit, A::NextSuggestion, A::Close],
            (Some(Over::Sheet(_) | Over::Card(_)), _) => return vec![A::Down, A::Close],
            (None, Some(typing)) => return typing,
            (None, None) => {}
        }
        let Some(item) = self.focused(world) else {
            let copy = world.first_request().map(|_| A::Copy);
            return copy.into_iter().chain([A::Undo, A::ViewLog]).collect();
        };
        let has_sides = world.board.as_ref().is_some_and(|board| fields::sides(board, item).is_some());
        let mut hints = kind::answers(&item.case, has_sides).to_vec();
        if let Some(review) = &self.review {
            hints.extend([A::Leave, A::NextMatch, A::Close, A::Reassign]);
            if review.expected.is_known() {
                hints.insert(0, A::Accept);
            }
        } else {
            hints.push(if item.claimed_by.is_some() { A::Release } else { A::Claim });
            hints.extend([A::Mark, A::Review]);
            match self.alike.stands(item) {
                Stands::Closed => hints.push(A::Right),
                Stands::Open | Stands::Under => hints.push(A::Left),
                Stands::Alone => {}
            }
            hints.push(A::Filter);
        }
        hints.extend(item.case.alert().map(|_| A::Replay));
        // In a review what was answered last says how it is undone.
        if !self.answered.is_empty() && self.review.is_none() {
            hints.push(A::Undo);
        }
        hints
    }

    fn does(&self, action: Action, world: &World) -> Option<String> {
        match (&self.over, action) {
            (None, Action::Right) if self.review.is_none() => {
                self.focused(world).map(|item| format!("show all {}", self.alike.members(item).len()))
            }
            (None, Action::Left) => Some("as one row".to_owned()),
            (Some(Over::Answer(answering)), _) => answering.form.does(action),
            (Some(Over::Reassign { .. }), Action::Submit) => Some("hand it on".to_owned()),
            (None, Action::Close) if self.review.is_some() => Some("end".to_owned()),
            (None, Action::NextMatch) if self.review.is_some() => Some("skip".to_owned()),
            (None, Action::Reassign) if self.review.is_some() => Some("hand on".to_owned()),
            (Some(Over::Reassign { .. } | Over::Sheet(_) | Over::Card(_)) | None, _) => None,
        }
    }

    fn badge(&self, world: &World) -> Badge {
        let Some(board) = &world.board else { return Badge::default() };
        Badge { count: Some(board.items.len()), attention: board.items.values().any(|item| item.overdue) }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Want> {
        if let Some(Over::Card(card)) = &mut self.over {
            if card.act(action) {
                return Vec::new();
            }
            self.over = None;
            // What lay under it was not seen.
            if action == Action::Close || action.decides() {
                return self.settle(world);
            }
        }
        if self.over.is_some() {
            let wants = self.act_over(action, world);
            return wants.into_iter().chain(self.foresee(world)).collect();
        }
        // In a review the list stands still, and marks are taken away before the filter is.
        let scrolls = matches!(action, Action::ScrollDown | Action::ScrollUp);
        let marks = action == Action::Close && !self.marks.is_empty() && !self.reading.panes.is_over();
        let came =
            if marks || self.review.is_some() && !scrolls { Came::Other } else { self.reading.act(action) };
        let mut wants = match came {
            Came::Moved => Vec::new(),
            Came::Other => self.act_on_cases(action, world),
            Came::Filtered => {
                self.sort(world);
                Vec::new()
            }
        };
        wants.extend(self.settle(world));
        wants
    }

    fn insert(&mut self, insert: Insert<'_>, world: &World) -> Vec<Want> {
        let pasted = matches!(insert, Insert::Pasted(_));
        match &mut self.over {
            Some(Over::Answer(answering)) => answering.form.insert(insert),
            Some(Over::Reassign { picker, .. }) => picker.insert(insert),
            None if self.reading.is_typing() => {
                if self.reading.insert(insert) {
                    self.sort(world);
                }
                return self.settle(world);
            }
            Some(Over::Sheet(_) | Over::Card(_)) | None if pasted => {
                return Want::warn("pasted text never decides; nothing was done");
            }
            Some(Over::Sheet(_) | Over::Card(_)) | None => {}
        }
        self.foresee(world).into_iter().collect()
    }

    fn mouse(&mut self, event: MouseEvent, world: &World) -> Vec<Want> {
        match self.reading.mouse(event) {
            // A group of alike cases opens or closes in place.
            Moused::Again(_) if self.over.is_none() && !self.toggle_alike(world) => {
                self.reading.panes.opened = true;
            }
            Moused::Again(_) | Moused::Chosen(_) | Moused::Moved | Moused::Scrolled(_) => {}
        }
        self.settle(world)
    }

    fn refresh(&mut self, world: &World) -> Vec<Want> {
        self.sort(world);
        if let (Some(review), Some(board)) = (&mut self.review, &world.board) {
            review.refresh(board);
        }
        let mut wants = self.end_review_when_over(world);
        wants.extend(self.settle(world));
        wants
    }

    fn form(&self) -> Option<(String, &Form)> {
        match &self.over {
            Some(Over::Answer(answering)) => Some((answering.about(), &answering.form)),
            Some(Over::Reassign { .. } | Over::Sheet(_) | Over::Card(_)) | None => None,
        }
    }

    fn filter(&self) -> Option<&str> {
        Some(self.reading.filter())
    }

    fn filter_by(&mut self, text: &str, world: &World) -> Vec<Want> {
        self.reading.filter_by(text);
        self.sort(world);
        self.settle(world)
    }

    fn is_open(&self) -> bool {
        let card = matches!(self.over, Some(Over::Card(_)));
        card || self.review.is_some() || !self.marks.is_empty() || self.reading.is_open()
    }

    fn reset(&mut self) {
        let (reading, asking) = (self.reading.anew(), self.asking.anew());
        *self = Self { reading, asking, ..Self::default() };
    }

    fn told(&mut self, tag: u64, result: Result<Told, Trouble>, world: &World) -> Vec<Want> {
        match (self.asking.answered(tag), result) {
            (Some(Sent::Evidence), Ok(Told::Deeds(deeds))) => {
                self.evidence.take(deeds);
                Vec::new()
            }
            (None | Some(Sent::Evidence), _) => Vec::new(),
            (Some(Sent::Preview(question)), result) => {
                let stray = || Trouble { what: asking::ANOTHER_ANSWER.to_owned(), next: String::new() };
                let said = result.and_then(|told| {
                    if let Told::Preview(preview) = told { Ok(*preview) } else { Err(stray()) }
                });
                if let Some(review) = &mut self.review {
                    review.expected.hear(&question, &said);
                }
                if let Some(Over::Answer(answering)) = &mut self.over {
                    answering.hear(*question, said);
                }
                self.foresee(world).into_iter().collect()
            }
            (Some(Sent::Session { queue, step, then_end }), result) => match asking::came_out(result) {
                Ok(()) => self.session_done(queue, (step, then_end), world.board.as_deref()),
                Err(undone) => self.session_refused(&queue, &undone),
            },
            (Some(Sent::Decision { item, done, kind, about }), result) => match asking::came_out(result) {
                Ok(()) => {
                    let mut wants = vec![Want::Keep(Change::no_draft(&about))];
                    wants.extend(self.step_done(item, done, kind, world));
                    wants
                }
                Err(undone) => Want::fail(format!("#{item}: {undone}")),
            },
        }
    }

    fn enter(&mut self, spot: Option<&Spot>, world: &World) -> Vec<Want> {
        let mut wants = Vec::new();
        if let Some(Spot::Item(no)) = spot {
            self.reading.go_to(*no);
            self.sort(world);
            if !self.order.contains(no) {
                wants = Want::info(format!("#{no} is answered; it is in the log"));
            }
        }
        wants.extend(self.settle(world));
        wants
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

    fn shows(&self, world: &World) -> Vec<Thing> {
        let marked = self.marks.iter().take(MARKED).copied().map(Thing::Item);
        let Some(item) = self.focused(world) else { return marked.collect() };
        let alert = item.case.alert().map(Thing::Alert);
        std::iter::once(Thing::Item(item.no)).chain(alert).chain(marked).collect()
    }

    fn spot(&self) -> Option<Spot> {
        self.reading.focus().copied().map(Spot::Item)
    }

    fn epoch(&self) -> u64 {
        self.reading.epoch()
    }

    fn pace(&self) -> Pace {
        if self.review.is_some() { Pace::Second } else { Pace::Minute }
    }

    fn draw(&self, buffer: &mut Buffer, areas: Areas, look: Look<'_>, world: &World) -> Option<Position> {
        if let Some(Over::Answer(answering)) = &self.over {
            return self.draw_answer(answering, buffer, areas.body, look, world);
        }
        let cursor = self.draw_view(buffer, areas.body, look, world);
        match &self.over {
            None | Some(Over::Answer(_)) => cursor,
            Some(Over::Reassign { picker, .. }) => picker.draw(buffer, areas.screen, look),
            Some(Over::Sheet(sheet) | Over::Card(sheet)) => {
                sheet.draw(buffer, areas.screen, look);
                None
            }
        }
    }
}
