//! The review as a ritual: what is predicted and why, one key to take it and one to confirm, what else can be done with a case,
//! the card at the end; and several cases at once, each named, with who is told.

use super::*;
use crate::domain::things::{CameTo, ReviewEnd};

fn queue_end(team: &Team) -> ReviewEnd {
    team.state.board.reviews.values().find_map(|reviews| reviews.last.clone()).unwrap()
}

/// As deep as a review goes by two keys for each case.
#[test]
fn a_predicted_answer_takes_one_key_and_one_that_confirms() {
    let mut team = team();
    let mut runner = dana(&mut team);
    let shown = press(&mut team, &mut runner, "R");
    // None alike was answered: the nearest zone speaks for it. Its map difference, the case alike by name, and who is told.
    for words in [
        "expand intake: writes crm/contact/*#score",
        "suggested: intake writes",
        "v1 → v2",
        "+ intake.writes crm/contact/*#score",
        "this case and 1 alike:",
        "#2 #score = 7, crm/contact/globex",
        "◇ intake",
        "space accept",
        "l leave",
        "n skip",
        "esc end",
        "? help",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    // The case is beside it, and taking it decides nothing.
    assert!(shown.contains("INPUT") && shown.contains("WHY"), "{shown}");
    let taken = press(&mut team, &mut runner, "space");
    assert!(taken.contains("[ expand ⏎ ]") && taken.contains("INPUT"), "{taken}");
    assert_eq!(team.state.board.items.len(), 3);
    let next = press(&mut team, &mut runner, "enter");
    assert_eq!(team.state.board.items.len(), 1, "{next}");
    assert!(next.contains("#3  unmatched input") && next.contains("3 of 3"), "{next}");
    // The other one has no like, and no zone: that is said, with what can be done.
    assert!(next.contains("none is predicted") && next.contains("expand, handle, out of scope, leave"));
    assert!(press(&mut team, &mut runner, "space").contains("no answer is predicted for this case"));
}

/// A key that is held down answers nothing, whichever it is.
#[test]
fn a_key_that_is_held_down_decides_nothing() {
    let mut team = team();
    let mut runner = dana(&mut team);
    press(&mut team, &mut runner, "R");
    for key in ["space", "enter", "tab", "l", "n"] {
        for _ in 0..8 {
            press(&mut team, &mut runner, key);
        }
        press(&mut team, &mut runner, "esc");
        if !runner.screen_text().contains("review  ") {
            press(&mut team, &mut runner, "esc R");
        }
        assert_eq!(team.state.board.items.len(), 3, "{key}: {}", runner.screen_text());
    }
    runner.send_keys_at_once("space enter").unwrap();
    team.serve(&mut runner);
    assert_eq!(team.state.board.items.len(), 3, "typed before it was shown: {}", runner.screen_text());
}

/// How many of those alike got it is said, and it comes with the words of the last of them.
#[test]
fn what_was_answered_before_is_predicted_with_its_words() {
    let mut team = team();
    let mut runner = dana(&mut team);
    let ask = json!({"do": "escalate", "subject": "crm/contact/4", "why": "reply outside templates", "input": "when?"});
    for keys in ["G o text:not_ours", "G h text:called_them", "G h text:called_them_back"] {
        team.agent("follow-up", ask.clone()).unwrap();
        team.news(&mut runner);
        press(&mut team, &mut runner, &format!("{keys} enter tab enter"));
        assert_eq!(team.state.board.items.len(), 3, "{}", runner.screen_text());
    }
    team.agent("follow-up", ask).unwrap();
    team.news(&mut runner);
    let shown = press(&mut team, &mut runner, "/ text:contact/4 enter R");
    for words in [
        "ANSWER   handle",
        "2 of 3 alike: handled",
        "words    called them back",
        "map      stays as it is, v1",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let open = press(&mut team, &mut runner, "space");
    assert!(open.contains("note     called them back") && open.contains("[ handle ⏎ ]"), "{open}");
    let card = press(&mut team, &mut runner, "enter");
    assert!(card.contains("1 of 1 gone through") && card.contains("1  handled"), "{card}");
    assert_eq!(team.state.board.closed.last().unwrap().answer.note().unwrap().as_ref(), "called them back");
}

/// Answered, handed on and left with a reason count; skipped does not, and is told. The deed of the end says the same.
#[test]
fn the_card_says_what_became_of_each_case() {
    let mut team = team();
    team.agent("follow-up", json!({"do": "escalate", "subject": "crm/contact/late", "why": "reply outside templates", "input": "late"})).unwrap();
    team.agent("follow-up", json!({"do": "escalate", "subject": "crm/contact/last", "why": "reply outside templates", "input": "last"})).unwrap();
    let mut runner = dana(&mut team);
    press(&mut team, &mut runner, "R space enter");
    // A reason is needed.
    let asked = press(&mut team, &mut runner, "l enter");
    assert!(asked.contains("Leave #3 for later") && asked.contains("say in the reason"), "{asked}");
    let next = press(&mut team, &mut runner, "text:legal_answers_on_Friday enter tab enter");
    assert!(next.contains("#4  unmatched input") && next.contains("4 of 5"), "{next}");
    team.now = team.now.plus(Span::from_secs(100));
    let next = press(&mut team, &mut runner, "T text:sam enter");
    assert!(next.contains("#5  unmatched input"), "{next}");
    let round = press(&mut team, &mut runner, "n");
    assert!(round.contains("#5  unmatched input"), "the only one left comes again: {round}");
    let card = press(&mut team, &mut runner, "esc");
    for words in [
        "4 of 5 gone through in 1m4",
        "1  expanded",
        "1  alike, settled along with these",
        "1  handed on",
        "1  left with a reason",
        "1  skipped, which does not count:",
        "#5 last, crm/contact/last",
        "map v1 to v2:",
        "+ intake.writes crm/contact/*#score",
    ] {
        assert!(card.contains(words), "{words}: {card}");
    }
    insta::assert_snapshot!("card_120x36", card);
    let end = queue_end(&team);
    let wanted = CameTo {
        handed_on: 1,
        put_off: 1,
        alike: 1,
        map: Some((crate::domain::ids::MapVersion(1), crate::domain::ids::MapVersion(2))),
        changes: vec![std::sync::Arc::from("+ intake.writes crm/contact/*#score")],
    };
    assert_eq!((end.answered, end.came_to), (2, wanted));
    // It keeps nobody: whatever else is wanted is done, but nothing is decided on what it covers.
    let claimed = press(&mut team, &mut runner, "c");
    assert!(!claimed.contains("Review ended"), "{claimed}");
    assert!(team.state.board.items.values().all(|item| item.claimed_by.is_none()));
    assert!(press(&mut team, &mut runner, "R esc ?").contains("Keys of the inbox"));
    assert!(!press(&mut team, &mut runner, "esc esc").contains("Review ended"));
}

/// An answer that is taken back in the review: its case is gone through again.
#[test]
fn what_is_undone_waits_again_in_the_review() {
    let mut team = team();
    let mut runner = dana(&mut team);
    press(&mut team, &mut runner, "R space enter");
    let shown = press(&mut team, &mut runner, "u tab enter");
    assert_eq!(team.state.board.items.len(), 3, "{shown}");
    let again = press(&mut team, &mut runner, "n");
    assert!(again.contains("#1  unowned field") || again.contains("#2  unowned field"), "{again}");
    let card = press(&mut team, &mut runner, "esc");
    assert!(card.contains("0 of 3 gone through") && card.contains("the map stays as it is"), "{card}");
}

/// Whoever else answers meanwhile, the review goes on, and says so.
#[test]
fn what_others_answer_meanwhile_is_told_apart() {
    let mut team = team();
    let mut runner = dana(&mut team);
    press(&mut team, &mut runner, "R");
    let item = &team.state.board.items[&ItemNo(1)];
    let (version, digest) = (item.version, item.digest());
    let answer = json!({"do": "item", "item": 1, "step": "answer", "version": version, "digest": digest,
        "answer": {"kind": "handle", "note": "by phone"}});
    team.person(&PersonId::new("dana").unwrap(), TokenClass::Admin, serde_json::from_value(answer).unwrap())
        .unwrap();
    team.serve(&mut runner);
    let shown = runner.screen_text();
    assert!(shown.contains("#2  unowned field") && shown.contains("1 of 1 alike: handled"), "{shown}");
    let card = press(&mut team, &mut runner, "esc");
    assert!(card.contains("1  answered by somebody else") && card.contains("2  skipped"), "{card}");
}

/// Several at once: each by number and title, what stands in the way of one, and everybody who is told.
#[test]
fn several_cases_are_named_with_who_is_told() {
    let mut team = team();
    let mut runner = dana(&mut team);
    let shown = press(&mut team, &mut runner, "* j space h text:by_phone");
    for words in [
        "3 marked cases, each by itself:",
        "#1 #score = 7, crm/contact/acme",
        "#2 #score = 7, crm/contact/globex",
        "#3 We'd",
        "◇ intake, ◇ follow-up",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    press(&mut team, &mut runner, "enter tab enter");
    assert!(team.state.board.items.is_empty(), "{}", runner.screen_text());
}

/// A long list of names is scrolled, and says how much there is.
#[test]
fn many_cases_are_named_and_scrolled() {
    let mut team = Team::new(MAP, start()).unwrap();
    for no in 1..=40 {
        let write = json!({"do": "write", "entity": format!("crm/contact/c{no}"), "changes": {"score": 7}, "expected": {"score": 0}});
        team.agent("intake", write).unwrap();
    }
    let mut runner = by_keys::console(&mut team, View::Inbox, TokenClass::Admin, (80, 24));
    let shown = press(&mut team, &mut runner, "e");
    assert!(shown.contains("this case and 39 alike:") && shown.contains(" more"), "{shown}");
    let mut seen = shown;
    for _ in 0..10 {
        seen.push_str(&press(&mut team, &mut runner, "pgdn"));
    }
    for no in 2..=40 {
        assert!(
            seen.contains(&format!("#{no} #score = 7, crm/contact/c{no}")),
            "#{no} is not named:\n{seen}"
        );
    }
    assert!(seen.contains("tells    ◇ intake"), "{seen}");
}

/// The same in every size: the case can be read, and the answer is under it or beside it.
#[test]
fn a_review_in_every_size() {
    for (width, height) in [(60, 20), (80, 24), (200, 60)] {
        let mut team = team();
        let mut runner = by_keys::console(&mut team, View::Inbox, TokenClass::Admin, (width, height));
        let shown = press(&mut team, &mut runner, "R");
        assert!(shown.contains("crm/contact/acme#score → 7") && shown.contains("nobody owns"), "{shown}");
        assert!(shown.contains("ANSWER") && shown.contains("expand intake"), "{shown}");
        insta::assert_snapshot!(format!("review_{width}x{height}"), shown);
    }
}
