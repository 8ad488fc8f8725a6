//! The table of commands, told by hand, and texts that nobody would write.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{Target, Touched, Wish, any_command, touched};

const TABLE: &str = include_str!("../../../tests/data/hooks/shell.txt");

/// A command and what the table says of it.
struct Row {
    command: String,
    says: Vec<String>,
}

fn rows() -> Vec<Row> {
    let (_, table) = TABLE.split_once("\n== ").unwrap();
    let is_heading = |line: &&str| !line.starts_with("== ");
    let table: Vec<&str> = table.lines().skip(1).filter(is_heading).collect();
    let mut rows = Vec::new();
    let mut command = String::new();
    for line in table {
        if let Some(says) = line.strip_prefix("=> ") {
            let says = says.split("; ").filter(|says| *says != "nothing").map(str::to_owned).collect();
            rows.push(Row { command: command.trim_matches('\n').to_owned(), says });
            command.clear();
        } else {
            writeln!(command, "{line}").unwrap();
        }
    }
    rows
}

fn said(target: &Target) -> String {
    let wish = match target.wish {
        Wish::Change => "change",
        Wish::Look => "look",
    };
    let below = if target.whole_folder { "/**" } else { "" };
    let into = target.into.as_ref().map(|name| format!(" (into {name})")).unwrap_or_default();
    format!("{wish} {}{below}{into}", target.path)
}

/// How what was found differs from what the table says, if it does.
fn difference(row: &Row, found: &Touched) -> Option<String> {
    let (unsure, mut files): (Vec<_>, Vec<_>) =
        row.says.iter().cloned().partition(|says| says.starts_with("unsure"));
    files.sort();
    let entered = found.entered.iter().map(|folder| format!("enter {folder}"));
    let mut targets: Vec<String> = found.targets.iter().map(said).chain(entered).collect();
    targets.sort();
    let told = |says: &String| {
        let (what, words) = says.split_once(": ").unwrap();
        let wish = if what == "unsure look" { Wish::Look } else { Wish::Change };
        found.unsure.iter().any(|unsure| unsure.wish == wish && unsure.why.contains(words))
    };
    let agrees = files == targets && unsure.iter().all(told) && unsure.is_empty() == found.unsure.is_empty();
    (!agrees).then(|| {
        format!("{}\n    table: {:?}\n    found: {targets:?} {:?}", row.command, row.says, found.unsure)
    })
}

#[test]
fn commands_do_what_the_table_says() {
    let rows = rows();
    assert!(rows.len() >= 430, "{} rows", rows.len());
    let wrong: Vec<String> = rows.iter().filter_map(|row| difference(row, &touched(&row.command))).collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn a_command_that_is_cut_off_anywhere_is_read_or_said_to_be_unread() {
    for row in rows() {
        for end in 0..row.command.len() {
            any_command(&row.command.as_bytes()[..end]);
        }
    }
}

#[test]
fn nesting_ends_nothing_but_the_reading() {
    for opener in [
        "$(",
        "${x:-",
        "$((",
        "$[",
        "(",
        "((",
        "{ ",
        "if ",
        "while ",
        "for x in a; do ",
        "case x in x) ",
        "[[ ! ",
        "[[ ( ",
        "! ",
        "coproc ",
        "f() { ",
        "<(",
        "a <(",
        "a[",
        "{a,",
        "`",
        "\"$(",
        "$(\"",
        "eval \"",
        "bash -c '",
        "function f ",
        "a=( ",
        "a[$(",
    ] {
        for times in [7, 9, 20, 60, 250, 3_000, 100_000] {
            let found = touched(&opener.repeat(times));
            let may_be_read = ["! ", "a[", "{a,", "`", "\"$(", "eval \"", "bash -c '"].contains(&opener);
            assert!(may_be_read || !found.unsure.is_empty(), "{times} times {opener}: {found:?}");
        }
    }
    for (opener, closer) in
        [("( ", " )"), ("$(", ")"), ("{ ", "; }"), ("\"$(", ")\""), ("if a; then ", "; fi"), ("<(", ")")]
    {
        for times in [1, 2, 4, 6] {
            let text = format!("echo; {}rm a{}", opener.repeat(times), closer.repeat(times));
            let found = touched(&text);
            let is_there = found.targets.iter().any(|target| target.path == "a");
            assert!(is_there || !found.unsure.is_empty(), "{text}: {found:?}");
        }
    }
}

#[test]
fn what_repeats_itself_ends() {
    let loops = "for a in 1 2 3 4 5 6 7 8 9; do ".repeat(6) + "rm $a; " + &"done; ".repeat(6);
    for text in [
        loops.as_str(),
        "f() { f; f; }; f",
        "while x; do a=$b; b=$c; c=$d; d=$e; e=$(x); done; rm $a",
        "rm {a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
        "rm {1..99999999}",
    ] {
        assert!(!touched(text).unsure.is_empty(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_bytes_they_are_read_or_said_to_be_unread(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        any_command(&bytes);
    }

    #[test]
    fn whatever_the_pieces_they_are_read_or_said_to_be_unread(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..24),
    ) {
        any_command(pieces.concat().as_bytes());
    }
}

/// What commands are made of.
const PIECES: [&str; 56] = [
    " ",
    " ",
    " ",
    "\n",
    ";",
    "&&",
    "||",
    "|",
    "&",
    "(",
    ")",
    "{ ",
    "; }",
    "((",
    "))",
    "[[ ",
    " ]]",
    "$(",
    "${",
    "}",
    "`",
    "\"",
    "'",
    "\\",
    "$'",
    "<<E\n",
    "E\n",
    "<<<",
    "<(",
    ">",
    ">>",
    "2>&1",
    "<",
    "#",
    "~",
    "*",
    "{a,b}",
    "=",
    "x=",
    "$x",
    "if ",
    " then ",
    " fi",
    "for x in ",
    " do ",
    " done",
    "case x in ",
    " esac",
    "rm ",
    "cd ",
    "sed -i ",
    "git ",
    "a",
    "docs/",
    "--",
    "-r",
];
