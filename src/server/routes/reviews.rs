//! Sessions over a queue, and whether the scheduled ones were held.

use crate::api::{ReviewList, ReviewView};
use crate::domain::ids::PersonId;
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
    let taken = page.take(&call, queues, |queue| Some(view(board, queue, page.now)));
    json(&ReviewList { reviews: taken.rows, seq: page.front.head(), next: taken.next })
}

fn view(board: &Board, queue: &Queue, now: Time) -> ReviewView {
    let away = |person: &PersonId| Some((person.clone(), board.absence(person, now)?.clone()));
    ReviewView {
        queue: queue.name.clone(),
        owner: queue.owner.clone(),
        deputies: queue.deputies.clone(),
        away: queue.reviewers().filter_map(away).collect(),
        schedule: queue.review,
        waiting: board.items.values().filter(|item| item.queue == queue.name).count(),
        reviews: board.reviews.get(&queue.name).cloned().unwrap_or_default(),
    }
}
