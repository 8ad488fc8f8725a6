//! The same workspace once more on a real image with almost nothing in memory. It is killed, its files are flipped, cut and deleted, and
//! what it answers is what the model answers.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deeds::coordinator::Proof;
use deeds::domain::command::Request;
use deeds::domain::decide::{Decision, decide};
use deeds::domain::deed::Deed;
use deeds::domain::hash::Hash;
use deeds::domain::ids::{Seq, WorkspaceId};
use deeds::domain::state::{Far as _, State, Totals};
use deeds::domain::time::Time;
use deeds::ledger::Head;
use deeds::store::{At, Changes, Image, Images};

/// The least that is taken.
const CACHE: u64 = 0;
const SOURCE: &str = "urn:uuid:model";

/// The process: what is gone with it, and the folder that is not.
struct Life {
    state: State,
    images: Images,
    image: Image,
    folder: tempfile::TempDir,
}

/// The other workspace.
pub(crate) struct Disk {
    /// The ledger.
    deeds: Vec<Deed>,
    /// From where on they are not in the image.
    news: usize,
    life: Life,
    chance: u64,
    pub(crate) done: Done,
}

/// What was done to it, and what came of that.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Done {
    pub(crate) kills: u32,
    pub(crate) damaged: u32,
    /// Images that were gone on with after that, and those that were not.
    pub(crate) believed: u32,
    pub(crate) anew: u32,
    /// Decisions that could not be made on what there was.
    pub(crate) voided: u32,
}

impl Done {
    pub(crate) fn add(&mut self, more: Self) {
        self.kills += more.kills;
        self.damaged += more.damaged;
        self.believed += more.believed;
        self.anew += more.anew;
        self.voided += more.voided;
    }
}

fn hash_of(seq: Seq) -> Hash {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&seq.0.to_be_bytes());
    Hash(bytes)
}

fn head_of(seq: Seq) -> Head {
    Head { seq: seq.0, hash: hash_of(seq) }
}

fn opened(folder: &Path) -> (Images, Image) {
    let images = Images::open(folder, CACHE).unwrap();
    let image = images.of(SOURCE).unwrap();
    (images, image)
}

impl Disk {
    /// Of a workspace that has these deeds; the same chance does the same.
    pub(crate) fn of(deeds: &[Deed], chance: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (images, image) = opened(folder.path());
        let workspace = deeds[0].body.model().unwrap().workspace.clone();
        let life = Life { state: State::new(workspace), images, image, folder };
        let mut disk =
            Self { deeds: deeds.to_vec(), news: 0, life, chance: chance | 1, done: Done::default() };
        disk.go_on();
        disk
    }

    fn below(&mut self, bound: usize) -> usize {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        usize::try_from(self.chance % bound as u64).unwrap()
    }

    fn workspace(&self) -> WorkspaceId {
        self.life.state.board.workspace.clone()
    }

    /// A start: with what the image has where that can be, else with nothing, and the rest from the ledger.
    fn go_on(&mut self) {
        loop {
            let image = self.life.image.clone();
            let at = image.at().unwrap();
            let totals = if let Some(at) = &at {
                serde_json::from_slice(&at.more).unwrap()
            } else {
                image.clear().unwrap();
                Totals::default()
            };
            let head = at.map_or(Seq(0), |at| at.seq);
            let mut state = State::new(self.workspace());
            state.reach(Arc::new(image), totals);
            for deed in &self.deeds {
                if deed.seq <= head {
                    state.catch_up(deed, Seq(0), head);
                    if deed.seq == head {
                        state.meet();
                    }
                } else {
                    state.fold(deed);
                }
            }
            self.news = self.deeds.iter().filter(|deed| deed.seq <= head).count();
            let failed = state.failed().cloned();
            self.life.state = state;
            if failed.is_none() {
                return;
            }
            self.void();
        }
    }

    /// Something could not be read: nothing counts, and the image is made anew.
    fn void(&mut self) {
        self.done.voided += 1;
        self.life.image.clear().unwrap();
    }

