//! A review as it is recorded: the session over each queue begins and ends through the server, like any decision.

use super::review::Review;
use super::sheet::Sheet;
use super::{Inbox, Over, Sent};
use crate::console::ask::What;
use crate::console::asking::Undone;
use crate::console::screens::Want;
use crate::console::world::World;
use crate::domain::command::{Command, ReviewStep, ReviewVerb};
use crate::domain::ids::{ItemNo, QueueName};
use crate::domain::map::Queue;
use crate::domain::rule::reviewer;
use crate::domain::state::Board;
use crate::domain::things::Item;

impl Inbox {
    /// Begins a review of the cases that wait for this person, or ends the one under way.
    pub(super) fn toggle_review(&mut self, world: &World) -> Vec<Want> {
        if let Some(review) = self.review.take() {
            let card = world.board.as_ref().map(|board| review.card(board, world.now));
            self.over = card.map(|lines| Over::Card(Sheet::card(&lines)));
            let mut wants = self.end_sessions();
            wants.extend(self.settle(world));
            return wants;
        }
        let Some(board) = &world.board else { return Vec::new() };
        let me = (&world.me.person, world.me.class);
        let may = |item: &Item| reviewer::may_answer(board, item, me, world.now).is_ok();
        let mine = |no: &ItemNo| board.items.get(no).is_some_and(|item| may(item));
        let mut cases: Vec<ItemNo> = Vec::new();
        // Cases alike follow each other, where the most urgent of them stands.
        for item in self.alike.meant().iter().filter_map(|no| board.items.get(no)) {
            let known = cases.contains(&item.no);
            let alike = self.alike.members(item).iter().filter(|no| !known && mine(no));
            cases.extend(alike);
        }
        if cases.is_empty() {
            return self.hold_empty(world, board);
        }
        let mut queues: Vec<QueueName> = Vec::new();
        for item in cases.iter().filter_map(|no| board.items.get(no)) {
            let queue = reviewer::queue(&board.map, item);
            if !queues.contains(&queue.name) {
                queues.push(queue.name.clone());
            }
        }
        // A queue in which nothing waits is gone through as well, so that its schedule knows.
        let scheduled = board.map.model().queues.iter();
        // A filter says which queues are meant.
        let all = !self.reading.is_filtered();
        let mine = |queue: &&Queue| all && queue.review.is_some() && queue.is_reviewer(&world.me.person);
        for queue in scheduled.filter(mine) {
            let taken = board.reviews.get(&queue.name).is_some_and(|reviews| reviews.open.is_some());
            if !taken && !queues.contains(&queue.name) {
                queues.push(queue.name.clone());
            }
        }
        self.marks.clear();
        self.review = Some(Review::new(cases, world.now));
        let mut wants = self.begin_sessions(queues, world, board);
        wants.extend(self.settle(world));
        wants
    }

    /// Nothing waits: the review is held all the same, so that the schedule knows.
    fn hold_empty(&mut self, world: &World, board: &Board) -> Vec<Want> {
        let nothing = "no case waits for you";
        if world.may_decide().is_err() || self.reading.is_filtered() {
            return Want::info(nothing);
        }
        let queues = board.map.model().queues.iter();
        let mine = queues.filter(|queue| queue.review.is_some() && queue.is_reviewer(&world.me.person));
        let mine: Vec<QueueName> = mine.map(|queue| queue.name.clone()).collect();
        if mine.is_empty() {
            return Want::info(nothing);
        }
        let mut wants = Vec::new();
        for queue in mine {
            let open = is_mine(world, board, &queue);
            wants.push(self.record(queue, if open { ReviewVerb::End } else { ReviewVerb::Start }, !open));
        }
        wants
    }

    fn begin_sessions(&mut self, queues: Vec<QueueName>, world: &World, board: &Board) -> Vec<Want> {
        let mut wants = Vec::new();
        for queue in queues {
            // One that was left open, such as by a console that ended, goes on.
            if !is_mine(world, board, &queue) && world.may_decide().is_ok() {
                wants.push(self.record(queue.clone(), ReviewVerb::Start, false));
            }
            self.sessions.push(queue);
        }
        wants
    }

    fn end_sessions(&mut self) -> Vec<Want> {
        let queues = std::mem::take(&mut self.sessions);
        queues.into_iter().map(|queue| self.record(queue, ReviewVerb::End, false)).collect()
    }

    fn record(&mut self, queue: QueueName, step: ReviewVerb, then_end: bool) -> Want {
        let command = Command::Review(ReviewStep { queue: queue.clone(), step, note: None, leave: None });
        self.asking.ask(Sent::Session { queue, step, then_end }, What::Command(Box::new(command)))
    }

    /// The server took a step of a session.
    pub(super) fn session_done(
        &mut self,
        queue: QueueName,
        (step, then_end): (ReviewVerb, bool),
        board: Option<&Board>,
    ) -> Vec<Want> {
        match step {
            ReviewVerb::Start if then_end => vec![self.record(queue, ReviewVerb::End, false)],
            // The head says so; the last line has the keys.
            ReviewVerb::Start => Vec::new(),
            ReviewVerb::End => Want::done(over(&queue, board)),
        }
    }

    /// The server refused a step of a session: going through the cases needs none, but it is said.
    pub(super) fn session_refused(&mut self, queue: &QueueName, why: &Undone) -> Vec<Want> {
        self.sessions.retain(|open| open != queue);
        Want::fail(format!("the review of {queue} is not recorded: {why}"))
    }
}

/// That a session is over, and what is left.
fn over(queue: &QueueName, board: Option<&Board>) -> String {
    let left = board.map_or(0, |board| board.items.values().filter(|item| item.queue == *queue).count());
    format!("the session over {queue} is over, {left} left")
}

fn is_mine(world: &World, board: &Board, queue: &QueueName) -> bool {
    let open = board.reviews.get(queue).and_then(|reviews| reviews.open.as_ref());
    open.is_some_and(|open| open.by.person() == Some(&world.me.person))
}
