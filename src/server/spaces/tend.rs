//! What of the table is closed, and when, and what is woken because something falls due in it.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Instant, timeout};

use super::{For, Moved, OPENINGS, Shown, Slot, Spaces, WAITING, WOKEN, millis};
use crate::domain::decide;
use crate::domain::ids::WorkspaceId;
use crate::domain::time::{Span, Time};
use crate::server::due::Row;
use crate::server::workspace::Workspace;

/// How often it is looked what nobody has asked for, and what falls due if nothing tells before.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// One that was opened for what fell due, and closed while it was due still, is not opened for that again before this time.
const REST: Duration = Duration::from_mins(1);
/// So many of which nothing is known are opened at once while nobody asks for them: who asks for another waits less.
const UNKNOWN: usize = OPENINGS / 2;
/// One in which something falls due within this time stays open.
const SOON: Span = Span::from_secs(5);

impl Spaces {
    /// Closes what was used longest ago until there is place for one more. False where all are in use.
    pub(super) async fn make_place(self: &Arc<Self>) -> bool {
        loop {
            let home = self.home();
            let mut closing = {
                let mut slots = self.write();
                let open = slots.values().filter(|slot| matches!(slot, Slot::Open(_))).count();
                if (open as u64) < self.keeping.open {
                    return true;
                }
                let idle = |(id, slot): (&WorkspaceId, &Slot)| {
                    let open = slot.open().filter(|open| open.is_idle() && home.as_ref() != Some(id))?;
                    Some((open.used.load(Ordering::Relaxed), id.clone()))
                };
                let Some((_, oldest)) = slots.iter().filter_map(idle).min() else { return false };
                self.close(&mut slots, &oldest)
            };
            if let Some(closing) = &mut closing {
                closing.wait_for(|moved| *moved != Moved::NotYet).await.map(drop).unwrap_or_default();
            }
        }
    }

    /// Begins to close one that is open; who asks for it meanwhile waits and has it opened again.
    fn close(
        self: &Arc<Self>,
        slots: &mut BTreeMap<WorkspaceId, Slot>,
        id: &WorkspaceId,
    ) -> Option<watch::Receiver<Moved>> {
        let slot = slots.get_mut(id)?;
        let (tell, moved) = watch::channel(Moved::NotYet);
        let space = Arc::clone(&slot.open()?.space);
        let shown = Shown::of(&space);
        *slot = Slot::Moving(moved.clone(), Arc::new(Semaphore::new(WAITING)), Some(shown));
        let (spaces, id) = (Arc::clone(self), id.clone());
        tokio::spawn(async move {
            space.shutdown().await;
            let row = Box::pin(spaces.note(&id, &space)).await;
            drop(space);
            let [_, closed] = &spaces.counts;
            closed.fetch_add(1, Ordering::Relaxed);
            let now = spaces.clock.now();
            let is_due = row.as_ref().and_then(|row| row.due()).is_some_and(|due| due <= now);
            spaces.put(&id, Slot::Closed(row, is_due.then(|| Instant::now() + REST)));
            tell.send_replace(Moved::Done);
            spaces.stirred.notify_one();
        });
        Some(moved)
    }

    /// Notes what it was, now that it is closed. One whose ledger is in trouble is asked again at the next start.
    async fn note(self: &Arc<Self>, id: &WorkspaceId, space: &Workspace) -> Option<Arc<Row>> {
        let front = space.handle().front();
        let is_whole = !space.handle().is_troubled() && self.places.store.look_only().is_none();
        Box::pin(self.release(space, &front, is_whole)).await;
        let (spaces, id, now) = (Arc::clone(self), id.clone(), self.clock.now());
        let write = move || {
            let row = Arc::new(Row::of(&spaces.places.store, &id, &front, now)?);
            if is_whole {
                let mut due = spaces.due.lock().unwrap_or_else(PoisonError::into_inner);
                let all: Vec<Arc<Row>> =
                    if due.is_long(spaces.read().len()) { spaces.rows() } else { Vec::new() };
                let tidied = if all.is_empty() { Ok(()) } else { due.rewrite(all.iter().map(|row| &**row)) };
                if let Err(error) = tidied.and_then(|()| due.add(&row)) {
                    tracing::warn!(%error, "what a closed workspace is could not be noted; the next start looks into it");
                }
            }
            Some(row)
        };
        tokio::task::spawn_blocking(write).await.ok().flatten()
    }

    fn rows(&self) -> Vec<Arc<Row>> {
        let row = |slot: &Slot| match slot {
            Slot::Closed(row, _) => row.clone(),
            Slot::Moving(..) | Slot::Open(_) | Slot::Broken(..) => None,
        };
        self.read().values().filter_map(row).collect()
    }

