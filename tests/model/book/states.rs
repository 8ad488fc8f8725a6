//! What waits while states contradict each other (RULES §10.7): nothing is sent about what an open contradiction is about.

use std::collections::{BTreeMap, BTreeSet};

use super::Look;
use deeds::domain::deed::{Body, Deed};
use deeds::domain::ids::AlertNo;
use deeds::domain::path::EntityPath;
use deeds::domain::things::{Alert, AlertKind};

/// The contradictions of states that are open, with the entities that they are about.
#[derive(Default)]
pub(crate) struct States {
    open: BTreeMap<AlertNo, BTreeSet<EntityPath>>,
}

impl States {
    pub(super) fn look(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        match &deed.body {
            Body::AlertOpened(alert) | Body::AlertReopened(alert) => self.opened(alert),
            Body::AlertResolved(()) => {
                self.open.remove(deed.refs.alerts.first().unwrap());
            }
            Body::ActAllowed(_) => self.check(look, None),
            Body::OutputPublished(said) => self.check(look, said.thread.as_deref()),
            _ => {}
        }
    }

    /// Of conclusions that differ it is none: they are about no field.
    fn opened(&mut self, alert: &Alert) {
        let paths = alert.sides.iter().filter_map(|side| side.path.as_ref());
        let about: BTreeSet<EntityPath> =
            paths.filter(|path| !path.field.is_whole()).map(|path| path.entity.clone()).collect();
        if alert.kind == AlertKind::Contradiction && !about.is_empty() {
            self.open.insert(alert.no, about);
        }
    }

    /// The map of the histories stops all that is sent.
    fn check(&self, look: &Look<'_>, thread: Option<&str>) {
        let deed: &Deed = look.deed;
        if !look.enforced() || !deed.action.starts_with("send_") {
            return;
        }
        let about = deed.subject.clone().or_else(|| thread?.parse().ok());
        let open =
            self.open.iter().find(|(_, entities)| about.as_ref().is_some_and(|it| entities.contains(it)));
        assert!(open.is_none(), "sent while {open:?} contradict each other: {deed:?}");
    }
}
