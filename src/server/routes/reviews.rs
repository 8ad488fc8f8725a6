//! Sessions over a queue, and whether the scheduled ones were held.

use std::collections::BTreeMap;

use crate::api::{ReviewList, ReviewView};
use crate::domain::ids::{PersonId, QueueName};
use crate::domain::map::Queue;
use crate::domain::state::Board;
use crate::domain::time::Time;
use crate::server::answer::{Answer, json};
use crate::server::gate::Call;
use crate::server::pages::Page;

/// `GET /v1/reviews`: every queue of the map, in its order.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let page = Page::of(&call, &query).await?;
    let board = &page.front.board;
    let queues = &board.map.model().queues;
    let mut waiting: BTreeMap<&QueueName, usize> = BTreeMap::new();
    for item in board.items.values() {
        *waiting.entry(&item.queue).or_default() += 1;
    }
    let waiting = |queue: &Queue| waiting.get(&queue.name).copied().unwrap_or_default();
    let taken = page.take(&call, queues, |queue| Some(view(board, queue, waiting(queue), page.now)));
    json(&ReviewList { reviews: taken.rows, seq: page.front.head(), next: taken.next })
}

fn view(board: &Board, queue: &Queue, waiting: usize, now: Time) -> ReviewView {
    let away = |person: &PersonId| Some((person.clone(), board.absence(person, now)?.clone()));
    ReviewView {
        queue: queue.name.clone(),
        owner: queue.owner.clone(),
        deputies: queue.deputies.clone(),
        away: queue.reviewers().filter_map(away).collect(),
        schedule: queue.review,
        waiting,
        reviews: board.reviews.get(&queue.name).cloned().unwrap_or_default(),
    }
}
