//! What people get wrong: a clear error with place, reason and mend, the right exit status, and nothing left behind.

use crate::run::Home;

#[test]
fn bad_input_is_refused_with_place_reason_and_mend() {
    let home = Home::new();
    home.file("broken.toml", "workspace = \n");
    home.file("unknown.toml", "them = \"dark\"\n");
    home.file("not-export.jsonl", "{\"x\":1}\n");
    home.file("binary.toml", "x");
    std::fs::write(home.dir.path().join("binary.toml"), b"a = \"\xff\"").unwrap();
    for (arguments, status, says) in [
        (&["nonsense"][..], 2, "unrecognized subcommand"),
        (&["map"], 2, "Usage"),
        (&["map", "check"], 2, "FILE"),
        (&["map", "check", "none.toml"], 2, "none.toml: No such file"),
        (&["map", "check", "binary.toml"], 2, "byte 5 is not UTF-8"),
        (&["map", "check", "broken.toml"], 1, ""),
        (
            &["--config", "unknown.toml", "verify"],
            2,
            "unknown.toml:1:1: there is no setting `them`; did you mean `theme`?",
        ),
        (&["--config", "none.toml", "verify"], 2, "none.toml: the configuration can't be read"),
        (&["verify", "--workspace", "Not Good"], 2, "a workspace name"),
        (&["verify", "--connect", "https://x"], 2, "run it there, without --connect"),
        (&["verify", "--connect", "host:1"], 2, "http://127.0.0.1:4170"),
        (&["verify", "--connect", "http://127.0.0.1:1"], 2, "run it there, without --connect"),
        (&["serve", "--connect", "http://127.0.0.1:1"], 2, "leave --connect out"),
        (&["verify"], 3, "there is no data directory here"),
        (&["verify", "--data-dir", "broken.toml"], 3, "this is not a directory"),
        (&["verify", "--export", "none.jsonl"], 2, "No such file"),
        (&["verify", "--export", "not-export.jsonl"], 3, "line 1: not an export's heading"),
        (&["completions", "tcsh"], 2, "possible values"),
    ] {
        let said = home.run(arguments);
        let told = format!("deeds {}\nout: {}\nerr: {}", arguments.join(" "), said.out, said.err);
        assert_eq!(said.status, status, "{told}");
        assert!(said.err.contains(says), "{says:?} is not in\n{told}");
        assert!(!said.err.contains("panicked"), "{told}");
    }
    assert!(!home.data().exists(), "a refused command leaves nothing behind");
}
