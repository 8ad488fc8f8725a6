//! What is kept, how it changes, and its bounds.

use super::*;
use crate::console::keys::Key;
use crate::console::widgets::form::Field;
use crate::console::widgets::prompt::Insert;

fn draft(about: &str, text: &str) -> Change {
    Change::Draft { about: about.to_owned(), texts: Texts::from([("note".to_owned(), text.to_owned())]) }
}

#[test]
fn what_was_typed_is_kept_by_what_it_is_about_until_it_is_emptied_or_done() {
    let new = || Form::new(vec![Field::reason("note"), Field::needed("body", "as it was", "")], "handle");
    let (mut kept, mut form) = (Kept::default(), new());
    assert_eq!(closed("Handle #1", &form), "not done: Handle #1");
    "by phone".chars().for_each(|c| form.insert(Insert::Key(Key::char(c).into())));
    assert!(closed("Handle #1", &form).ends_with("the text is kept"));
    kept.take(&Change::Draft { about: "Handle #1".to_owned(), texts: form.texts() }, 1);
    let mut again = new();
    kept.resume("Handle #2", &mut again);
    assert_eq!(again.text("note"), "");
    kept.resume("Handle #1", &mut again);
    assert_eq!((again.text("note"), again.text("body")), ("by phone", "as it was"));
    kept.take(&Change::Draft { about: "Handle #1".to_owned(), texts: new().texts() }, 2);
    assert_eq!(kept.drafts.len(), 0, "emptied by hand");
}

/// The same number is another case in another ledger.
#[test]
fn each_ledger_has_its_own() {
    let mut keeping = Keeping::written(BTreeMap::new());
    let (one, other) = (WorkspaceId::new("one").unwrap(), WorkspaceId::new("other").unwrap());
    assert_eq!(keeping.take(draft("Handle #1", "x"), 1), None, "nobody knows yet of which ledger");
    keeping.come_to("urn:uuid:1", &one);
    assert!(keeping.here().drafts.is_empty());
    let note = keeping.take(draft("Handle #1", "by phone"), 2).unwrap();
    assert_eq!((note.ledger.as_str(), note.workspace.as_str()), ("urn:uuid:1", "one"));
    keeping.come_to("urn:uuid:2", &other);
    assert!(keeping.here().drafts.is_empty());
    keeping.come_to("urn:uuid:1", &one);
    assert_eq!(keeping.here().drafts["Handle #1"].texts["note"], "by phone");
    assert_eq!(Keeping::default().take(draft("Handle #1", "x"), 1), None, "nothing is written");
}

#[test]
fn filters_are_named_renamed_and_used_without_doubles() {
    let mut kept = Kept::default();
    for filter in ["a", "b", "a"] {
        kept.take(&Change::Recent(filter.to_owned()), 1);
    }
    assert_eq!(kept.recent, ["a", "b"]);
    for n in 0..2 * RECENT {
        kept.take(&Change::Recent(n.to_string()), 1);
    }
    assert_eq!(kept.recent.len(), RECENT);
    for name in ["mine", "ours"] {
        kept.take(&Change::Saved { name: name.to_owned(), filter: "actor:sales".to_owned() }, 1);
    }
    assert_eq!((kept.name_of("actor:sales"), kept.saved.len()), (Some("ours"), 1), "renamed");
    kept.take(&Change::Forgotten("ours".to_owned()), 1);
    assert_eq!(kept.name_of("actor:sales"), None);
}

#[test]
fn nothing_grows_beyond_its_bound_and_what_is_typed_last_stays() {
    let mut kept = Kept::default();
    for n in 0..2 * DRAFTS {
        kept.take(&draft(&n.to_string(), "x"), i64::try_from(n).unwrap());
    }
    assert!(kept.drafts.len() == DRAFTS && !kept.drafts.contains_key("0"));
    for n in 0..20 {
        kept.take(&draft(&format!("long {n}"), &"é".repeat(8192)), 1000 + n);
    }
    assert!(kept.drafts.contains_key("long 19") && kept.drafts.len() < 20, "{}", kept.drafts.len());
    for n in 1..=2000 {
        kept.take(&Change::Bookmark(Seq(n), true), 1);
    }
    assert_eq!((kept.bookmarks.len(), kept.bookmarks.first()), (BOOKMARKS, Some(&Seq(1001))));
    for n in 0..2 * SAVED {
        kept.take(&Change::Saved { name: n.to_string(), filter: format!("#{n}") }, 1);
    }
    assert_eq!(kept.saved.len(), SAVED);
}

/// What a later version keeps beside is carried on, and a place that only it knows is none.
#[test]
fn what_a_later_version_keeps_stays() {
    let text = r#"{"place":{"view":"dreams","spot":null},"saved":{"mine":"x"},"dreams":[1,2]}"#;
    let kept: Kept = serde_json::from_str(text).unwrap();
    assert_eq!((&kept.place, kept.name_of("x")), (&None, Some("mine")));
    assert!(serde_json::to_string(&kept).unwrap().contains(r#""dreams":[1,2]"#));
    let place = LastPlace {
        view: View::Log,
        spot: Some(Spot::Within("outcome:refused".to_owned(), Seq(7))),
        filter: String::new(),
    };
    let kept = Kept { place: Some(place), ..Kept::default() };
    assert_eq!(serde_json::from_str::<Kept>(&serde_json::to_string(&kept).unwrap()).unwrap(), kept);
}
