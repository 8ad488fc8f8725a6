//! Pairs of patterns by hand, and random ones against trying every path of a small alphabet.

use proptest::prelude::*;

use super::*;
use crate::domain::path::EntityPath;

fn pattern(text: &str) -> Pattern {
    text.parse().unwrap()
}

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| pattern(text)).collect()
}

fn example(a: &str, a_except: &[&str], b: &str, b_except: &[&str]) -> Option<String> {
    overlap(&pattern(a), &patterns(a_except), &pattern(b), &patterns(b_except))
        .path()
        .map(|path| path.to_string())
}

#[test]
fn patterns_meet_where_a_path_matches_both() {
    let cases: [(&str, &str, Option<&str>); 18] = [
        ("crm/contact/*#status", "crm/contact/*#status", Some("crm/contact/b#status")),
        ("crm/contact/*#status", "crm/contact/*#name", None),
        ("crm/contact/*#status", "crm/contact/*", Some("crm/contact/b#status")),
        ("crm/contact/*#status", "crm/contact/acme", Some("crm/contact/acme#status")),
        ("crm/lead/vip-*", "crm/lead/*-x", Some("crm/lead/vip-x")),
        ("crm/lead/a*", "crm/lead/b*", None),
        ("**", "a", Some("a")),
        ("a/**", "a/**/b", Some("a/b")),
        ("a/**", "a", Some("a")),
        ("a/*/**", "a", None),
        ("**/a", "b/**", Some("b/a")),
        ("a/*", "a/*/*", None),
        ("a#x*", "a#*y", Some("a#xy")),
        ("a#*", "a#", None),
        ("a#", "a", Some("a")),
        ("a/.*", "a/*.", Some("a/.b.")),
        ("a/{*", "a/*}", None),
        ("é*", "*é", Some("é")),
    ];
    for (a, b, expected) in cases {
        assert_eq!(example(a, &[], b, &[]).as_deref(), expected, "{a} and {b}");
        assert_eq!(example(b, &[], a, &[]).is_some(), expected.is_some(), "{b} and {a}");
    }
}

#[test]
fn exceptions_are_taken_out_exactly() {
    assert_eq!(example("crm/lead/*", &["crm/lead/vip-*"], "crm/lead/vip-*", &[]), None);
    assert_eq!(example("crm/lead/*", &["crm/lead/vip-?*"], "crm/lead/v*", &[]).unwrap(), "crm/lead/v");
    assert_eq!(example("a/*", &["a/*#x", "a/*#"], "a/*#x*", &[]).unwrap(), "a/b#xb");
    assert_eq!(example("a/*", &["a/*#*", "a/*#"], "a/*", &[]), None);
    assert_eq!(example("**", &["*/**"], "**", &[]), None);
    assert_eq!(example("a/**", &["a"], "**", &["a/*"]).unwrap(), "a/b/b");
}

#[test]
fn lengths_count() {
    let (long_x, long_y) = ("x".repeat(300), "y".repeat(300));
    assert_eq!(example(&format!("{long_x}*"), &[], &format!("*{long_y}"), &[]), None);
    assert!(example(&format!("{long_x}*"), &[], &format!("*{}", "y".repeat(212)), &[]).is_some());
    let (long_x, long_y) = ("x".repeat(100), "y".repeat(100));
    assert_eq!(example(&format!("a#{long_x}*"), &[], &format!("a#*{long_y}"), &[]), None);
}

#[test]
fn covering_minds_both_sides_exceptions() {
    let all = |grants: &[&str], except: &[&str], wanted: &str, less: &[&str]| {
        covers(&patterns(grants), &patterns(except), &pattern(wanted), &patterns(less))
    };
    assert!(all(&["crm/**"], &[], "crm/contact/*#status", &[]));
    assert!(!all(&["crm/**"], &["crm/contact/vip"], "crm/contact/*#status", &[]));
    assert!(all(&["crm/**"], &["crm/contact/vip"], "crm/contact/*#status", &["crm/contact/vip"]));
    assert!(all(&["a/*#*", "a/*#"], &[], "a/*", &[]));
    assert!(!all(&["a/*#*"], &[], "a/*", &[]));
    assert!(!all(&[], &[], "a", &[]));
}

#[test]
fn hostile_patterns_end() {
    let stars = |letter: &str| format!("{letter}*").repeat(250);
    assert!(example(&stars("a"), &[], &stars("b"), &[]).is_none());
    let far = format!("**/a*{}", "/*".repeat(24));
    let near = format!("**/b*{}", "/*".repeat(23));
    assert!(example("**", &[&far, &near], "**", &["*", "x/*"]).is_some());
}

