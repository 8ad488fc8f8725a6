//! `deeds away` and `deeds back`: who is there to decide.

use std::sync::Arc;

use clap::Args;

use crate::domain::command::{AwayStep, AwayVerb, Command};
use crate::domain::ids::PersonId;
use crate::domain::things::Until;

/// Somebody goes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds away --until 2026-12-03\n  deeds away --until 3d --note 'on a train; call me'\n  deeds away --person dana --note 'ill'       for admins and the governance owner\n  deeds review status                          who is away, queue by queue"
)]
pub(crate) struct Away {
    /// Until when: a day, a time, or a length of time such as 3d; until `deeds back` if nothing is said
    #[arg(long, value_name = "TIME")]
    until: Option<Until>,
    #[command(flatten)]
    whom: Whom,
}

/// Somebody is back.
#[derive(Debug, Args)]
pub(crate) struct Back {
    #[command(flatten)]
    whom: Whom,
}

/// Of whom it is said.
#[derive(Debug, Args)]
struct Whom {
    /// Who; you if nothing is said
    #[arg(long)]
    person: Option<PersonId>,
    /// What others should know of it
    #[arg(long)]
    note: Option<Arc<str>>,
}

impl Away {
    /// As it is sent.
    pub(super) fn command(self) -> Command {
        self.whom.step(AwayVerb::Leave { until: self.until })
    }
}

impl Back {
    /// As it is sent.
    pub(super) fn command(self) -> Command {
        self.whom.step(AwayVerb::Return)
    }
}

impl Whom {
    fn step(self, step: AwayVerb) -> Command {
        Command::Away(AwayStep { person: self.person, step, note: self.note })
    }
}
