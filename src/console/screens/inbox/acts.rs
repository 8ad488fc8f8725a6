//! What keys do in the Inbox: beginning answers, claiming, handing on, marking, reviewing.

use std::sync::Arc;

use super::answer::{self, Answering, Outcome as AnswerOutcome};
use super::kind::Kind;
use super::review::Review;
use super::sheet::Sheet;
use super::{Inbox, Over, Sent};
use crate::console::action::Action;
use crate::console::ask::What;
use crate::console::place::{Place, Spot, View};
use crate::console::screens::Want;
use crate::console::widgets::chrome::Tone;
use crate::console::widgets::picker::{Entry, Picker};
use crate::console::world::World;
use crate::domain::command::{Command, ItemStep, ItemVerb};
use crate::domain::ids::{ItemNo, PersonId};
use crate::domain::things::Item;

impl Inbox {
    /// The cases that an answer would be given to: the marked ones, or the focused one.
    pub(super) fn chosen(&self, world: &World) -> Vec<Arc<Item>> {
        let Some(board) = &world.board else { return Vec::new() };
        if self.marks.is_empty() || self.review.is_some() {
            return self.focused(world).cloned().into_iter().collect();
        }
        self.order
            .iter()
            .filter(|no| self.marks.contains(no))
            .filter_map(|no| board.items.get(no).cloned())
            .collect()
    }

