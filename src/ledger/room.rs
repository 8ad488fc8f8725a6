//! The room on a disk that caches leave to the ledger: they are made anew when there is some, a deed is not.

use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::fs::statvfs;

/// What is left at least, in bytes …
const RESERVE: u64 = 64 * 1024 * 1024;
/// … or this part of a disk that is small.
const PART: u64 = 16;
const KIB: u64 = 1024;

/// Whether a cache may take so many bytes more at that place. Where the system does not say how much is free, it may.
///
/// # Errors
/// [`ErrorKind::StorageFull`] where less would be left than is the ledger's.
pub fn for_cache(place: &Path, bytes: u64) -> io::Result<()> {
    let Ok(disk) = statvfs(place) else { return Ok(()) };
    let (free, all) =
        (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize));
    let reserve = RESERVE.min(all / PART);
    if all == 0 || free.saturating_sub(bytes) >= reserve {
        return Ok(());
    }
    let why = format!("{} KiB are free, and {} KiB are left to the ledger", free / KIB, reserve / KIB);
    Err(io::Error::new(ErrorKind::StorageFull, why))
}
