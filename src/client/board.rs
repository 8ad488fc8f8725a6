//! The board and lists: put together from pages of one moment; and one thing of the board whole.

use serde::de::DeserializeOwned;

use super::bound::Bound;
use super::send::{Ask, segment};
use super::{Client, ClientError, Result};
use crate::api::{BoardView, Hash, Paged, ProblemCode, WhoAmI, WholeView};
use crate::domain::ids::Seq;
use crate::domain::state::{Board, Thing, Whole};

/// Most pages of one board, or of one list.
const PAGES: usize = 1024;
/// How often it is begun anew, where its moment was not kept for long enough.
const BEGINNINGS: usize = 4;

/// What a console needs to start: follow the stream from `seq` and `hash`.
#[derive(Debug, Clone)]
pub struct Start {
    /// The last deed folded in.
    pub seq: Seq,
    /// Its chain hash.
    pub hash: Hash,
    /// The board. What agents said at length is there by its beginning, and named under `cut`.
    pub board: Box<Board>,
    /// Who asks.
    pub you: WhoAmI,
}

impl Client {
    /// A list whole: its pages of one moment, put together.
    pub(super) async fn list<'a, T: Paged + DeserializeOwned>(
        &'a self,
        ask: impl Fn() -> Ask<'a>,
    ) -> Result<T> {
        for _ in 1..BEGINNINGS {
            match self.list_once(&ask).await {
                Err(ClientError::Problem(problem)) if problem.is(ProblemCode::PageGone) => {}
                came => return came,
            }
        }
        self.list_once(&ask).await
    }

    async fn list_once<'a, T: Paged + DeserializeOwned>(&'a self, ask: &impl Fn() -> Ask<'a>) -> Result<T> {
        let mut list: T = ask().send().await?;
        for _ in 0..PAGES {
            let Some(page) = list.next() else { return Ok(list) };
            list.join(ask().query("page", page).send().await?);
        }
        Err(ClientError::Protocol { why: "a list has no end".to_owned() })
    }

    /// What a console needs to start.
    pub async fn board(&self) -> Result<Start> {
        for _ in 1..BEGINNINGS {
            match self.pages().await {
                Err(ClientError::Problem(problem)) if problem.is(ProblemCode::PageGone) => {}
                came => return came,
            }
        }
        self.pages().await
    }

    async fn pages(&self) -> Result<Start> {
        let broken = |why: &str| ClientError::Protocol { why: why.to_owned() };
        let BoardView { seq, hash, board, mut next, you, .. } =
            self.get_then("/v1/board").bound(Bound::Board).send().await?;
        let mut board = board.ok_or_else(|| broken("the first page of the board has no board"))?;
        for _ in 0..PAGES {
            let Some(page) = next else { return Ok(Start { seq, hash, board, you }) };
            let ask = self.get_then("/v1/board").query("page", page).bound(Bound::Board);
            let more: BoardView = ask.send().await?;
            if (more.seq, more.hash) != (seq, hash) {
                return Err(broken("the pages of the board are of different moments"));
            }
            board.take_rows(more.rows.unwrap_or_default());
            next = more.next;
        }
        Err(broken("the board has no end"))
    }

    /// One thing of the board with all that it carries; none where it is not there any more.
    pub async fn whole(&self, thing: &Thing) -> Result<Option<Whole>> {
        let text = thing.to_string();
        let path: Vec<String> = text.split('/').map(segment).collect();
        let ask = self.get_then(format!("/v1/board/{}", path.join("/"))).bound(Bound::Reply);
        match ask.send::<WholeView>().await {
            Ok(view) => Ok(Some(view.thing)),
            Err(ClientError::Problem(problem)) if problem.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }
}
