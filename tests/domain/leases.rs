//! Leases, RULES §9: one holder at a time, tokens that grow, and a lapse that is told. The baton of `sequenced` too.

use super::script::{check, check_on, play};
use super::world::{TEAM, watched};
use deeds::domain::things::{AlertKind, Severity, WorkKind};

#[test]
fn one_holder_at_a_time_and_the_token_grows() {
    check(
        "
        support leases shared/log 10m -> allowed
        sales leases shared/log 10m -> refused leased
        support leases shared/log 10m -> refused wrong-state
        support unlocks 1 -> recorded
        sales leases shared/log 10m -> allowed
        leases 2 sales shared/log
        support unlocks 1 -> refused lease-over
        support unlocks 2 -> refused not-yours
        support unlocks 9 -> refused not-found
        ",
    );
}

#[test]
fn only_an_owner_locks() {
    check(
        "
        sales leases crm/account/acme#health 10m -> refused not-owner
        sales leases nobody/knows 10m -> refused not-owner
        sales leases crm/account/acme 0s -> refused over-bound
        sales leases crm/account/acme 25h -> refused over-bound
        sales sends '{\"do\": \"lease\", \"step\": \"acquire\", \"target\": {\"task\": \"t-1\"}, \"ttl\": \"5m\"}' -> refused not-found
        dana freezes crm/account/acme 'audit' -> recorded
        sales leases crm/account/acme#plan 10m -> refused frozen
        ",
    );
}

/// Check 5: another's lease refuses; the holder shows its token, and it must be the current one.
#[test]
fn a_lease_guards_every_write_on_what_it_locks() {
    check(
        "
        support leases shared/log 10m -> allowed
        sales writes shared/log .=hello -> refused leased
        support writes shared/log .=hello -> refused no-token
        support writes shared/log .=hello lease=7 -> refused lease-over
        support writes shared/log .=hello lease=1 -> committed
        support writes crm/account/acme health=good@0 lease=1 -> refused lease-over
        pass 10m
        support writes shared/log .=late lease=1 -> refused lease-over
        sales writes shared/log .=free -> committed
        leases
        ",
    );
}

#[test]
fn a_lease_on_the_whole_covers_every_field_and_one_on_a_field_no_other() {
    check(
        "
        sales leases crm/account/acme 10m -> allowed
        support writes crm/account/acme health=good@0 -> refused leased
        support leases crm/account/acme#health 10m -> refused leased
        sales unlocks 1 -> recorded
        support leases crm/account/acme#health 10m -> allowed
        sales leases crm/account/acme 10m -> refused leased
        sales writes crm/account/acme plan=team@0 -> committed
        sales leases crm/account/acme#plan 10m -> allowed
        sales writes crm/account/acme note=x@0 -> committed
        sales archives crm/account/acme @2 -> refused leased
        sales writes crm/account/acme plan=pro@1 note=y@1 lease=3 -> committed
        sales leases crm/account/acme#note 10m -> allowed
        sales writes crm/account/acme plan=free@2 note=z@2 lease=3 -> refused no-token
        ",
    );
}

/// An agent that stood still past its time writes with a token that is void, whoever holds the lease now.
#[test]
fn what_was_held_does_not_come_back() {
    check(
        "
        support leases shared/log 1m -> allowed
        support writes shared/log .=a lease=1 -> committed
        pass 2m
        support renews 1 1m -> refused lease-over
        sales leases shared/log 1m -> allowed
        support writes shared/log .=b lease=1 -> refused leased
        sales unlocks 2 -> recorded
        support writes shared/log .=c lease=1 -> refused lease-over
        support writes shared/log .=d -> committed
        ",
    );
}

#[test]
fn renewing_keeps_the_token() {
    check(
        "
        support leases shared/log 1m -> allowed
        pass 50s
        support renews 1 2m -> allowed
        pass 1m
        tick
        support writes shared/log .=a lease=1 -> committed
        support renews 1 0s -> refused over-bound
        support renews 1 25h -> refused over-bound
        sales renews 1 1m -> refused not-yours
        pass 2m
        tick
        leases
        alerts lease-lapsed x1
        ",
    );
}

