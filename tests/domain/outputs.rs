//! Publications, RULES §10: by the publisher or in turn, and one voice on a thread.

use super::script::{check_on, play};
use super::world::{TEAM, World};
use deeds::domain::deed::Body;
use deeds::domain::things::{AlertKind, Case, Severity};

/// The usual team with two agents in turn on one output, and one where a person approves.
pub(crate) fn team() -> String {
    let team = TEAM
        .replace("outputs = [\"mail/sales\"]", "outputs = [\"mail/sales\", \"slack/billing\", \"press\"]");
    let team =
        team.replace("outputs = [\"mail/support\"]", "outputs = [\"mail/support\", \"slack/billing\"]");
    format!(
        "{team}
        [[output]]
        name = \"slack/billing\"
        order = [\"support\", \"sales\"]
        thread_window = \"1h\"
        [[output]]
        name = \"press\"
        needs_approval = true
        "
    )
}

fn published(world: &World) -> Vec<String> {
    let out = |deed: &deeds::domain::deed::Deed| match &deed.body {
        Body::OutputPublished(out) => Some(format!("{} {} {}", deed.actor, out.output, out.body.plain())),
        _ => None,
    };
    world.deeds.iter().filter_map(out).collect()
}

#[test]
fn the_publisher_publishes_and_nobody_else() {
    let world = check_on(
        &team(),
        "
        sales publishes mail/sales 'hello' -> committed
        support publishes mail/sales 'hello' -> refused not-owner
        sales publishes fax/all 'hello' -> escalated unowned
        sales publishes fax/all 'hello' -> escalated unowned
        items #1
        alerts not-owner x1
        dana expands #1 sales outputs fax/all -> recorded
        sales publishes fax/all 'again' -> committed
        dana undoes #1 -> refused used-since
        ",
    );
    assert_eq!(published(&world), ["sales mail/sales hello", "sales fax/all hello", "sales fax/all again"]);
}

#[test]
fn what_is_out_of_scope_stays_so() {
    check_on(
        &team(),
        "
        sales publishes fax/all 'hello' -> escalated unowned
        dana drops #1 'we have no fax' rule -> recorded
        sales publishes fax/all 'Hello' -> refused out-of-scope
        sales publishes fax/all 'really' -> escalated unowned
        items #2
        ",
    );
}

#[test]
fn it_is_checked_against_what_it_was_based_on_and_who_goes_first() {
    let map = team().replace("actions = [\"send_*\"]", "actions = [\"send_*\", \"publish\"]");
    check_on(
        &map,
        "
        support writes crm/account/acme health=good@0 -> committed
        support writes crm/account/acme health=bad@1 -> committed
        sales publishes mail/sales 'an upsell' on crm/account/acme dep=crm/account/acme#health@1 -> stale stale
        alerts stale-read x1
        support writes support/ticket/acme status=open@0 -> committed
        sales publishes mail/sales 'an upsell' on crm/account/acme -> deferred deferred
        dana freezes crm/account/acme 'audit' -> recorded
        sales publishes mail/sales 'an upsell' on crm/account/acme -> refused frozen
        dana unfreezes crm/account/acme 'done' -> recorded
        sales creates crm/deal/7 stage=trial -> committed
        sales archives crm/deal/7 @1 -> committed
        sales publishes mail/sales 'good news' on crm/deal/7 -> stale tombstone
        sales publishes mail/sales '' thread= -> refused over-bound
        sales sends '{\"do\": \"publish\", \"output\": \"mail/sales\", \"body\": \"x\", \"cause\": 9999}' -> refused not-found
        ",
    );
}

/// The first of the order begins each thread; then the last one goes on, or the next one has its turn.
#[test]
fn several_publishers_take_turns() {
    check_on(
        &team(),
        "
        sales publishes slack/billing 'due' thread=inv-7 -> refused not-your-turn
        support publishes slack/billing 'due' thread=inv-7 -> committed
        support publishes slack/billing 'and late' thread=inv-7 -> committed
        sales publishes slack/billing 'due' thread=inv-8 -> refused not-your-turn
        pass 1h
        sales publishes slack/billing 'paid' thread=inv-7 -> committed
        sales publishes slack/billing 'thanks' -> committed
        support publishes slack/billing 'x' -> committed
        pass 1h
        support publishes slack/billing 'due again' thread=inv-7 -> committed
        alerts
        ",
    );
}

/// Double reply: the second voice within the window is held, with one alert and one item.
#[test]
fn the_second_voice_on_a_thread_is_held() {
    let mut world = check_on(
        &team(),
        "
        support publishes slack/billing 'due' thread=inv-7 -> committed
        sales publishes slack/billing 'paid' thread=inv-7 -> escalated collision
        sales publishes slack/billing 'paid' thread=inv-7 -> escalated collision
        items #1
        alerts output-collision x1
        ",
    );
    let board = &world.state.board;
    let alert = board.alerts.values().next().unwrap();
    assert_eq!((alert.kind, alert.severity), (AlertKind::OutputCollision, Severity::Critical));
    assert_eq!(alert.item.unwrap().0, 1);
    let item = board.items.values().next().unwrap();
    let first = world.deeds.iter().find(|deed| matches!(deed.body, Body::OutputPublished(_))).unwrap().seq;
    assert!(matches!(&item.case, Case::Approval { over, alert, .. } if *over == [first] && alert.is_some()));
    assert!(item.evidence.contains(&first));
    play(
        &mut world,
        "
        dana rejects #1 'one answer is enough' -> recorded
        alerts
        works sales 1
        ",
    );
    assert_eq!(published(&world), ["support slack/billing due"]);
}

#[test]
fn who_only_watches_lets_all_out() {
    let world = check_on(
        &team().replacen("governance_owner", "mode = \"observe\"\ngovernance_owner", 1),
        "
        support publishes slack/billing 'due' thread=inv-7 -> committed
        sales publishes slack/billing 'paid' thread=inv-7 -> committed (escalated) collision
        sales publishes press 'we grow' -> committed (escalated) needs-approval
        support publishes mail/sales 'hello' -> committed (refused) not-owner
        sales publishes fax/all 'hello' -> committed (escalated) unowned
        items
        alerts output-collision x1, not-owner x1
        ",
    );
    assert_eq!(published(&world).len(), 5);
}