    /// Decides a request for itself, which must be what was decided, and takes it in.
    pub(crate) fn send(&mut self, request: &Request, decision: &Decision, now: Time) {
        let own = loop {
            let own = decide(&self.life.state, request, now);
            if self.life.state.failed().is_none() {
                break own;
            }
            self.void();
            self.go_on();
        };
        assert_eq!(own.deeds, decision.deeds, "another decision where values lie on disk: {request:?}");
        assert_eq!(own.answer, decision.answer, "another answer where values lie on disk: {request:?}");
        for deed in own.deeds {
            self.life.state.fold(&deed);
            self.deeds.push(deed);
        }
        if self.life.state.failed().is_some() {
            // The deeds are on disk already.
            self.void();
            self.go_on();
        }
        match self.below(30) {
            0 => self.kill(false),
            1 => self.kill(true),
            2..=6 => self.life.images.flush().unwrap_or_default(),
            7..=15 => self.write(),
            16..=22 => self.life.state.let_go(self.life.image.head()),
            _ => {}
        }
    }

    fn write(&mut self) {
        let image = &self.life.image;
        let (seq, totals) = (self.life.state.head(), self.life.state.totals());
        let news: Vec<Arc<Deed>> = self.deeds[self.news..].iter().cloned().map(Arc::new).collect();
        let changed = self.life.state.changes(&news, image.head());
        let written = image.keys(None, usize::MAX).map_err(drop).and_then(|keys| {
            let at = At { seq, hash: hash_of(seq), more: serde_json::to_vec(&totals).unwrap() };
            let keys_now = changed.keys.iter().map(|kept| (**kept).clone()).collect();
            let changes =
                Changes { at, entities: changed.entities, keys: keys_now, gone_keys: totals.gone(keys) };
            image.write(&changes).map_err(drop)
        });
        if written.is_ok() {
            self.news = self.deeds.len();
        } else {
            self.void();
            self.go_on();
        }
    }

    /// The process ends without a word: what is on disk at that moment is all there is, damaged or not.
    fn kill(&mut self, damaged: bool) {
        self.done.kills += 1;
        let folder = tempfile::tempdir().unwrap();
        copy(self.life.folder.path(), folder.path());
        if damaged {
            self.done.damaged += 1;
            self.damage(folder.path());
        }
        let (images, image) = opened(folder.path());
        let believed = image.at().unwrap().is_some();
        (self.done.believed, self.done.anew) =
            (self.done.believed + u32::from(believed), self.done.anew + u32::from(!believed));
        self.life = Life { state: State::new(self.workspace()), images, image, folder };
        self.go_on();
    }

    fn damage(&mut self, folder: &Path) {
        let all = files(folder);
        let Some(file) = all.get(self.below(all.len().max(1))) else { return };
        let mut bytes = fs::read(file).unwrap();
        match self.below(4) {
            0 => fs::remove_file(file).unwrap(),
            1 => {
                bytes.truncate(self.below(bytes.len() + 1));
                fs::write(file, bytes).unwrap();
            }
            _ if bytes.is_empty() => {}
            _ => {
                let at = self.below(bytes.len());
                bytes[at] ^= 1 << self.below(8);
                fs::write(file, bytes).unwrap();
            }
        }
    }

    /// It has the same as that one, and its image is what a replay from nothing gives: entity by entity, key by key.
    pub(crate) fn agrees(&mut self, state: &State) {
        for bytes in [u64::MAX, 8_192] {
            while self.life.image.head() != self.life.state.head() {
                self.write();
            }
            let mut proof = Proof::of(&self.life.image, &self.workspace()).unwrap().unwrap().within(bytes);
            loop {
                for deed in &self.deeds {
                    proof.take(head_of(deed.seq), deed);
                }
                if !proof.again() {
                    break;
                }
            }
            let faults: Vec<String> = proof.faults().collect();
            if self.life.image.doubt().is_some() {
                // Damage that was not met before.
                self.void();
                self.go_on();
                continue;
            }
            assert_eq!(faults, [""; 0], "the image is not what a replay gives");
            assert_eq!(proof.agreed(), state.volume.entities);
        }
        let bytes = String::from_utf8(state.to_bytes().unwrap()).unwrap();
        assert_eq!(String::from_utf8(self.life.state.to_bytes().unwrap()).unwrap(), bytes);
        assert_eq!(self.life.state.failed(), None);
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            all.extend(files(&entry.path()));
        } else if entry.file_name() != "lock" {
            all.push(entry.path());
        }
    }
    all.sort();
    all
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            // A part that was replaced meanwhile is not there any more.
            drop(fs::copy(entry.path(), target));
        }
    }
}