#[test]
fn a_transfer_makes_a_new_token_for_the_time_left() {
    let world = check(
        "
        support leases shared/log 10m -> allowed
        support passes 1 ghost -> refused not-found
        support passes 1 support -> refused wrong-state
        support passes 1 sourcing -> refused not-owner
        support passes 1 sales -> allowed
        support writes shared/log .=a lease=1 -> refused leased
        sales writes shared/log .=a lease=2 -> committed
        leases 2 sales shared/log
        works sales 1
        pass 10m
        sales writes shared/log .=b lease=2 -> refused lease-over
        ",
    );
    assert_eq!(
        world.state.board.timers.len(),
        3,
        "the old lease has no timer: {:?}",
        world.state.board.timers
    );
}

#[test]
fn a_lapse_is_told_to_its_holder_and_to_people() {
    let mut world = check(
        "
        support leases crm/account/acme#health 10m -> allowed
        pass 10m
        tick
        leases
        works support 1
        items
        alerts lease-lapsed x1
        ",
    );
    let board = &world.state.board;
    let alert = board.alerts.values().next().unwrap();
    assert_eq!((alert.kind, alert.severity), (AlertKind::LeaseLapsed, Severity::Info));
    assert_eq!(alert.on.as_ref().unwrap().to_string(), "crm/account/acme#health");
    let work = board.works.values().next().unwrap();
    assert!(
        matches!(&work.kind, WorkKind::Notice { text, .. } if text.contains("its token is void")),
        "{work:?}"
    );
    play(
        &mut world,
        "
        support leases crm/account/acme#health 10m -> allowed
        pass 10m
        tick
        alerts lease-lapsed x2
        ",
    );
}

/// The side effect on a leased record waits as a write would.
#[test]
fn an_act_on_a_leased_path_is_stopped() {
    check(
        "
        support leases shared/log 10m -> allowed
        sales acts shared/log export on crm/account/acme -> refused leased
        support acts shared/log export on crm/account/acme -> allowed
        ",
    );
}

#[test]
fn who_only_watches_keeps_what_the_lease_would_have_refused() {
    check_on(
        &watched(),
        "
        support leases shared/log 10m -> allowed
        sales writes shared/log .=a -> committed (refused) leased
        sales leases shared/log 10m -> refused leased
        sales leases crm/account/acme#health 10m -> allowed (refused) not-owner
        ",
    );
}

#[test]
fn a_baton_goes_round() {
    check(
        "
        support writes files/draft .=a@0 -> refused not-your-turn
        product writes files/draft .=a@0 -> committed
        product writes files/draft .=b@1 -> refused not-your-turn
        support writes files/draft .=b@0 -> stale stale
        support writes files/draft .=b@1 -> committed
        dana sets files/draft c@2 'a correction' for none -> committed
        support writes files/draft .=d@3 -> refused not-your-turn
        product writes files/draft .=d@3 -> committed
        sales writes files/draft .=d@3 -> proposed not-owner
        ",
    );
}

/// An agent that left the order does not keep the baton: the first of the order starts again.
#[test]
fn a_baton_that_nobody_named_holds_goes_to_the_first() {
    let map = TEAM.replace("order = [\"product\", \"support\"]", "order = [\"support\", \"product\"]");
    check_on(
        &map,
        "
        dana sets files/draft a@0 'from the archive' for none -> committed
        product writes files/draft .=b@1 -> refused not-your-turn
        support writes files/draft .=b@1 -> committed
        ",
    );
}

#[test]
fn an_owner_accepts_a_proposal_under_its_own_lease_with_its_token() {
    check(
        "
        support writes crm/account/acme health=good@0 -> committed
        sales writes crm/account/acme health=fair@1 -> proposed not-owner
        support leases crm/account/acme#health 10m -> allowed
        support accepts 1 -> refused no-token
        support sends '{\"do\": \"work\", \"work\": 1, \"step\": \"accept\", \"lease\": 7}' -> refused lease-over
        support sends '{\"do\": \"work\", \"work\": 1, \"step\": \"accept\", \"lease\": 1}' -> committed
        = crm/account/acme#health 'fair' v2
        ",
    );
}
