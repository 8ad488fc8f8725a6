//! Undo: what an answer did is taken back in one batch, while none of it has been used.

use super::script::{check, play};
use super::world::{TEAM, World};
use deeds::domain::ids::ItemNo;

#[test]
fn an_expansion_is_taken_back_whole() {
    let mut world = World::new(TEAM);
    play(
        &mut world,
        "
        sourcing writes crm/contact/7 score=9@0 -> escalated unowned
        sourcing writes crm/contact/8 score=3@0 -> escalated unowned
        ",
    );
    let model = world.state.board.map.model().clone();
    play(
        &mut world,
        "
        sam expands #1 sourcing writes crm/contact/*#score with #2 -> recorded
        = crm/contact/7#score 9 v1
        works sourcing 2
        sam undoes #1 -> recorded
        items #1 #2
        works
        map v3
        = crm/contact/7#score null v2
        = crm/contact/8#score null v2
        sourcing writes crm/contact/9 score=1@0 -> escalated unowned
        sam undoes #1 -> refused wrong-state
        ",
    );
    assert_eq!(world.state.board.map.model(), &model);
    let past = world.state.board.past.iter().next().unwrap().1;
    assert_eq!((past.expand, past.handle, past.out_of_scope), (0, 0, 0));
}

/// It can be answered again, with the version of now.
#[test]
fn after_an_undo_the_item_is_open_again() {
    let world = check(
        "
        sales escalates 'x' because 'y' -> escalated
        dana handles #1 'by phone' -> recorded
        works sales 1
        dana undoes #1 -> recorded
        works
        items #1
        dana drops #1 'after all' -> recorded
        works sales 1
        ",
    );
    assert_eq!(world.state.board.closed_item(ItemNo(1)).unwrap().answer.word(), "out of scope");
}

#[test]
fn used_work_can_not_be_taken_back() {
    check(
        "
        sales escalates 'x' because 'y' -> escalated
        dana handles #1 'by phone' -> recorded
        sales completes 1 -> recorded
        dana undoes #1 -> refused used-since
        items
        ",
    );
}

#[test]
fn a_field_written_since_keeps_the_answer() {
    check(
        "
        sourcing writes crm/contact/7 score=9@0 -> escalated unowned
        sam expands #1 sourcing writes crm/contact/*#score -> recorded
        sourcing writes crm/contact/7 score=10@1 -> committed
        sam undoes #1 -> refused used-since
        = crm/contact/7#score 10 v2
        map v2
        ",
    );
}

#[test]
fn a_grant_used_elsewhere_keeps_the_answer() {
    check(
        "
        sourcing writes crm/contact/7 score=9@0 -> escalated unowned
        sam expands #1 sourcing writes crm/contact/*#score -> recorded
        sourcing writes crm/contact/8 score=10@0 -> committed
        sam undoes #1 -> refused used-since
        sales acts slack/deals post_win on crm/deal/7 -> escalated unowned
        dana expands #2 sales outputs slack/deals -> recorded
        dana undoes #2 -> refused used-since
        ",
    );
}

#[test]
fn rules_transfers_and_newcomers_are_taken_back() {
    let mut world = World::new(TEAM);
    let model = world.state.board.map.model().clone();
    play(
        &mut world,
        "
        sales escalates 'spam' because 'somebody sells something' -> escalated
        dana drops #1 'spam' rule -> recorded
        sales escalates 'spam' because 'somebody sells something' -> refused out-of-scope
        dana undoes #1 -> recorded
        sales escalates 'spam' because 'somebody sells something' -> escalated
        dana! transfers #1 crm/contact/*#status from sourcing to sales -> recorded
        dana undoes #1 -> recorded
        sourcing writes crm/contact/7 status=new@0 -> committed
        newcomer writes blog/post title=hello@0 -> escalated unowned
        dana expands #2 newcomer writes blog/post -> recorded
        dana undoes #2 -> recorded
        = blog/post#title null v2
        items #1 #2
        ",
    );
    assert_eq!(world.state.board.map.model(), &model);
    assert!(world.state.board.rules.is_empty());
}

/// A grant that lifted an exception leaves the exception behind when it is taken back.
#[test]
fn an_exception_comes_back() {
    let mut world = World::new(TEAM);
    let model = world.state.board.map.model().clone();
    play(
        &mut world,
        "
        sales writes crm/account/vip-1 plan=gold@0 -> escalated unowned
        dana expands #1 sales writes crm/account/vip-* -> refused not-allowed
        dana! expands #1 sales writes crm/account/vip-* -> recorded
        = crm/account/vip-1#plan gold v1
        dana undoes #1 -> recorded
        sales writes crm/account/vip-2 plan=gold@0 -> escalated unowned
        ",
    );
    assert_eq!(world.state.board.map.model(), &model);
}

