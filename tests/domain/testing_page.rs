//! `docs/TESTING-MAPS.md`: its tables are the code's, and its example passes and touches the whole map.

use std::fmt::Write as _;

use deeds::rehearse::{Suite, words};

const PAGE: &str = include_str!("../../docs/TESTING-MAPS.md");
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/TESTING-MAPS.md");

fn table(does: bool) -> String {
    let head = if does {
        "\n| key | takes | what it does | with |\n|---|---|---|---|\n"
    } else {
        "\n| key | takes | what it compares |\n|---|---|---|\n"
    };
    let mut table = head.to_owned();
    for word in words().into_iter().filter(|word| word.does == does) {
        let with: Vec<String> = word.with.iter().map(|key| format!("`{key}`")).collect();
        let with = if does { format!(" {} |", with.join(", ")) } else { String::new() };
        writeln!(table, "| `{}` | {} | {} |{with}", word.key, word.value, word.sentence).unwrap();
    }
    table.replace(" |  |\n", " | |\n") + "\n"
}

/// The page with both tables as the code has them.
fn page() -> String {
    let mut page = PAGE.to_owned();
    for (name, does) in [("verbs", true), ("expectations", false)] {
        let begin = page.find(&format!("<!-- {name}: ")).unwrap();
        let begin = begin + page[begin..].find('\n').unwrap() + 1;
        let end = page.find(&format!("<!-- end of {name} -->")).unwrap();
        page.replace_range(begin..end, &table(does));
    }
    page
}

#[test]
fn the_tables_on_the_page_are_those_of_the_code() {
    if std::env::var_os("DEEDS_BLESS").is_some() {
        std::fs::write(FILE, page()).unwrap();
        return;
    }
    assert_eq!(PAGE, page(), "DEEDS_BLESS=1 writes the page anew");
}

#[test]
fn the_example_of_the_page_passes() {
    let blocks: Vec<&str> =
        PAGE.split("```toml\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    let [map, test] = blocks.as_slice() else { panic!("a map and its test: {}", blocks.len()) };
    let suite = Suite::read(test, &|_| Ok((*map).to_owned())).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let report = suite.play();
    assert_eq!(report.cases.len(), 3);
    for case in &report.cases {
        assert!(case.failure.is_none(), "{case:#?}");
    }
    assert_eq!(report.coverage.missing().collect::<Vec<_>>(), [""; 0]);
}
