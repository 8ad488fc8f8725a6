//! What keys do in the Inbox: beginning answers, claiming, handing on, marking, reviewing.

use std::sync::Arc;

use super::answer::{self, Answering, Outcome as AnswerOutcome};
use super::kind::Kind;
use super::review::Review;
use super::sheet::Sheet;
use super::{ANSWERED, Inbox, NO_CASE, Over, Sent, Stands};
use crate::console::action::Action;
use crate::console::kept;
use crate::console::place::Spot;
use crate::console::screens::Want;
use crate::console::widgets::picker::{Entry, Picker};
use crate::console::world::World;
use crate::domain::command::ItemVerb;
use crate::domain::ids::{ItemNo, PersonId};
use crate::domain::rule::reviewer;
use crate::domain::state::Thing;
use crate::domain::things::Item;

impl Inbox {
    /// The cases that an answer would be given to: the marked ones, or the focused one.
    fn chosen(&self, world: &World) -> Vec<Arc<Item>> {
        let Some(board) = &world.board else { return Vec::new() };
        if self.marks.is_empty() || self.review.is_some() {
            return self.focused(world).cloned().into_iter().collect();
        }
        self.alike
            .meant()
            .iter()
            .filter(|no| self.marks.contains(no))
            .filter_map(|no| board.items.get(no).cloned())
            .collect()
    }

