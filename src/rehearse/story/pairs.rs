//! What the numbers of a story are in the workspace in which it is played again: items, work, acts, leases and deeds are
//! counted anew there, and fields have other versions.

use std::collections::BTreeMap;

use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{ActNo, AlertNo, Fence, ItemNo, Seq, Version, WorkNo};
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::state::State;
use crate::domain::things::{Alert, Item, Work};

/// Then, and now.
#[derive(Default)]
pub(super) struct Pairs {
    items: BTreeMap<ItemNo, ItemNo>,
    works: BTreeMap<WorkNo, WorkNo>,
    acts: BTreeMap<ActNo, ActNo>,
    leases: BTreeMap<Fence, Fence>,
    deeds: BTreeMap<Seq, Seq>,
    /// Which version a field had here when it had that one there, oldest first.
    versions: BTreeMap<FieldPath, Vec<(Version, Version)>>,
}

impl Pairs {
    /// Two decisions about the same: what both made is the same thing.
    pub(super) fn same(&mut self, then: &[Deed], now: &[Deed]) {
        let items = |deeds: &[Deed]| {
            opened(deeds, |body| {
                if let Body::ItemOpened(item) = body { Some((like_item(item), item.no)) } else { None }
            })
        };
        pair(&mut self.items, items(then), items(now));
        let works = |deeds: &[Deed]| {
            opened(deeds, |body| {
                if let Body::WorkQueued(work) = body { Some((like_work(work), work.no)) } else { None }
            })
        };
        pair(&mut self.works, works(then), works(now));
        let leases = |deeds: &[Deed]| {
            opened(deeds, |body| {
                let (Body::LeaseGranted(lease) | Body::LeaseTransferred(lease)) = body else { return None };
                Some((format!("{} {}", lease.holder, lease.target), lease.fence))
            })
        };
        pair(&mut self.leases, leases(then), leases(now));
        let acts = |deeds: &[Deed]| -> Vec<(String, ActNo)> {
            let allowed = deeds.iter().filter(|deed| matches!(deed.body, Body::ActAllowed(_)));
            allowed
                .filter_map(|deed| Some((format!("{} {}", deed.actor, deed.action), deed.refs.act?)))
                .collect()
        };
        pair(&mut self.acts, acts(then), acts(now));
    }

    /// That deed is this one here.
    pub(super) fn deed(&mut self, then: Seq, now: Seq) {
        self.deeds.insert(then, now);
    }

    /// The deed here that is that one.
    pub(super) fn deed_of(&self, then: Option<Seq>) -> Option<Seq> {
        self.deeds.get(&then?).copied()
    }

    /// These fields changed there: their versions of now, there and here.
    pub(super) fn changed(&mut self, then: &[Deed], here: &State) {
        for deed in then {
            let Some(subject) = deed.subject.as_ref().filter(|_| is_change(&deed.body)) else { continue };
            for field in deed.fields.iter().filter(|field| field.entity.is_none()) {
                let version = version_in(here, subject, &field.name);
                let path = FieldPath::new(subject.clone(), field.name.clone());
                self.versions.entry(path).or_default().push((field.version, version));
            }
        }
    }

    /// The version here that is what that one was there: as it is now where that was so there, else as it was then.
    pub(super) fn version(&self, path: &FieldPath, then: Version, there: &State, here: &State) -> Version {
        let (entity, name) = (&path.entity, &path.field);
        let (latest, now) = (version_in(there, entity, name), version_in(here, entity, name));
        if then >= latest {
            return Version(now.0 + (then.0 - latest.0));
        }
        let known = self.versions.get(path).into_iter().flatten().rev();
        let known = known.into_iter().find(|(version, _)| *version <= then);
        known.map_or(Version(0), |(_, version)| *version)
    }

    /// The item that is still open here.
    pub(super) fn item(&self, no: ItemNo, there: &State, here: &State) -> Option<ItemNo> {
        if let Some(paired) = self.items.get(&no) {
            return here.board.items.contains_key(paired).then_some(*paired);
        }
        let like = like_item(there.board.items.get(&no)?);
        let mut free = here.board.items.values().filter(|item| !self.items.values().any(|no| *no == item.no));
        free.find(|item| like_item(item) == like).map(|item| item.no)
    }

    /// The item here, open or not.
    pub(super) fn answered(&self, no: ItemNo) -> Option<ItemNo> {
        self.items.get(&no).copied()
    }

    /// That item turned out to be this one.
    pub(super) fn is_item(&mut self, then: ItemNo, now: ItemNo) {
        self.items.insert(then, now);
    }

    /// The work that is still open here.
    pub(super) fn work(&self, no: WorkNo, there: &State, here: &State) -> Option<WorkNo> {
        if let Some(paired) = self.works.get(&no) {
            return here.board.works.contains_key(paired).then_some(*paired);
        }
        let work = there.board.works.get(&no)?;
        let like = like_work(work);
        let mut free =
            here.board.work_of(&work.agent).filter(|work| !self.works.values().any(|no| *no == work.no));
        free.find(|work| like_work(work) == like).map(|work| work.no)
    }

    /// The act that is still open here.
    pub(super) fn act(&self, no: ActNo, here: &State) -> Option<ActNo> {
        self.acts.get(&no).copied().filter(|no| here.board.acts.contains_key(no))
    }

    /// The lease that is still held here.
    pub(super) fn lease(&self, fence: Fence, here: &State) -> Option<Fence> {
        self.leases.get(&fence).copied().filter(|fence| here.board.leases.contains_key(fence))
    }
}

/// The alert that is the same here.
pub(super) fn alert(no: AlertNo, there: &State, here: &State) -> Option<AlertNo> {
    let alert = there.board.alerts.get(&no)?;
    let same =
        |other: &&std::sync::Arc<Alert>| other.kind == alert.kind && other.fingerprint == alert.fingerprint;
    let exact = here.board.alerts.values().find(same);
    let alike = || here.board.alerts.values().find(|other| other.kind == alert.kind && other.on == alert.on);
    exact.or_else(alike).map(|alert| alert.no)
}

/// The version of a field of that record.
pub(super) fn version_in(state: &State, entity: &EntityPath, name: &FieldName) -> Version {
    state.entities.get(entity).map_or(Version(0), |entity| entity.version_of(name))
}

fn is_change(body: &Body) -> bool {
    matches!(
        body,
        Body::WriteCommitted(())
            | Body::EntityCreated(())
            | Body::EntityArchived(())
            | Body::EntityDeleted(())
    )
}

fn opened<N>(deeds: &[Deed], read: impl Fn(&Body) -> Option<(String, N)>) -> Vec<(String, N)> {
    deeds.iter().filter_map(|deed| read(&deed.body)).collect()
}

fn pair<N: Ord + Copy>(known: &mut BTreeMap<N, N>, then: Vec<(String, N)>, mut now: Vec<(String, N)>) {
    for (like, no) in then {
        if let Some(at) = now.iter().position(|(other, _)| *other == like) {
            known.insert(no, now.remove(at).1);
        }
    }
}

fn like_item(item: &Item) -> String {
    let subject = item.subject.as_ref().map(EntityPath::as_str).unwrap_or_default();
    format!("{}|{}|{subject}", item.case.word(), item.raised_by)
}

fn like_work(work: &Work) -> String {
    let subject = work.subject.as_ref().map(EntityPath::as_str).unwrap_or_default();
    let task = work.kind.task().map(ToString::to_string).unwrap_or_default();
    format!("{}|{}|{subject}|{task}", work.agent, work.kind.word())
}
