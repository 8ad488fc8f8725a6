//! Signed checkpoints: a history that was written anew and chained again verifies by itself, and not against them.

use deeds::domain::hash::{Hash, link};

use crate::run::Home;

/// Changes a word in every deed that has it, and chains the ledger again, as whoever may write the file can.
fn rewrite(home: &Home, from: &str, to: &str) -> u64 {
    let path = home.data().join("workspaces/default/ledger.db");
    let db = rusqlite::Connection::open(path).unwrap();
    let records: Vec<(u64, Vec<u8>, Vec<u8>)> = db
        .prepare("SELECT seq, hash, bytes FROM record ORDER BY seq")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let changed = records.iter().position(|(_, _, bytes)| String::from_utf8_lossy(bytes).contains(from));
    let changed = changed.unwrap();
    let mut last = Hash(records[changed - 1].1.clone().try_into().unwrap());
    for (seq, _, bytes) in &records[changed..] {
        let bytes = String::from_utf8_lossy(bytes).replace(from, to).into_bytes();
        last = link(last, &bytes);
        db.execute("UPDATE record SET hash = ?1, bytes = ?2 WHERE seq = ?3", (last.0, bytes, seq)).unwrap();
    }
    records[changed].0
}

#[test]
fn a_history_that_was_written_anew_is_found_by_its_checkpoints() {
    let home = Home::new();
    home.ok(&["override", "pause-all", "--reason", "is it blue", "--for", "1h"]);
    home.ok(&["checkpoint", "--keep", "kept"]);
    let first = home.ok(&["checkpoint", "keys"]);
    let first = first.trim();
    home.ok(&["checkpoint", "rotate"]);
    home.ok(&["override", "resume-all", "--reason", "is it green"]);
    home.ok(&["checkpoint", "--keep", "kept"]);
    let keys = home.ok(&["checkpoint", "keys"]);
    assert_eq!(keys.lines().count(), 2, "{keys}");
    let verify = ["verify", "--checkpoints", "kept", "--key", first];
    let said = home.ok(&verify);
    assert!(said.contains("against 2 signed checkpoints"), "{said}");
    // The server's own note lies beside the ledger.
    home.ok(&["verify", "--checkpoints"]);

    let other = Home::new();
    other.ok(&["checkpoint"]);
    let stranger = other.ok(&["checkpoint", "keys"]);
    let said = home.run(&["verify", "--checkpoints", "kept", "--key", stranger.trim()]);
    assert_ne!(said.status, 0);
    assert!(said.err.contains("signed by no key"), "{}", said.err);

    rewrite(&home, "is it blue", "is it grey");
    home.ok(&["verify"]);
    let said = home.run(&verify);
    assert_eq!(said.status, 3, "{}\n{}", said.out, said.err);
    assert!(said.err.contains("written anew"), "{}", said.err);

    let kept = std::fs::read_to_string(home.dir.path().join("kept")).unwrap();
    home.file("kept", &kept.replace("urn:uuid:", "urn:uuid:0"));
    let said = home.run(&verify);
    assert!(said.err.contains("its signature is wrong"), "{}", said.err);
}