    fn begin(&mut self, kind: Kind, world: &World) -> Vec<Want> {
        let items = self.chosen(world);
        let (Some(first), Some(board)) = (items.first(), &world.board) else {
            return Want::info(NO_CASE);
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
        let mut answering = Answering::new(kind, items, board);
        world.kept().resume(&answering.about(), &mut answering.form);
        self.over = Some(Over::Answer(Box::new(answering)));
        Vec::new()
    }

    /// Opens the answer that the review expects, filled in: where nothing is missing the next key confirms it.
    fn accept(&mut self, world: &World) -> Vec<Want> {
        let Some(review) = &self.review else {
            return Want::info("an answer is predicted in a review: `review` begins one");
        };
        let Some(mut answering) = review.expected.taken() else {
            return Want::info("no answer is predicted for this case: choose one");
        };
        if let Some(Err(why)) = answering.items.first().map(|item| world.may_answer(item)) {
            return Want::fail(why);
        }
        world.kept().resume(&answering.about(), &mut answering.form);
        answering.take();
        self.over = Some(Over::Answer(answering));
        Vec::new()
    }

    /// In a review lines move the case; pages move what is expected where it has no room, else the case.
    fn page_review(&self, action: Action) {
        let Some(review) = &self.review else { return };
        let pages = matches!(action, Action::PageDown | Action::PageUp);
        let expected = &review.expected.scroll;
        let scroll = if pages && expected.overflows() { expected } else { &self.reading.panes.scroll };
        scroll.act(action);
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are about one case")]
    pub(super) fn act_on_cases(&mut self, action: Action, world: &World) -> Vec<Want> {
        if let Some(kind) = Kind::of(action) {
            return self.begin(kind, world);
        }
        match action {
            Action::Undo => return self.begin_undo(world),
            Action::Review => return self.toggle_review(world),
            Action::Accept => return self.accept(world),
            Action::Mark | Action::MarkAlike | Action::ClearMarks => self.mark(action, world),
            Action::NextMatch | Action::PreviousMatch => self.neighbour(action == Action::NextMatch),
            Action::Right | Action::Left if self.review.is_none() => {
                self.sideways(action == Action::Right, world);
            }
            Action::Open if self.review.is_some() => {
                return Want::info("the case is open; `accept` takes the predicted answer");
            }
            Action::Open => self.reading.panes.opened = true,
            Action::Down | Action::Up | Action::PageDown | Action::PageUp => self.page_review(action),
            Action::Close if self.review.is_some() => return self.toggle_review(world),
            Action::Close => self.marks.clear(),
            other => return self.act_on_case(other, world),
        }
        Vec::new()
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are somebody else's")]
    fn act_on_case(&mut self, action: Action, world: &World) -> Vec<Want> {
        let Some(item) = self.focused(world).cloned() else {
            return match world.first_request().filter(|_| action == Action::Copy) {
                Some(request) => Want::copied(request, "the request"),
                None => Want::info(NO_CASE),
            };
        };
        let no = item.no;
        match action {
            Action::Claim => match world.may_answer(&item) {
                Err(_) if world.may_take_over(&item) => vec![Want::TakeOver(no)],
                Err(why) => Want::fail(why),
                Ok(()) => vec![self.step(no, ItemVerb::Claim, format!("#{no} is yours"), None)],
            },
            Action::Release if item.claimed_by.is_none() => Want::info(format!("#{no} is not claimed")),
            Action::Release => vec![self.step(no, ItemVerb::Release, format!("#{no} is free again"), None)],
            Action::Reassign => self.begin_reassign(&item, world),
            Action::HowItWas => vec![Want::Look(item.deed)],
            Action::Trace => match &item.subject {
                Some(subject) => Want::log(Spot::Filter(format!("entity:{subject}"))),
                None => Want::info(format!("#{no} is about no entity")),
            },
            Action::Raw | Action::Copy if world.is_cut(&Thing::Item(no)) => {
                Want::info(format!("not all of #{no} is here yet; it is being fetched"))
            }
            Action::Raw => {
                self.over = Some(Over::Sheet(Sheet::original(&item)));
                Vec::new()
            }
            Action::Copy => {
                let text = format!("#{no} {}\n{}\n{}", item.title, item.why, item.input());
                Want::copied(text, format!("#{no}"))
            }
            _ => Vec::new(),
        }
    }

    fn begin_reassign(&mut self, item: &Item, world: &World) -> Vec<Want> {
        if let Err(why) = world.may_answer(item) {
            return Want::fail(why);
        }
        let Some(board) = &world.board else { return Vec::new() };
        let queue = reviewer::queue(&board.map, item);
        let entry = |(person, note): (&PersonId, &str)| Entry {
            name: person.to_string(),
            note: note.to_owned(),
            key: String::new(),
            value: person.clone(),
        };
        let mut others: Vec<(&PersonId, &str)> = vec![(&queue.owner, "answers for the queue")];
        others.extend(queue.deputies.iter().map(|person| (person, "deputy")));
        others
            .extend(board.map.model().governance_owner.iter().map(|person| (person, "answers for the map")));
        others.extend(board.admins(world.now).map(|person| (person, "admin")));
        let mut known = std::collections::BTreeSet::from([&world.me.person]);
        others.retain(|(person, _)| known.insert(person));
        let others: Vec<_> = others.into_iter().map(entry).collect();
        if others.is_empty() {
            return Want::fail(format!(
                "nobody else is named on queue {}; add a deputy to the map",
                item.queue
            ));
        }
        let title = format!("Hand #{} to", item.no);
        self.over = Some(Over::Reassign { item: item.no, picker: Box::new(Picker::new(title, others)) });
        Vec::new()
    }

    fn begin_undo(&mut self, world: &World) -> Vec<Want> {
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
            None => Want::info("there is no answer of yours to undo"),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are somebody else's")]
    pub(super) fn act_over(&mut self, action: Action, world: &World) -> Vec<Want> {
        match &mut self.over {
            Some(Over::Answer(answering)) => match answering.act(action, world) {
                AnswerOutcome::Open => {
                    answering.form.page(action, &self.reading.panes.scroll);
                    Vec::new()
                }
                AnswerOutcome::Closed => {
                    let words = kept::closed(&answering.about(), &answering.form);
                    self.over = None;
                    Want::info(words)
                }
                AnswerOutcome::Lacks(what) => Want::warn(what),
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
                    vec![self.step(item, ItemVerb::Reassign { to }, done, Some(Kind::HandOn))]
                }
                Action::Close => {
                    let words = format!("not done: #{item} was not handed on");
                    self.over = None;
                    Want::info(words)
                }
                other => {
                    picker.apply(other);
                    Vec::new()
                }
            },
            Some(Over::Sheet(sheet) | Over::Card(sheet)) => {
                if !sheet.act(action) {
                    self.over = None;
                }
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn send(&mut self, steps: Vec<answer::Decision>) -> Vec<Want> {
        // It may be refused: what was typed is kept until it is done.
        self.over = None;
        let count = steps.len();
        let sent = steps.into_iter().map(|step| self.step(step.item, step.verb, step.done, Some(step.kind)));
        let mut wants: Vec<Want> = sent.collect();
        self.marks.clear();
        wants.extend(Want::info(if count == 1 { "sent".to_owned() } else { format!("{count} sent") }));
        wants
    }

    /// The server took a step.
    pub(super) fn step_done(
        &mut self,
        item: ItemNo,
        done: String,
        kind: Option<Kind>,
        world: &World,
    ) -> Vec<Want> {
        if kind.is_some_and(Kind::is_answer) {
            self.answered.push(item);
            self.answered.drain(..self.answered.len().saturating_sub(ANSWERED));
        }
        if let (Some(review), Some(kind), Some(board)) = (&mut self.review, kind, &world.board) {
            review.did(item, kind);
            review.refresh(board);
        }
        let mut wants = self.end_review_when_over(world);
        wants.extend(self.settle(world));
        wants.extend(Want::done(done));
        wants
    }

    /// Ends the review with its summary once no case is left and no answer is on its way.
    pub(super) fn end_review_when_over(&mut self, world: &World) -> Vec<Want> {
        let waits = self.asking.any(|sent| matches!(sent, Sent::Decision { .. }));
        if !waits && self.over.is_none() && self.review.as_ref().is_some_and(Review::is_over) {
            return self.toggle_review(world);
        }
        Vec::new()
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are somebody else's")]
    fn mark(&mut self, action: Action, world: &World) {
        match action {
            Action::Mark => {
                if let Some(no) = self.reading.focus().copied() {
                    if !self.marks.remove(&no) {
                        self.marks.insert(no);
                    }
                    self.reading.list.move_by(1);
                }
            }
            Action::MarkAlike => {
                if let (Some(item), Some(board)) = (self.focused(world), &world.board) {
                    let alike = board.alike(item).map(|other| other.no);
                    let shown = alike.filter(|no| self.alike.meant().contains(no));
                    let found: Vec<ItemNo> = shown.chain([item.no]).collect();
                    self.marks.extend(found);
                }
            }
            _ => self.marks.clear(),
        }
    }

    /// Opens the cases alike in place, or folds them together; rows that don't fit are scrolled.
    fn sideways(&mut self, right: bool, world: &World) {
        let Some(item) = self.focused(world).cloned() else { return };
        match (right, self.alike.stands(&item)) {
            // What was scrolled to the right comes back first.
            (false, _) if self.reading.list.sideways(false) => return,
            (true, Stands::Closed) => self.alike.open(&item),
            (false, Stands::Open | Stands::Under) => {
                if let Some(first) = self.alike.close(&item) {
                    self.reading.settle(Some(first));
                }
            }
            (true, _) => {
                self.reading.list.sideways(true);
                return;
            }
            (false, _) => return,
        }
        self.sort(world);
    }

    /// Opens or closes a group of alike cases; says whether this is one.
    pub(super) fn toggle_alike(&mut self, world: &World) -> bool {
        let Some(item) = self.focused(world).cloned() else { return false };
        match self.alike.stands(&item) {
            Stands::Closed => self.alike.open(&item),
            Stands::Open => _ = self.alike.close(&item),
            Stands::Alone | Stands::Under => return false,
        }
        self.sort(world);
        true
    }

    /// Another case of the review, or of the list.
    fn neighbour(&mut self, forward: bool) {
        match &mut self.review {
            Some(review) => review.go(forward),
            None => self.reading.list.move_by(if forward { 1 } else { -1 }),
        }
    }
}
