//! Deciding through the wire, and what the link can do.

use serde_json::json;

use super::desk::Desk;
use super::support::{Server, northwind};
use deeds::console::wire::SeenAll;
use deeds::domain::command::{Command, TokenStep};
use deeds::domain::ids::Seq;
use deeds::domain::things::TokenClass;

#[tokio::test]
async fn a_write_that_nobody_owns_is_expanded_by_its_reviewer_and_commits() {
    let server = Server::start().await;
    let mut desk = Desk::of(&server.dana, SeenAll::new());
    desk.until("● live").await;
    desk.until("dana (admin)").await;
    desk.until("No decision waits").await;
    let intake = server.agent("intake").await;
    let asked = intake.write("crm/contact/acme", json!({"score": 71}), json!({"score": 0})).await;
    assert_eq!(asked["outcome"], "escalated", "{}", asked.text);
    desk.until("unowned field").await;
    desk.keys("e");
    desk.until("+ intake.writes crm/contact/").await;
    desk.keys("tab enter");
    desk.until("expanded; `u` undoes it").await;
    desk.until("map v2").await;
    // The map's deed comes before the answer's own; what is undone is the answer.
    desk.until("last answered: #1 expand").await;
    let read = intake.get("/v1/entities/crm/contact/acme").await;
    assert_eq!(read["fields"]["score"]["value"], 71, "{}", read.text);
    desk.keys("u tab enter");
    desk.until("waits again").await;
    desk.until("map v3").await;
    server.stop().await;
}

#[tokio::test]
async fn a_restart_of_the_server_is_shown_and_gone_on_from() {
    let server = Server::start().await;
    let mut desk = Desk::of(&server.dana, SeenAll::new());
    desk.until("● live").await;
    let intake = server.agent("intake").await;
    let server = server.restart().await;
    desk.until("reconnecting").await;
    desk.keys("e");
    desk.until("the link is down").await;
    desk.until("● live").await;
    let asked = intake.write("crm/contact/acme", json!({"score": 71}), json!({"score": 0})).await;
    assert_eq!(asked["outcome"], "escalated", "{}", asked.text);
    desk.until("unowned field").await;
    server.stop().await;
}

#[tokio::test]
async fn a_history_that_does_not_continue_the_one_seen_is_refused() {
    let server = Server::start().await;
    let mut desk = Desk::of(&server.dana, SeenAll::new());
    desk.until("● live").await;
    let mut seen = desk.wire.seen();
    let last = seen.get_mut(&northwind()).unwrap();
    assert!(last.seq >= Seq(1));
    let mut honest = Desk::of(&server.dana, seen.clone());
    honest.until("● live").await;
    let last = seen.get_mut(&northwind()).unwrap();
    last.hash.0[0] ^= 1;
    let mut desk = Desk::of(&server.dana, seen);
    desk.until("≠ rewritten").await;
    desk.keys("h");
    desk.until("the server's history differs").await;
    server.stop().await;
}

#[tokio::test]
async fn an_agents_token_and_one_that_ended_open_no_console() {
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    Desk::of(&intake, SeenAll::new()).until("this is an agent's token").await;
    let watcher = server.with_token(TokenClass::Watcher, "wim").await;
    let mut desk = Desk::of(&watcher, SeenAll::new());
    desk.until("■ read-only").await;
    let id = watcher.client().whoami().await.unwrap().token;
    server.dana.client().ask(&Command::Token(TokenStep::Revoke { token: id })).await.unwrap();
    desk.until("✗ ended").await;
    server.stop().await;
}
