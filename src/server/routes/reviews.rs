//! Sessions over a queue, and whether the scheduled ones were held.

use crate::api::{ReviewList, ReviewView};
use crate::domain::map::Queue;
use crate::domain::state::Board;
use crate::server::answer::{Answer, json};
use crate::server::gate::Call;

/// `GET /v1/reviews`: every queue of the map, in its order.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let state = call.front(&query).await?;
    let board = &state.board;
    let reviews = board.map.model().queues.iter().map(|queue| view(board, queue)).collect();
    json(&ReviewList { reviews, seq: state.head() })
}

fn view(board: &Board, queue: &Queue) -> ReviewView {
    ReviewView {
        queue: queue.name.clone(),
        owner: queue.owner.clone(),
        deputies: queue.deputies.clone(),
        schedule: queue.review,
        waiting: board.items.values().filter(|item| item.queue == queue.name).count(),
        reviews: board.reviews.get(&queue.name).cloned().unwrap_or_default(),
    }
}