#[test]
fn a_settled_conflict_is_open_again() {
    check(
        "
        sales writes crm/deal/7 stage=trial@0 -> committed
        sourcing writes crm/contact/7 status=sourced@0 -> committed
        alerts contradiction x1
        dana handles #1 'the pipeline is right' -> recorded
        alerts
        dana undoes #1 -> recorded
        items #1
        alerts contradiction x1
        ",
    );
}

#[test]
fn only_who_may_answer_may_undo() {
    check(
        "
        sales escalates 'x' because 'y' -> escalated
        dana undoes #1 -> refused wrong-state
        dana handles #1 'by phone' -> recorded
        eve undoes #1 -> refused not-named
        dana undoes #7 -> refused not-found
        dana undoes #1 -> recorded
        ",
    );
}

/// An item that another answer settled goes back with that one only.
#[test]
fn an_included_item_is_not_undone_alone() {
    check(
        "
        sales escalates 'a' because 'y' -> escalated
        support escalates 'A' because 'z' -> escalated
        dana handles #1 'both by phone' with #2 -> recorded
        dana undoes #2 -> refused wrong-state
        dana undoes #1 -> recorded
        items #1 #2
        ",
    );
}

/// A record that came or went with the answer is not half put back.
#[test]
fn what_came_into_being_is_not_undone() {
    check(
        "
        newcomer creates blog/post title=hello -> escalated unowned
        dana expands #1 newcomer writes blog/* -> recorded
        = blog/post#title hello v1
        dana undoes #1 -> refused used-since
        = blog/post#title hello v1
        map v2
        ",
    );
}

/// Nor does an undo call back what was deleted since.
#[test]
fn the_gone_stay_gone() {
    check(
        "
        newcomer writes blog/post title=hello@0 -> escalated unowned
        dana expands #1 newcomer writes blog/* -> recorded
        newcomer deletes blog/post @1 -> committed
        dana undoes #1 -> refused used-since
        = blog/post gone
        ",
    );
}

#[test]
fn a_transfer_that_was_used_stays() {
    check(
        "
        sales escalates 'let me' because 'they asked' -> escalated
        dana! transfers #1 crm/contact/*#status from sourcing to sales -> recorded
        sales writes crm/contact/7 status=new@0 -> committed
        dana undoes #1 -> refused used-since
        map v2
        ",
    );
}

/// A grant was used, even where somebody wrote over it later.
#[test]
fn an_earlier_use_counts() {
    check(
        "
        sourcing writes crm/contact/7 score=9@0 -> escalated unowned
        sam expands #1 sourcing writes crm/contact/*#score -> recorded
        sourcing writes crm/contact/8 score=1@0 -> committed
        sam sets crm/contact/8#score 2@1 'counted by hand' -> committed
        sam undoes #1 -> refused used-since
        ",
    );
}

/// What went outside with the answer is used, also after it has ended; what was stopped is not.
#[test]
fn an_output_is_used_by_the_act_that_was_let_go() {
    check(
        "
        sales acts slack/deals post_win on crm/deal/7 -> escalated unowned
        dana expands #1 sales outputs slack/deals -> recorded
        sales done 1 -> committed
        dana undoes #1 -> refused used-since
        sales acts slack/wins post_win on crm/deal/8 -> escalated unowned
        dana freezes crm/deal/8 'under audit' -> recorded
        dana expands #2 sales outputs slack/wins -> recorded
        dana undoes #2 -> recorded
        items #2
        ",
    );
}

#[test]
fn conflicts_are_settled_and_opened_again_one_by_one() {
    check(
        "
        sales writes crm/deal/7 stage=trial@0 -> committed
        sourcing writes crm/contact/7 status=sourced@0 -> committed
        sales writes crm/deal/8 stage=trial@0 -> committed
        sourcing writes crm/contact/8 status=sourced@0 -> committed
        sales writes crm/deal/9 stage=trial@0 -> committed
        sourcing writes crm/contact/9 status=sourced@0 -> committed
        dana resolves !3 'a test record' -> recorded
        items #1 #2 #3
        dana handles #1 'the pipeline is right' with #2,#3 -> refused wrong-state
        dana handles #1 'the pipeline is right' -> recorded
        dana handles #2 'the pipeline is right' -> recorded
        dana handles #3 'the pipeline is right' -> recorded
        alerts
        dana undoes #1 -> recorded
        dana undoes #2 -> recorded
        dana undoes #3 -> recorded
        items #1 #2 #3
        alerts contradiction x1, contradiction x1
        ",
    );
}

/// The stored write stands on the value that is back: the same answer goes through once more.
#[test]
fn after_an_undo_the_stored_write_goes_through_again() {
    check(
        "
        sourcing writes crm/contact/7 score=9@0 -> escalated unowned
        sam expands #1 sourcing writes crm/contact/*#score -> recorded
        = crm/contact/7#score 9 v1
        sam undoes #1 -> recorded
        = crm/contact/7#score null v2
        sam expands #1 sourcing writes crm/contact/*#score -> recorded
        = crm/contact/7#score 9 v3
        ",
    );
}
