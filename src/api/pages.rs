//! Lists that come in pages: each says under `next` where it goes on, and under `cut` what is told in short.

use super::{
    AlertList, CallList, ConclusionList, FanOutList, ItemList, KeyList, LeaseList, OutputList, ReviewList,
    TaskList, TokenList, ToolList, WorkList,
};
use crate::domain::readiness::Team;
use crate::domain::readiness::agents::AgentList;

/// A list that comes in pages of one moment.
pub trait Paged: Sized {
    /// Where it goes on; taken out of it.
    fn next(&mut self) -> Option<String>;

    /// Puts the rows of the page behind it where they belong.
    fn join(&mut self, more: Self);
}

macro_rules! paged {
    ($($list:ident $next:ident [$($rows:ident)*];)*) => {
        $(impl Paged for $list {
            fn next(&mut self) -> Option<String> {
                self.$next.take()
            }

            fn join(&mut self, more: Self) {
                $(self.$rows.extend(more.$rows);)*
                self.$next = more.$next;
            }
        })*
    };
}

paged! {
    AgentList next [agents];
    AlertList next [alerts cut];
    CallList next [calls];
    ConclusionList next [conclusions];
    FanOutList next [fan_outs ended cut];
    ItemList next [items cut];
    KeyList next [keys];
    LeaseList next [leases];
    OutputList next [outputs];
    ReviewList next [reviews];
    TaskList next [tasks ended cut];
    Team next_page [agents next dependencies];
    TokenList next [tokens invitations];
    ToolList next [tools offered];
    WorkList next [works cut];
}
