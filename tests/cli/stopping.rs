//! A server that is asked to stop ends in two seconds, whatever it is looking at.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::run::Home;
use crate::server::{Server, ask};

/// Two agents whose zones no bound lets tell apart: looking at them takes many times what ending may take.
fn slow_map() -> String {
    let windows: Vec<String> = (0..24).map(|at| format!("\"**/x{}\"", "/*".repeat(at))).collect();
    let far = format!("\"**/x{}/**\"", "/*".repeat(24));
    let grants = |agent: &str| {
        let writes: Vec<String> =
            (0..40).map(|at| format!("\"{}{agent}{at}/**\"", "**/x/".repeat(9))).collect();
        writes.join(", ")
    };
    format!(
        "workspace = \"default\"\n[[agent]]\nid = \"one\"\nowner = \"dana\"\nwrites = [{}]\nexcept = [{}, {far}]\n\
         [[agent]]\nid = \"two\"\nowner = \"dana\"\nwrites = [{}]\n\
         [[queue]]\nname = \"inbox\"\nowner = \"dana\"\nreview = \"daily 09:00\"\n",
        grants("a"),
        windows.join(", "),
        grants("b"),
    )
}

#[test]
fn a_server_that_checks_a_map_ends_in_two_seconds() {
    let home = Home::new();
    let mut server = Server::start(&home);
    let tokens = std::fs::read_dir(home.data().join("tokens")).unwrap();
    let mut admins =
        tokens.map(|file| file.unwrap().path()).filter(|file| !file.ends_with("default.first-agent"));
    let (url, token) = (server.url.clone(), admins.next().unwrap());
    let asking = std::thread::spawn(move || ask(&url, &token, "POST", "/v1/map/check", &slow_map()));
    std::thread::sleep(Duration::from_millis(700));
    assert!(!asking.is_finished(), "the map is looked at for longer than this: {:?}", asking.join());
    let asked = Instant::now();
    assert_eq!(server.signal(Signal::TERM), Some(0), "asked to stop, it ends in order");
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(3), "two seconds, and what a loaded machine adds: {took:?}");
    assert!(asking.join().unwrap().is_err(), "the question got no answer");
    // What it served before is served again.
    let again = Server::start(&home);
    drop(again);
}
