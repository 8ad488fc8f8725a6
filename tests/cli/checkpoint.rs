//! Signed checkpoints: a history that was written anew and chained again verifies by itself, and not against them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use deeds::domain::hash::{Hash, link};

use crate::run::{Home, Said};

/// Changes a word in every deed that has it, and chains the ledger again, as whoever may write the file can.
fn rewrite(home: &Home, from: &str, to: &str) -> u64 {
    rewrite_at(&home.data(), from, to)
}

fn rewrite_at(data: &Path, from: &str, to: &str) -> u64 {
    let path = data.join("workspaces/default/ledger.db");
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
    // What lies beside the ledger has seen it as it was …
    let said = home.run(&["verify"]);
    assert!(said.status == 3 && said.err.contains("written anew"), "{}", said.err);
    // … and may be taken away by whoever may rewrite it.
    let folder = home.data().join("workspaces/default");
    for name in ["ledger.db-head", "index.db", "snapshot"] {
        std::fs::remove_file(folder.join(name)).unwrap_or_default();
    }
    let signed = std::fs::read(folder.join("heads.signed")).unwrap();
    std::fs::remove_file(folder.join("heads.signed")).unwrap();
    home.ok(&["verify"]);
    std::fs::write(folder.join("heads.signed"), signed).unwrap();
    let said = home.run(&verify);
    assert_eq!(said.status, 3, "{}\n{}", said.out, said.err);
    assert!(said.err.contains("written anew"), "{}", said.err);

    let kept = std::fs::read_to_string(home.dir.path().join("kept")).unwrap();
    home.file("kept", &kept.replace("urn:uuid:", "urn:uuid:0"));
    let said = home.run(&verify);
    assert!(said.err.contains("its signature is wrong"), "{}", said.err);
}

/// A secret that is gone is no reason to sign with another as if nothing had been: that is for a person to say.
#[test]
fn a_lost_key_is_not_made_anew_in_silence() {
    let home = Home::new();
    home.ok(&["checkpoint"]);
    let first = home.ok(&["checkpoint", "keys"]);
    home.ok(&["doctor"]);
    std::fs::remove_file(home.data().join("signing.key")).unwrap();
    let said = home.run(&["checkpoint"]);
    assert_ne!(said.status, 0, "{}", said.out);
    assert!(!home.data().join("signing.key").exists(), "it was made anew");
    let said = home.run(&["doctor"]);
    assert!(said.status == 1 && said.out.contains("rotate --lost"), "{}", said.out);
    let said = home.run(&["checkpoint", "rotate"]);
    assert_eq!(said.status, 3, "{}", said.out);
    assert!(said.err.contains("rotate --lost"), "{}", said.err);
    home.ok(&["checkpoint", "rotate", "--lost"]);
    assert_ne!(home.ok(&["checkpoint", "keys"]), first);
    home.ok(&["checkpoint"]);
    home.ok(&["verify", "--checkpoints"]);
    let said = home.run(&["checkpoint", "rotate", "--lost"]);
    assert!(said.status == 3 && said.err.contains("leave --lost out"), "{}", said.err);
    // What the first key signed is still to be checked by it.
    let before = home.data().join("workspaces/default/heads.signed.1");
    home.ok(&["verify", "--checkpoints", &before.display().to_string(), "--key", first.trim()]);
}