    /// Wakes what has something due, the earliest first, and after that those of which nothing is known, a few at a time. How long nothing
    /// more falls due; what waits for its turn has it when another one is through.
    fn wake(self: &Arc<Self>) -> Duration {
        let (now, at) = (self.clock.now(), Instant::now());
        let (mut wait, mut moving) = (LOOK_EVERY, 0);
        let next: Vec<WorkspaceId> = {
            let slots = self.read();
            let (mut due, mut unknown) = (Vec::<(Time, &WorkspaceId)>::new(), Vec::new());
            for (id, slot) in slots.iter() {
                let (row, rest) = match slot {
                    Slot::Closed(row, rest) => (row, rest),
                    Slot::Moving(..) => {
                        moving += 1;
                        continue;
                    }
                    Slot::Open(_) | Slot::Broken(..) => continue,
                };
                let rest = rest.map_or(Duration::ZERO, |rest| rest.saturating_duration_since(at));
                match row.as_ref().map(|row| row.due()) {
                    Some(None) => {}
                    Some(Some(then)) if then <= now && rest.is_zero() => due.push((then, id)),
                    Some(Some(then)) => {
                        // One that is past and rests has no time left but that.
                        let left = u64::try_from(then.since(now).micros()).unwrap_or(0);
                        wait = wait.min(rest.max(Duration::from_micros(left)));
                    }
                    None if rest.is_zero() => unknown.push(id),
                    None => wait = wait.min(rest),
                }
            }
            due.sort_unstable();
            let due = due.into_iter().take((2 * OPENINGS).saturating_sub(moving)).map(|(_, id)| id);
            let left = UNKNOWN.saturating_sub(moving + due.len());
            due.chain(unknown.into_iter().take(left)).cloned().collect()
        };
        for id in next {
            drop(self.step(&id, For::Timer));
        }
        wait
    }

    /// Closes what nobody has asked for.
    fn close_idle(self: &Arc<Self>) {
        let home = self.home();
        let over: Vec<WorkspaceId> = {
            let slots = self.read();
            let others = slots.iter().filter(|(id, _)| home.as_ref() != Some(*id));
            others.filter(|(_, slot)| self.is_over(slot)).map(|(id, _)| id.clone()).collect()
        };
        if over.is_empty() {
            return;
        }
        let mut slots = self.write();
        for id in over {
            // Somebody may have taken it up.
            if slots.get(&id).is_some_and(|slot| self.is_over(slot)) {
                drop(self.close(&mut slots, &id));
            }
        }
    }

    /// Whether nobody has had it in hand for as long as it stays open, and nothing falls due in it soon.
    fn is_over(&self, slot: &Slot) -> bool {
        let Some(open) = slot.open().filter(|open| open.is_idle()) else { return false };
        let quiet = self.millis().saturating_sub(open.used.load(Ordering::Relaxed));
        let idle = u64::try_from(self.keeping.idle.micros() / 1_000).unwrap_or(u64::MAX);
        let woken = open.woken.load(Ordering::Relaxed);
        if quiet < if woken { idle.min(millis(WOKEN)) } else { idle } {
            return false;
        }
        let soon = self.clock.now().plus(SOON);
        let due = decide::next_due_of(&open.space.handle().front().board);
        // What can't be settled keeps none open for ever.
        due.is_none_or(|due| due > soon) || quiet >= idle.max(millis(REST))
    }

    /// Ends every workspace after what is waiting was decided, and opens none any more.
    pub(in crate::server) async fn shutdown(self: &Arc<Self>) {
        self.close_all().await;
        if let Some(cluster) = self.cluster() {
            cluster.leave().await;
        }
        let Some(images) = self.places.images.clone() else { return };
        // Whoever has a handle may keep the images for longer than the process has.
        match tokio::task::spawn_blocking(move || images.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "values are behind on disk; the next start takes longer");
            }
            Err(error) => tracing::warn!(%error, "bringing values to the disk broke off"),
        }
    }

    async fn close_all(self: &Arc<Self>) {
        self.ending.store(true, Ordering::Relaxed);
        loop {
            let moving: Vec<watch::Receiver<Moved>> = {
                let mut slots = self.write();
                let open: Vec<WorkspaceId> = slots
                    .iter()
                    .filter(|(_, slot)| slot.open().is_some())
                    .map(|(id, _)| id.clone())
                    .collect();
                for id in open {
                    self.close(&mut slots, &id);
                }
                let moving = |slot: &Slot| match slot {
                    Slot::Moving(moved, ..) => Some(moved.clone()),
                    Slot::Closed(..) | Slot::Open(_) | Slot::Broken(..) => None,
                };
                slots.values().filter_map(moving).collect()
            };
            if moving.is_empty() {
                return;
            }
            for mut moved in moving {
                // One that broke off has ended too.
                moved.wait_for(|moved| *moved != Moved::NotYet).await.map(drop).unwrap_or_default();
            }
        }
    }
}

/// Looks after the table for as long as there is one.
pub(super) async fn keep(spaces: Weak<Spaces>, stirred: Arc<Notify>) {
    let mut wait = LOOK_EVERY;
    loop {
        // Whether it was told or the time is over, it looks.
        drop(timeout(wait, stirred.notified()).await);
        let Some(spaces) = spaces.upgrade() else { return };
        if spaces.ending.load(Ordering::Relaxed) {
            return;
        }
        spaces.close_idle();
        if spaces.cluster().is_some() {
            // What falls due is in the table that all nodes share.
            Box::pin(spaces.take_up()).await;
            wait = LOOK_EVERY;
        } else {
            wait = spaces.wake();
        }
    }
}