    pub(super) fn begin(&mut self, kind: Kind, world: &World) -> Vec<Want> {
        let items = self.chosen(world);
        let (Some(first), Some(board)) = (items.first(), &world.board) else {
            return vec![Want::Say(Tone::Info, "no case is selected".to_owned())];
        };
        for item in &items {
            if let Err(why) = kind.fits(item).and_then(|()| world.may_answer(item)) {
                return Want::fail(why);
            }
        }
        if kind == Kind::ApproveEdited && items.len() > 1 {
            return Want::fail("each body is edited by itself: esc clears the marks");
        }
        if kind == Kind::Expand && items.iter().any(|item| item.alike != first.alike) {
            return Want::fail(
                "the marked cases are not alike: expand answers one case and those like it; esc clears the marks",
            );
        }
        self.over = Some(Over::Answer(Box::new(Answering::new(kind, items, board))));
        Vec::new()
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are somebody else's")]
    pub(super) fn act_on_focus(&mut self, action: Action, world: &World) -> Vec<Want> {
        let Some(item) = self.focused(world).cloned() else {
            return vec![Want::Say(Tone::Info, "no case is selected".to_owned())];
        };
        let no = item.no;
        match action {
            Action::Claim => match (world.may_answer(&item), &item.claimed_by) {
                (Err(why), _) => Want::fail(why),
                (Ok(()), Some(by)) if *by != world.me.person => {
                    Want::fail(format!("#{no} is claimed by {by}"))
                }
                (Ok(()), _) => vec![self.step(no, ItemVerb::Claim, format!("#{no} is yours"))],
            },
            Action::Release if item.claimed_by.is_none() => {
                vec![Want::Say(Tone::Info, format!("#{no} is not claimed"))]
            }
            Action::Release => vec![self.step(no, ItemVerb::Release, format!("#{no} is free again"))],
            Action::Reassign => self.begin_reassign(&item, world),
            Action::HowItWas => vec![Want::Look(item.deed)],
            Action::Trace => match &item.subject {
                Some(subject) => {
                    let filter = format!("entity:{subject}");
                    vec![Want::Go(Place::at(View::Log, Spot::Filter(filter)))]
                }
                None => vec![Want::Say(Tone::Info, format!("#{no} is about no entity"))],
            },
            Action::Raw => {
                self.over = Some(Over::Sheet(Sheet::original(&item)));
                Vec::new()
            }
            Action::Copy => {
                let text = format!("#{no} {}\n{}\n{}", item.title, item.why, item.input());
                vec![Want::Copy(text), Want::Say(Tone::Done, format!("#{no} is on the clipboard"))]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn begin_reassign(&mut self, item: &Item, world: &World) -> Vec<Want> {
        if let Err(why) = world.may_answer(item) {
            return Want::fail(why);
        }
        let Some(board) = &world.board else { return Vec::new() };
        let queue = board.map.queue(&item.queue).unwrap_or_else(|| board.map.first_queue());
        let entry = |person: &PersonId| Entry {
            name: person.to_string(),
            note: if *person == queue.owner { "answers for the queue" } else { "deputy" }.to_owned(),
            key: String::new(),
            value: person.clone(),
        };
        let others: Vec<_> =
            queue.reviewers().filter(|person| **person != world.me.person).map(entry).collect();
        if others.is_empty() {
            return Want::fail(format!(
                "nobody else is named on queue {}; add a deputy to the map",
                item.queue
            ));
        }
        let title = format!("Hand #{} to", item.no);
        self.over = Some(Over::Reassign { item: item.no, picker: Picker::new(title, others) });
        Vec::new()
    }

    pub(super) fn begin_undo(&mut self, world: &World) -> Vec<Want> {
        let Some(board) = &world.board else { return Vec::new() };
        let mine = |no: &ItemNo| board.closed_item(*no).filter(|closed| closed.settled_with.is_none());
        let last = self.answered.iter().rev().find_map(mine).or_else(|| {
            let by_me = |by: &crate::domain::ids::Actor| by.person() == Some(&world.me.person);
            board.closed.iter().rev().find(|closed| closed.settled_with.is_none() && by_me(&closed.by))
        });
        match last {
            Some(closed) => {
                self.over = Some(Over::Answer(Box::new(Answering::undo(closed, board))));
                Vec::new()
            }
            None => vec![Want::Say(Tone::Info, "there is no answer of yours to undo".to_owned())],
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are somebody else's")]
    pub(super) fn act_over(&mut self, action: Action, world: &World) -> Vec<Want> {
        match &mut self.over {
            Some(Over::Answer(answering)) => match answering.act(action, world) {
                AnswerOutcome::Open => Vec::new(),
                AnswerOutcome::Closed => {
                    self.over = None;
                    Vec::new()
                }
                AnswerOutcome::Refused(why) => Want::fail(why),
                AnswerOutcome::Instead(other) => {
                    self.over = Some(Over::Answer(other));
                    Vec::new()
                }
                AnswerOutcome::Send(steps) => self.send(steps),
            },
            Some(Over::Reassign { item, picker }) => match action {
                Action::Submit => {
                    let (item, to) = (*item, picker.chosen().cloned());
                    self.over = None;
                    let Some(to) = to else { return Vec::new() };
                    if let Err(why) = world.may_decide() {
                        return Want::fail(why);
                    }
                    let done = format!("#{item} was handed to {to}");
                    vec![self.step(item, ItemVerb::Reassign { to }, done)]
                }
                Action::Close => {
                    self.over = None;
                    Vec::new()
                }
                other => {
                    picker.apply(other);
                    Vec::new()
                }
            },
            Some(Over::Sheet(sheet)) => {
                if !sheet.act(action) {
                    self.over = None;
                }
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    pub(super) fn send(&mut self, steps: Vec<answer::Step>) -> Vec<Want> {
        self.over = None;
        let count = steps.len();
        let mut wants: Vec<Want> = Vec::with_capacity(count + 1);
        for step in steps {
            let command = Command::Item(ItemStep { item: step.item, step: step.verb });
            let sent = Sent::Step { item: step.item, done: step.done, answers: step.kind };
            wants.push(self.ask(sent, What::Command(Box::new(command))));
        }
        self.marks.clear();
        wants.push(Want::Say(
            Tone::Info,
            if count == 1 { "sent".to_owned() } else { format!("{count} sent") },
        ));
        wants
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are somebody else's")]
    pub(super) fn act_on_prompt(&mut self, action: Action, world: &World) {
        let Some(prompt) = &self.prompt else { return };
        match action {
            Action::Submit => self.filter = prompt.text().trim().to_owned(),
            Action::Close => self.filter.clear(),
            _ => return,
        }
        self.prompt = None;
        self.sort(world);
        self.settle(world);
    }

    /// Ends the review with its summary once no case is left and no answer is on its way.
    pub(super) fn end_review_when_over(&mut self, world: &World) -> Vec<Want> {
        let waits = self.sent.values().any(|sent| matches!(sent, Sent::Step { .. }));
        if !waits && self.over.is_none() && self.review.as_ref().is_some_and(Review::is_over) {
            return self.toggle_review(world);
        }
        Vec::new()
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are somebody else's")]
    pub(super) fn mark(&mut self, action: Action, world: &World) {
        match action {
            Action::Mark => {
                if let Some((no, _)) = self.focus {
                    if !self.marks.remove(&no) {
                        self.marks.insert(no);
                    }
                    self.list.move_by(1);
                }
            }
            Action::MarkAlike => {
                if let (Some(item), Some(board)) = (self.focused(world), &world.board) {
                    let alike = board.alike(item).map(|other| other.no);
                    let shown = alike.filter(|no| self.order.contains(no));
                    let found: Vec<ItemNo> = shown.chain([item.no]).collect();
                    self.marks.extend(found);
                }
            }
            _ => self.marks.clear(),
        }
    }

    /// Another case of the review, or of the list.
    pub(super) fn neighbour(&mut self, forward: bool) {
        match &mut self.review {
            Some(review) => review.go(forward),
            None => self.list.move_by(if forward { 1 } else { -1 }),
        }
    }

    pub(super) fn close(&mut self, world: &World) -> Vec<Want> {
        if self.review.is_some() {
            return self.toggle_review(world);
        }
        if self.opened {
            self.opened = false;
        } else if !self.marks.is_empty() {
            self.marks.clear();
        } else if !self.filter.is_empty() {
            self.filter.clear();
            self.sort(world);
        }
        Vec::new()
    }
}
