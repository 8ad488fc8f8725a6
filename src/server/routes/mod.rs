//! One file for each resource. A handler reads what it needs from the [`Call`](super::gate::Call), asks, and answers.

pub(super) mod activity;
pub(super) mod acts;
pub(super) mod addresses;
pub(super) mod alerts;
pub(super) mod board;
pub(super) mod entities;
pub(super) mod escalations;
pub(super) mod health;
pub(super) mod imports;
pub(super) mod inbox;
pub(super) mod ledger;
pub(super) mod map;
pub(super) mod overrides;
pub(super) mod scope;
pub(super) mod together;
pub(super) mod tokens;
pub(super) mod trace;
pub(super) mod who_owns;
pub(super) mod whoami;
pub(super) mod work;
pub(super) mod workspaces;
pub(super) mod writes;