#[test]
fn hundreds_of_names_anywhere_are_told_apart() {
    let names: Vec<Pattern> = (0..500).map(|at| pattern(&format!("files/**/name{at}.txt/**"))).collect();
    let mut work = Work::together();
    for at in 0..names.len() {
        let (before, from) = names.split_at(at);
        let Some((this, after)) = from.split_first() else { continue };
        let later: Exceptions = after.iter().collect();
        let found = meet(this, &Pattern::everything(), &[&later], &mut work);
        assert!(found.is_sure(), "{this}: {found:?}");
        // Less the later names, an earlier one never reaches into a later one.
        if let (Some(earlier), Some(last)) = (before.last(), after.last()) {
            let mut less = later.clone();
            less.insert(this, 1);
            assert_eq!(meet(earlier, last, &[&less], &mut work), Meeting::Apart);
        }
    }
    assert!(work.together > MAX_STEPS_TOGETHER / 2, "{work:?}");
}

#[test]
fn what_would_take_too_long_is_not_decided() {
    // Everything that contains an `x` is taken out, which only remembering each of the last segments would show.
    let mut except: Vec<Pattern> = (0..24).map(|at| pattern(&format!("**/x{}", "/*".repeat(at)))).collect();
    except.push(pattern(&format!("**/x{}/**", "/*".repeat(24))));
    let long = pattern(&format!("{}**", "**/x/".repeat(9)));
    assert_eq!(overlap(&long, &except, &Pattern::everything(), &[]), Meeting::Undecided);
    assert!(overlap(&pattern("**/z"), &except, &Pattern::everything(), &[]).is_sure());
    let mut spent = Work { together: 3, question: 3 };
    let all = Exceptions::default();
    assert_eq!(meet(&pattern("a/b/c/d/e"), &pattern("z/**"), &[&all], &mut spent), Meeting::Apart);
    assert_eq!(meet(&pattern("a/b/c/d/e"), &pattern("**/e"), &[&all], &mut spent), Meeting::Undecided);
    assert_eq!(example("a/\u{10ffff}", &[], "a/*", &[]), None);
}

/// Every valid path over a small alphabet.
fn small_paths() -> Vec<FieldPath> {
    let mut segments = vec![];
    for x in ["a", "b", "."] {
        segments.push(x.to_owned());
        for y in ["a", "b", "."] {
            segments.push(format!("{x}{y}"));
        }
    }
    let mut entities = segments.clone();
    for x in &segments {
        entities.extend(segments.iter().map(|y| format!("{x}/{y}")));
    }
    entities.extend(["a/a/a", "a/b/a", "b/a/b", "a/a/b", "b/b/b", "a/b/a/b"].map(str::to_owned));
    let mut paths = vec![];
    for entity in entities.iter().filter_map(|entity| entity.parse::<EntityPath>().ok()) {
        for field in ["", "a", "b", "ab", "ba"] {
            paths.push(entity.field(field.parse().unwrap()));
        }
    }
    paths
}

fn a_pattern() -> impl Strategy<Value = Pattern> {
    let segment = prop_oneof![
        2 => "[ab.]{1,2}",
        1 => Just("*".to_owned()),
        1 => Just("**".to_owned()),
        2 => "[ab]?\\*[ab.]?",
        1 => "\\*[ab]\\*",
    ];
    let field = prop_oneof![
        3 => Just(String::new()),
        1 => Just("#".to_owned()),
        1 => Just("#*".to_owned()),
        1 => "#[ab]{1,2}",
        1 => "#[ab]?\\*[ab]",
    ];
    (prop::collection::vec(segment, 1..4), field).prop_filter_map("relative", |(segments, field)| {
        format!("{}{field}", segments.join("/")).parse().ok()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn overlap_agrees_with_trying_every_path(
        a in a_pattern(),
        b in a_pattern(),
        a_except in prop::collection::vec(a_pattern(), 0..3),
        b_except in prop::collection::vec(a_pattern(), 0..2),
    ) {
        let both = |path: &FieldPath| {
            a.matches_path(path)
                && b.matches_path(path)
                && !a_except.iter().chain(&b_except).any(|taken| taken.matches_path(path))
        };
        let found = overlap(&a, &a_except, &b, &b_except);
        let tried = small_paths().into_iter().filter(both).min_by_key(|path| path.to_string().len());
        match (&found, &tried) {
            (Meeting::At(found), _) => {
                prop_assert!(both(found), "{found} does not match both");
                prop_assert_eq!(&found.to_string().parse::<FieldPath>().unwrap(), found);
            }
            (Meeting::Undecided, _) => prop_assert!(false, "not decided"),
            (Meeting::Apart, Some(tried)) => prop_assert!(false, "missed {tried}"),
            (Meeting::Apart, None) => {}
        }
        prop_assert_eq!(overlap(&b, &b_except, &a, &a_except).is_sure(), found.is_sure());
    }

    #[test]
    fn covering_agrees_with_trying_every_path(
        grants in prop::collection::vec(a_pattern(), 0..3),
        except in prop::collection::vec(a_pattern(), 0..2),
        wanted in a_pattern(),
    ) {
        if covers(&grants, &except, &wanted, &[]) {
            for path in small_paths().iter().filter(|path| wanted.matches_path(path)) {
                prop_assert!(grants.iter().any(|grant| grant.matches_path(path)), "{path} is not granted");
                prop_assert!(!except.iter().any(|taken| taken.matches_path(path)), "{path} is taken out");
            }
        }
    }
}
