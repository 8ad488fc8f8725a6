//! The decision inbox: listed, shown with everything that a decision needs, previewed.

use std::sync::Arc;

use super::ledger::nearest;
use super::work::{news, wait_until};
use crate::api::{ItemList, ItemView, Problem, ProblemCode, fit};
use crate::domain::decide::{Supposed, preview as work_out};
use crate::domain::ids::ItemNo;
use crate::domain::rule::ordered::{OrderedItems, Whose};
use crate::domain::rule::reviewer;
use crate::domain::sight::Sight;
use crate::domain::state::{Board, Front, Thing};
use crate::domain::things::{ClosedItem, Effects, Item, ItemAnswer, PastAnswers};
use crate::domain::time::Span;
use crate::index::PageFrom;
use crate::server::answer::{Answer, ROW, absent, apart, json, unseen};
use crate::server::gate::Call;
use crate::server::pages::{Page, some};

/// How many bytes of other items come with an item, of each kind.
const BESIDE: u64 = 64 * 1024;

/// `GET /v1/inbox`: open items in the order in which the person who asks answers them; to an agent those that it raised, the
/// next deadline first.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let page = Page::of(&call, &query).await?;
    let board = &page.front.board;
    let whose =
        Whose { person: call.caller.principal.actor.person().cloned(), agent: call.caller.agent().cloned() };
    let follow = |items: &mut OrderedItems| {
        apart(board.items.len() * ROW, || items.follow(board, &whose, page.now));
    };
    let items = call.space.orders().items.at(whose.clone(), &page, follow);
    let seen = |no| board.items.get(no).and_then(|item| as_seen(&call, &page.front, item));
    let taken = page.take_brief(&call, items.rows(), seen, |item| Thing::Item(item.no));
    json(&ItemList {
        items: taken.rows,
        all_paused: board.halted.as_deref().cloned(),
        seq: page.front.head(),
        cut: taken.cut,
        next: taken.next,
    })
}

/// `GET /v1/inbox/{n}?wait=20s`: an open item, or an answered one while it is kept; waits for the answer to an open one.
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    let no = call.param::<ItemNo>("n")?;
    let wait = query.get::<Span>("wait")?.unwrap_or_default();
    let until = wait_until(wait, ProblemCode::BadParameter, "query, `wait`")?;
    let mut state = call.front(&query).await?;
    if wait > Span::default() && query.text("at").is_none() {
        let waits =
            |state: &Front| state.board.items.get(&no).and_then(|item| as_seen(&call, state, item)).is_some();
        let _place = call.space.watch_place(&call.caller.principal)?;
        while waits(&state) {
            match news(&call, state.head(), until).await? {
                Some(news) => state = news,
                None => break,
            }
        }
    }
    let board = &state.board;
    let closed: Option<Arc<ClosedItem>> = board.closed_item(no).cloned();
    let open = board.items.get(&no).cloned();
    let item = open.or_else(|| closed.as_ref().map(|closed| Arc::clone(&closed.item)));
    let item = item.ok_or_else(|| absent(format!("item #{no}")))?;
    let closed = closed.filter(|_| !board.items.contains_key(&no));
    if call.caller.agent().is_some() {
        return own(&call, &state, &item, closed);
    }
    let evidence = nearest(&call.space, &item.evidence, PageFrom::Newest).await?;
    let alert = item.case.alert().and_then(|alert| {
        let resolved = || board.resolved.iter().rev().find(|one| one.no == alert);
        board.alerts.get(&alert).or_else(resolved).cloned()
    });
    let (alike, more_alike) = some(board.alike(&item).cloned(), BESIDE);
    let (about, more_about) = some(board.about_the_same(&item).cloned(), BESIDE);
    json(&ItemView {
        digest: item.digest(),
        alike,
        more_alike,
        about,
        more_about,
        past: board.past.get(&item.alike).cloned().unwrap_or_default(),
        evidence,
        alert,
        confirms: reviewer::accountable(&board.map, &item).cloned(),
        closed,
        seq: state.head(),
        item,
    })
}

/// An item as the agent that raised it is shown it: what it asked, where that is, and the answer. What led to it and how
/// others were answered is people's. Another's is answered like one that is not there.
fn own(call: &Call, state: &Front, item: &Arc<Item>, closed: Option<Arc<ClosedItem>>) -> Answer {
    let seen = as_seen(call, state, item).ok_or_else(|| absent(format!("item #{}", item.no)))?;
    let answered = |closed: Arc<ClosedItem>| {
        Arc::new(ClosedItem {
            item: Arc::clone(&seen),
            effects: Effects::default(),
            settled_with: None,
            ..ClosedItem::clone(&closed)
        })
    };
    let about = state.board.about_the_same(item).filter_map(|item| as_seen(call, state, item));
    let (about, more_about) = some(about, BESIDE);
    json(&ItemView {
        digest: seen.digest(),
        alike: Vec::new(),
        more_alike: 0,
        about,
        more_about,
        past: PastAnswers::default(),
        evidence: Vec::new(),
        alert: None,
        confirms: reviewer::accountable(&state.board.map, &seen).cloned(),
        closed: closed.map(answered),
        seq: state.head(),
        item: Arc::clone(&seen),
    })
}

/// An item as the caller may see it: an agent what it raised, under the map of that state and the one in force.
fn as_seen(call: &Call, state: &Front, item: &Arc<Item>) -> Option<Arc<Item>> {
    let Some(agent) = call.caller.agent() else { return Some(Arc::clone(item)) };
    let seen = Sight::now(agent, &state.board.map).item(item)?;
    let seen = Sight::now(agent, &call.space.handle().front().board.map).item(&seen)?;
    Some(Arc::new(Item { evidence: Vec::new(), ..Item::clone(&seen) }))
}

/// `POST /v1/inbox/{n}/preview`: what an answer would do.
pub(in crate::server) async fn preview(call: Call) -> Answer {
    let no = call.param::<ItemNo>("n")?;
    let answer = call.parse::<ItemAnswer>()?;
    let include = included(&call)?;
    let by = call.caller.principal.clone();
    let worked = call.space.handle().suppose(move |state, now| {
        let item = open_item(&state.board, no)?;
        let supposed = Supposed { by: &by, item, answer: &answer, include: &include };
        Ok::<_, Box<Problem>>(work_out(state, &supposed, now))
    });
    json(&worked.await.map_err(|error| unseen(&error))??)
}

/// The items alike that it would settle too, numbers apart by commas.
fn included(call: &Call) -> Result<Vec<ItemNo>, Box<Problem>> {
    let query = call.query()?;
    let numbers = query.text("include").unwrap_or_default().split(',').filter(|no| !no.is_empty());
    numbers.map(|no| fit("include", no)).collect()
}

fn open_item(board: &Board, no: ItemNo) -> Result<&Arc<Item>, Box<Problem>> {
    board.items.get(&no).ok_or_else(|| match board.closed_item(no) {
        Some(closed) => {
            let problem = absent(format!("open item #{no}: {} answered it", closed.by));
            Box::new(problem.next("look at it again: what is shown has changed"))
        }
        None => absent(format!("item #{no}")),
    })
}
