//! `--at`: what was printed then is printed again later, and what never was is told with the right exit status.

use serde_json::Value;

use crate::run::Home;

const MAP: &str = "workspace = \"default\"\ngovernance_owner = \"dana\"\n\n[[agent]]\nid = \"ada\"\nrole = \"r\"\nowner = \"dana\"\nwrites = [\"crm/*#status\"]\n\n[[queue]]\nname = \"inbox\"\nowner = \"dana\"\nsla = \"24h\"\nreview = \"daily 09:00\"\n";

fn head(home: &Home) -> u64 {
    let map: Value = serde_json::from_str(&home.ok(&["map", "show", "--json"])).unwrap();
    map["seq"].as_u64().unwrap()
}

fn questions() -> Vec<Vec<&'static str>> {
    vec![
        vec!["map", "show"],
        vec!["map", "show", "--json"],
        vec!["inbox", "list", "--json"],
        vec!["alerts", "--json"],
        vec!["work", "--json"],
        vec!["entity", "crm/a", "--json"],
    ]
}

fn told(home: &Home, at: Option<&str>) -> Vec<String> {
    let ask = |mut question: Vec<&'static str>| {
        let at = at.map(str::to_owned);
        let mut words: Vec<String> = question.drain(..).map(str::to_owned).collect();
        words.extend(at.into_iter().flat_map(|at| ["--at".to_owned(), at]));
        home.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).out
    };
    questions().into_iter().map(ask).collect()
}

#[test]
fn what_was_printed_then_is_printed_again() {
    let home = Home::new();
    let map = home.file("team.toml", MAP);
    home.ok(&["map", "apply", map.to_str().unwrap()]);
    home.ok(&["override", "set", "crm/a#status", "\"new\"", "--reason", "the first"]);
    let first = (head(&home), told(&home, None));
    home.ok(&["override", "set", "crm/a#status", "\"won\"", "--reason", "the second"]);
    home.file("team.toml", &MAP.replace("\"r\"", "\"another role\""));
    home.ok(&["map", "apply", map.to_str().unwrap()]);
    let second = (head(&home), told(&home, None));
    assert_ne!(first.1, second.1);
    for (seq, then) in [&first, &second] {
        assert_eq!(told(&home, Some(&seq.to_string())), *then, "as of {seq}");
        assert_eq!(told(&home, Some(&format!("#{seq}"))), *then, "as of #{seq}");
    }
    let shown = home.ok(&["who-owns", "crm/a#status", "--at", &first.0.to_string()]);
    assert!(shown.contains("as of") && shown.contains("new") && shown.contains("ada"), "{shown}");
    let shown = home.ok(&["entity", "crm/a", "--at", &first.0.to_string()]);
    assert!(shown.contains("new") && !shown.contains("won"), "{shown}");
}

#[test]
fn moments_that_never_were_have_their_exit_status() {
    let home = Home::new();
    home.ok(&["inbox", "list"]);
    for (at, status, said) in [
        ("soon", 2, "no moment"),
        ("2199-01-01", 2, "has not come yet"),
        ("-9999d", 1, "before the first deed"),
        ("0", 1, "before the first deed"),
        ("424242", 1, "beyond the ledger's end"),
    ] {
        for question in [&["inbox", "list"][..], &["map", "show"], &["alerts"], &["work"], &["entity", "x/y"]]
        {
            let words = [question, &["--at", at]].concat();
            let came = home.run(&words);
            assert_eq!(came.status, status, "{words:?}: {}{}", came.out, came.err);
            assert!(came.err.contains(said), "{words:?}: {}", came.err);
            assert_eq!(came.out, "", "{words:?}");
        }
    }
}
