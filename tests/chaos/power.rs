//! Power cuts: a file system of its own under the data directory, which is shut down under load without another byte. What was
//! acknowledged is there when it is mounted again.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::chance::Chance;
use crate::checker::{Book, is_well};
use crate::kills::at_work;
use crate::load;
use crate::patience;
use crate::programs;
use crate::run::Home;
use crate::totals::{self, CUTS};

/// Cuts in an ordinary run, and in a long one.
const ROUNDS: (u32, u32) = (2, 40);
/// A server loses its disk after a random time up to this one.
const LIFE: Duration = Duration::from_millis(700);
/// `EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`: what is in memory alone is gone, the journal's end too. It says that it is
/// ready, and waits for a line.
const SHUT_DOWN: &str = "import fcntl, os, struct, sys\n\
    disk = os.open(sys.argv[1], os.O_RDONLY)\n\
    print('ready', flush=True)\n\
    sys.stdin.readline()\n\
    fcntl.ioctl(disk, 0x8004587D, struct.pack('I', 2))\n";

/// A disk of its own.
struct Disk {
    image: PathBuf,
    at: PathBuf,
}

impl Disk {
    /// None where the system lets nobody make one here.
    fn made(home: &Home) -> Option<Self> {
        let disk = Self { image: home.dir.path().join("disk"), at: home.data() };
        std::fs::File::create(&disk.image).unwrap().set_len(512 << 20).unwrap();
        std::fs::create_dir(&disk.at).unwrap();
        if !ran(Command::new("mkfs.ext4").arg("-qF").arg(&disk.image)) || !disk.mount() {
            let told =
                "\n!! PASSED OVER: a test of power cuts may not mount a disk here. It tested nothing.\n";
            std::io::stderr().write_all(told.as_bytes()).unwrap();
            return None;
        }
        std::fs::remove_dir(disk.at.join("lost+found")).unwrap();
        std::fs::set_permissions(&disk.at, std::fs::Permissions::from_mode(0o700)).unwrap();
        Some(disk)
    }

    fn mount(&self) -> bool {
        ran(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.at))
    }

    fn unmount(&self) -> bool {
        ran(Command::new("umount").arg(&self.at))
    }

    /// Cuts the power when it is time, and says so first: a sync that is under way then may end as if it had been done, which nobody
    /// hears of whose machine is off.
    fn cut(&self, wait: impl FnOnce(), over: &AtomicBool) {
        let mut python = Command::new("python3");
        python.args(["-c", SHUT_DOWN]).arg(&self.at).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut python = python.spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(python.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        wait();
        over.store(true, Ordering::SeqCst);
        python.stdin.take().unwrap().write_all(b"\n").unwrap();
        assert!(patience::ended(&mut python).success(), "it can be shut down");
        totals::count(&CUTS, 1);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if is_mounted(&self.at) && !self.unmount() {
            ran(Command::new("umount").arg("-l").arg(&self.at));
        }
    }
}

fn is_mounted(at: &Path) -> bool {
    std::fs::read_to_string("/proc/mounts").unwrap().contains(&format!(" {} ", at.display()))
}

fn ran(command: &mut Command) -> bool {
    command.output().is_ok_and(|ended| ended.status.success())
}

#[test]
fn what_was_acknowledged_is_there_after_a_power_cut() {
    if !["mkfs.ext4", "mount", "python3"].into_iter().all(programs::is_there) {
        return;
    }
    let mut chance = Chance::of("power cuts");
    let home = Home::new();
    let Some(disk) = Disk::made(&home) else { return };
    let mut callers = load::team(&home);
    let mut book = Book::default();
    let mut server = is_well(&home, "before the first cut");
    for round in 0..if totals::long() { ROUNDS.1 } else { ROUNDS.0 } {
        let mut after = Duration::ZERO;
        at_work(&mut callers, &mut server, |server, over| {
            disk.cut(|| after = chance.sleep(LIFE), over);
            server.signal(Signal::KILL);
        });
        let why = format!("cut {round}, after {after:?}");
        assert!(disk.unmount() && disk.mount(), "{why}: it can be mounted again");
        server = is_well(&home, &why);
        for caller in &mut callers {
            totals::none(book.check(&home, &server, &caller.hand_over()));
        }
    }
    assert!(book.len() > 100, "the callers did ask: {} deeds", book.len());
    server.signal(Signal::TERM);
    totals::none(book.check_whole(&home));
    drop((server, disk));
    totals::say();
}