/// Nodes sign with one key that lies elsewhere, and what either signed is checked by it.
#[test]
fn several_directories_sign_with_one_key() {
    let (one, other) = (Home::new(), Home::new());
    one.ok(&["checkpoint"]);
    let key = one.ok(&["checkpoint", "keys"]);
    let file = other.file("mounted", &std::fs::read_to_string(one.data().join("signing.key")).unwrap());
    let shared = |arguments: &[&str]| {
        let mut command = other.command(arguments);
        command.env("DEEDS_CHECKPOINT_KEY_FILE", &file);
        Said::of(&mut command)
    };
    let said = shared(&["checkpoint", "--keep", "kept"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(shared(&["checkpoint", "keys"]).out, key);
    assert!(!other.data().join("signing.key").exists());
    other.ok(&["verify", "--checkpoints", "kept", "--key", key.trim()]);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = shared(&["checkpoint"]);
    assert!(said.status != 0 && said.err.contains("chmod 600"), "{said:?}");
}

/// What the doctor looks at is the ledger beside what was signed of it.
#[test]
fn the_doctor_holds_a_ledger_against_what_was_signed_of_it() {
    let home = Home::new();
    home.ok(&["override", "pause-all", "--reason", "is it blue", "--for", "1h"]);
    home.ok(&["checkpoint"]);
    let said = home.ok(&["doctor"]);
    assert!(said.contains("the ledger agrees with"), "{said}");
    rewrite(&home, "is it blue", "is it grey");
    let said = home.run(&["doctor"]);
    assert!(said.status == 1 && said.out.contains("written anew"), "{}", said.out);
}

/// A backup has what was signed and the public keys, and no secret; what is put back goes on to be checked.
#[test]
fn what_was_signed_comes_back_with_a_backup() {
    let home = Home::new();
    home.ok(&["override", "pause-all", "--reason", "is it blue", "--for", "1h"]);
    home.ok(&["checkpoint"]);
    home.ok(&["checkpoint", "rotate"]);
    home.ok(&["override", "resume-all", "--reason", "is it green"]);
    home.ok(&["checkpoint"]);
    home.ok(&["backup", "b.tar"]);
    let secret = std::fs::read(home.data().join("signing.key")).unwrap();
    let backup = std::fs::read(home.dir.path().join("b.tar")).unwrap();
    assert!(!backup.windows(secret.len()).any(|part| part == secret), "the secret is in the backup");
    let keys = home.ok(&["checkpoint", "keys"]);
    let first = keys.lines().next().unwrap().to_owned();

    let new = home.dir.path().join("new");
    let said = home.run(&["restore", "b.tar", "--data-dir", "new"]);
    assert_eq!(said.status, 0, "{}\n{}", said.out, said.err);
    assert!(said.err.contains("heads are not signed here until"), "{}", said.err);
    for name in ["signing.keys", "workspaces/default/heads.signed"] {
        let there = new.join(name);
        assert_eq!(std::fs::read(&there).unwrap(), std::fs::read(home.data().join(name)).unwrap(), "{name}");
        assert_eq!(there.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    let at = |arguments: &[&str]| home.run(&[&["--data-dir", "new"], arguments].concat());
    let said = at(&["verify", "--checkpoints", "--key", &first]);
    assert_eq!(said.out, home.ok(&["verify", "--checkpoints", "--key", &first]), "{}", said.err);
    assert!(said.out.contains(" signed checkpoints"), "{}", said.out);
    assert_ne!(at(&["checkpoint"]).status, 0, "there is no key to sign with");
    std::fs::copy(home.data().join("signing.key"), new.join("signing.key")).unwrap();
    assert_eq!(at(&["checkpoint"]).status, 0);
    let said = at(&["verify", "--checkpoints", "--key", &first]);
    assert_eq!(said.status, 0, "{}", said.err);
    rewrite_at(&new, "is it blue", "is it grey");
    let said = at(&["verify", "--checkpoints", "--key", &first]);
    assert!(said.status == 3 && said.err.contains("written anew"), "{}", said.err);

    // Into a directory with the keys of another server nothing is put.
    let other = Home::new();
    other.ok(&["checkpoint"]);
    std::fs::create_dir(home.dir.path().join("mixed")).unwrap();
    std::fs::set_permissions(home.dir.path().join("mixed"), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::copy(other.data().join("signing.keys"), home.dir.path().join("mixed/signing.keys")).unwrap();
    let said = home.run(&["restore", "b.tar", "--data-dir", "mixed"]);
    assert!(said.status == 2 && said.err.contains("the keys of another server"), "{}", said.err);
    assert!(!home.dir.path().join("mixed/workspaces").exists());
}
