//! The board in pages: of one moment, without what agents said at length, which is there for each thing by itself.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::support::{Caller, Server};
use deeds::domain::state::{Board, PAGE, Thing, Whole};
use deeds::domain::things::Brief as _;

/// How many cases there are; what each asks for has some 3 KB.
const CASES: usize = 1_200;

async fn escalate(caller: &Caller, from: usize, to: usize) {
    for some in (from..to).collect::<Vec<_>>().chunks(200) {
        let writes: Vec<Json> = some
            .iter()
            .map(|no| {
                let note = format!("{no} {}", "why is it so? ".repeat(220));
                json!({"entity": format!("nowhere/{no}"), "changes": {"note": note}, "expected": {"note": 0}})
            })
            .collect();
        let came = caller.post("/v1/writes:batch", json!(writes)).await;
        assert_eq!((came.status, &came["code"]), (200, &Json::Null), "{}", came.text);
    }
}

/// The present board as it should come: only what rules ask is missing, and what is long is short.
fn expected(server: &Server) -> Board {
    let mut board =
        server.workspaces.get(&super::support::northwind()).unwrap().handle().front().board.clone();
    let numbers: Vec<_> = board.items.keys().copied().collect();
    for no in numbers {
        board.shorten(&Thing::Item(no));
    }
    board
}

#[tokio::test]
async fn the_pages_of_a_board_are_of_one_moment_and_make_the_whole() {
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    escalate(&intake, 0, CASES).await;
    let wanted = expected(&server);
    let first = server.dana.get("/v1/board").await;
    let (mut page, mut pages, mut items) = (first.body.clone(), 1, BTreeSet::new());
    let mut take = |rows: &Json| {
        for row in rows.as_array().into_iter().flatten() {
            assert!(items.insert(row[0].as_u64().unwrap()), "{} comes twice", row[0]);
        }
    };
    let of_first: Vec<Json> = first["board"]["items"]
        .as_object()
        .unwrap()
        .keys()
        .map(|no| json!([no.parse::<u64>().unwrap()]))
        .collect();
    take(&json!(of_first));
    while let Some(next) = page["next"].as_str().map(str::to_owned) {
        // What happens meanwhile is not on them.
        escalate(&intake, CASES + pages, CASES + pages + 1).await;
        let came = server.dana.get(&format!("/v1/board?page={next}")).await;
        assert_eq!((came.status, &came["seq"], &came["hash"]), (200, &first["seq"], &first["hash"]));
        assert!((came.text.len() as u64) < PAGE + 64 * 1024, "{} bytes", came.text.len());
        assert!(came["board"].is_null());
        // A page is of its own moment, and `at` names that one or is refused.
        let at = |seq: u64| format!("/v1/board?page={next}&at={seq}");
        let seq = first["seq"].as_u64().unwrap();
        let same = server.dana.get(&at(seq)).await;
        assert!(same["rows"] == came["rows"] && same["next"] == came["next"], "{}", same.status);
        let other = server.dana.get(&at(seq - 1)).await;
        assert_eq!((other.status, &other["code"]), (400, &json!("bad-parameter")), "{}", other.text);
        take(&came["rows"]["items"]);
        (page, pages) = (came.body, pages + 1);
    }
    assert!(pages >= 2, "{pages}");
    assert_eq!(items.len(), CASES);
    assert_eq!(items, wanted.items.keys().map(|no| no.0).collect());

    let wanted = expected(&server);
    let came = server.dana.client().board().await.unwrap().board;
    assert_eq!(came.items, wanted.items);
    assert_eq!((came.cut.len(), &came.cut), (wanted.cut.len(), &wanted.cut));
    assert_eq!(
        (came.agents.len(), came.maps.len(), came.map_version),
        (wanted.agents.len(), wanted.maps.len(), wanted.map_version)
    );
    assert_eq!(came.holds, wanted.holds);
    assert_eq!((&came.fingerprints, &came.past), (&wanted.fingerprints, &wanted.past));
    server.stop().await;
}

#[tokio::test]
async fn a_thing_comes_whole_by_itself_and_is_what_is_answered() {
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    escalate(&intake, 0, 3).await;
    let client = server.dana.client();
    let mut board = client.board().await.unwrap().board;
    let (no, brief) = board.items.get_min().cloned().unwrap();
    let thing = Thing::Item(no);
    let shown = server.dana.get(&format!("/v1/inbox/{no}")).await;
    assert!(board.cut.contains(&thing) && *brief.digest() != *shown["digest"].as_str().unwrap());
    let Some(Whole::Item(item)) = client.whole(&thing).await.unwrap() else { panic!("no item") };
    assert!(item.input().len() > 3_000 && *item.digest() == *shown["digest"].as_str().unwrap());
    // What is of another version than the board is not taken for it.
    let mut newer = (*item).clone();
    newer.version += 1;
    assert!(!board.take_whole(&thing, Whole::Item(newer.into())) && board.cut.contains(&thing));
    assert!(board.take_whole(&thing, Whole::Item(item.clone())) && !board.cut.contains(&thing));
    assert_eq!(board.items[&no].digest(), item.digest());
    board.shorten(&thing);
    assert!(board.items[&no] == brief && board.cut.contains(&thing));
    // As it was, too; and an answered one while it is kept.
    let head = server.dana.get("/v1/board").await["seq"].clone();
    let answer = json!({"version": item.version, "digest": item.digest(), "answer": {"kind": "handle", "note": "so it is"}});
    let came = server.dana.post(&format!("/v1/inbox/{no}/answer"), answer).await;
    assert_eq!(came.status, 200, "{}", came.text);
    let now = server.dana.get(&format!("/v1/board/{thing}")).await;
    assert_eq!(now["thing"]["closed"]["answer"]["note"], "so it is", "{}", now.text);
    let then = server.dana.get(&format!("/v1/board/{thing}?at={head}")).await;
    assert_eq!(then["thing"]["item"]["version"], item.version, "{}", then.text);
    for (path, status, code) in [
        ("/v1/board/item/99", 404, "not-found"),
        ("/v1/board/lease/1", 404, "not-found"),
        ("/v1/board/nothing/1", 400, "bad-parameter"),
        ("/v1/board?page=1.2.3", 409, "page-gone"),
        ("/v1/board?page=soon", 400, "bad-parameter"),
    ] {
        let came = server.dana.get(path).await;
        assert_eq!((came.status, came["code"].as_str()), (status, Some(code)), "{path}: {}", came.text);
    }
    assert_eq!(intake.get("/v1/board/item/1").await.status, 403);
    // Names are drawn alike in capitals too, whichever way somebody comes by a token.
    let warned = |made: &Json| made["warning"].as_str().unwrap_or_default().contains("drawn like `dana`");
    let asked = json!({"class": "agent", "name": "DANA"});
    let made = server.dana.post("/v1/tokens", asked).await;
    assert!(warned(&made.body), "{}", made.text);
    for (name, alike) in [("DANA", true), ("d\u{430}na", true), ("kim", false)] {
        let made = server.dana.post("/v1/invitations", json!({"class": "reviewer", "name": name})).await;
        assert_eq!((made.status, warned(&made.body)), (200, alike), "{}", made.text);
    }
    let mut whole = Whole::Item(item);
    assert!(whole.shorten() && whole == Whole::Item(brief));
    server.stop().await;
}
