//! The rulebook through its public door: requests in, answers and deeds out. No server, no ledger, no clock.
//!
//! Most cases are small scripts (see `domain/script.rs`): who does what, and how it comes out. Every script also checks
//! that replaying its deeds gives the same state, byte for byte, and that every deed survives its wire form.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at the first thing that is not as it says"
)]

#[path = "domain/alerts.rs"]
mod alerts;
#[path = "domain/approvals.rs"]
mod approvals;
#[path = "domain/bounds.rs"]
mod bounds;
#[path = "domain/budgets.rs"]
mod budgets;
#[path = "domain/calls.rs"]
mod calls;
#[path = "domain/conclusions.rs"]
mod conclusions;
#[path = "domain/desk.rs"]
mod desk;
#[path = "domain/doors.rs"]
mod doors;
#[path = "domain/ends.rs"]
mod ends;
#[path = "domain/fan_outs.rs"]
mod fan_outs;
#[path = "domain/foretold.rs"]
mod foretold;
#[path = "domain/formats.rs"]
mod formats;
#[path = "domain/found.rs"]
mod found;
#[path = "domain/golden.rs"]
mod golden;
#[path = "domain/growth.rs"]
mod growth;
#[path = "domain/handoffs.rs"]
mod handoffs;
#[path = "domain/hands.rs"]
mod hands;
#[path = "domain/hidden.rs"]
mod hidden;
#[path = "domain/inbox.rs"]
mod inbox;
#[path = "domain/joining.rs"]
mod joining;
#[path = "corpus/keep.rs"]
mod keep;
#[path = "domain/keys.rs"]
mod keys;
#[path = "domain/leases.rs"]
mod leases;
#[path = "domain/limits.rs"]
mod limits;
#[path = "domain/map_page.rs"]
mod map_page;
#[path = "domain/notices.rs"]
mod notices;
#[path = "domain/observe.rs"]
mod observe;
#[path = "domain/occurrences.rs"]
mod occurrences;
#[path = "domain/order.rs"]
mod order;
#[path = "domain/outputs.rs"]
mod outputs;
#[path = "domain/overrides.rs"]
mod overrides;
#[path = "domain/people.rs"]
mod people;
#[path = "domain/plans.rs"]
mod plans;
#[path = "domain/properties.rs"]
mod properties;
#[path = "domain/proposals.rs"]
mod proposals;
#[path = "domain/readiness.rs"]
mod readiness;
#[path = "domain/rebased.rs"]
mod rebased;
#[path = "common/recount.rs"]
mod recount;
#[path = "domain/reviews.rs"]
mod reviews;
#[path = "domain/rules_page.rs"]
mod rules_page;
#[path = "domain/script.rs"]
mod script;
#[path = "domain/signing.rs"]
mod signing;
#[path = "domain/stories.rs"]
mod stories;
#[path = "domain/taint/mod.rs"]
mod taint;
#[path = "domain/testing_page.rs"]
mod testing_page;
#[path = "domain/time.rs"]
mod time;
#[path = "domain/together.rs"]
mod together;
#[path = "domain/triggers.rs"]
mod triggers;
#[path = "domain/undo.rs"]
mod undo;
#[path = "domain/words.rs"]
mod words;
#[path = "domain/work.rs"]
mod work;
#[path = "domain/world.rs"]
mod world;
#[path = "domain/writes.rs"]
mod writes;
