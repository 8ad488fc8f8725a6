//! A look at the write-ahead log as the file that it is. SQLite holds its frames against their checksums when it opens it after a
//! crash, and never while it is open: a frame that was damaged meanwhile takes every deed behind it along with the process.
//!
//! The form is <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>. How many frames there must be is in the index beside it
//! only, which SQLite is asked for: closing a descriptor of our own on that file would drop the locks of this process.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use rusqlite::Connection;

use super::file;
use crate::ledger::LedgerError;

/// How a log begins; one more where its checksums are of big-endian words.
const MAGIC: u32 = 0x377f_0682;
/// Bytes of its header, and of them those that the checksum behind them is of.
const HEADER: usize = 32;
const HEADER_SUMMED: usize = 24;
/// Bytes in front of each page, and of them those that are in its checksum.
const FRAME: usize = 24;
const FRAME_SUMMED: usize = 8;

/// Looks whether every committed frame of the log is as it was written. The connection is in no transaction; others may write and
/// bring the log in meanwhile. What can't be told now is not said.
///
/// # Errors
/// [`LedgerError::LogDamaged`] where one is not.
pub(super) fn check(conn: &Connection, path: &Path) -> Result<(), LedgerError> {
    look(conn, path, |_| 0)
}

/// The same, of those frames only that are not in the file yet.
///
/// # Errors
/// As [`check`].
pub(super) fn check_coming(conn: &Connection, path: &Path) -> Result<(), LedgerError> {
    look(conn, path, |brought_in| brought_in)
}

fn look(conn: &Connection, path: &Path, begin: impl FnOnce(u32) -> u32) -> Result<(), LedgerError> {
    let log = path.with_file_name(file::beside(path, "-wal"));
    let Ok(before) = header(&log) else { return Ok(()) };
    let (due, brought_in) = frames(conn);
    let begin = begin(brought_in);
    if begin >= due {
        return Ok(());
    }
    let Ok(Some(reason)) = damage(&log, &before, begin, due) else { return Ok(()) };
    // A log that began again meanwhile has another header; while it has this one, no committed frame is written over.
    if header(&log).ok() != Some(before) {
        return Ok(());
    }
    Err(LedgerError::LogDamaged { place: file::place(&log), reason })
}

/// How many frames are committed, and how many of them were brought into the file; none where that can't be told.
fn frames(conn: &Connection) -> (u32, u32) {
    let asked = conn.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| Ok((row.get(1)?, row.get(2)?)));
    let (committed, brought_in): (i64, i64) = asked.unwrap_or_default();
    (u32::try_from(committed).unwrap_or(0), u32::try_from(brought_in).unwrap_or(0))
}

/// The first bytes, fewer where there are no more.
fn header(log: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(HEADER);
    File::open(log)?.take(HEADER as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is wrong with the frames behind that header, up to the one numbered `due`; the first `trusted` are not looked at.
fn damage(log: &Path, header: &[u8], trusted: u32, due: u32) -> io::Result<Option<String>> {
    let Some((mut sum, page)) = begin(header) else { return Ok(Some("its header does not hold".to_owned())) };
    let salts = header.get(16..HEADER_SUMMED);
    let mut file = BufReader::new(File::open(log)?);
    let mut frame = vec![0; FRAME + page];
    if let Some(before) = trusted.checked_sub(1) {
        file.seek(SeekFrom::Start(HEADER as u64 + u64::from(before) * frame.len() as u64))?;
        file.read_exact(&mut frame)?;
        sum.words = (word(&frame, 16).unwrap_or_default(), word(&frame, 20).unwrap_or_default());
    } else {
        file.seek(SeekFrom::Start(HEADER as u64))?;
    }
    for number in trusted + 1..=due {
        match file.read_exact(&mut frame) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Ok(Some(format!("it ends in front of frame {number} of {due}")));
            }
            read => read?,
        }
        let (about, content) = frame.split_at(FRAME);
        sum.add(about.get(..FRAME_SUMMED).unwrap_or_default());
        sum.add(content);
        if about.get(FRAME_SUMMED..16) != salts || !sum.is(about, 16) {
            return Ok(Some(format!("frame {number} of {due} does not hold")));
        }
    }
    Ok(None)
}

/// The checksum with which the frames go on, and the bytes of a page; nothing of a header that does not hold.
fn begin(header: &[u8]) -> Option<(Sum, usize)> {
    let magic = word(header, 0)?;
    let mut sum = Sum { big_endian: magic & 1 == 1, words: (0, 0) };
    sum.add(header.get(..HEADER_SUMMED)?);
    let page = usize::try_from(word(header, 8)?).ok()?;
    let is_log = magic & !1 == MAGIC && page.is_power_of_two() && (512..=65_536).contains(&page);
    (is_log && sum.is(header, HEADER_SUMMED)).then_some((sum, page))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_be_bytes(*word))
}

/// The checksum over everything from the header on.
struct Sum {
    big_endian: bool,
    words: (u32, u32),
}

impl Sum {
    /// Goes on over `bytes`, of which there are a multiple of eight.
    fn add(&mut self, bytes: &[u8]) {
        let number = if self.big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        let (mut one, mut two) = self.words;
        for &[a, b, c, d, e, f, g, h] in bytes.as_chunks().0 {
            one = one.wrapping_add(number([a, b, c, d])).wrapping_add(two);
            two = two.wrapping_add(number([e, f, g, h])).wrapping_add(one);
        }
        self.words = (one, two);
    }

    /// Whether that is what is written there.
    fn is(&self, bytes: &[u8], at: usize) -> bool {
        (word(bytes, at), word(bytes, at + 4)) == (Some(self.words.0), Some(self.words.1))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::FileExt as _;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicBool, Ordering};

    use bytes::Bytes;
    use tempfile::TempDir;

    use super::*;
    use crate::ledger::sqlite::{self, SqliteLedger};
    use crate::ledger::{Append, Ledger as _};

    /// A file with a log of that many commits, in pages of so many bytes, that nothing brings in.
    fn logged(page: u32, commits: u32) -> (TempDir, PathBuf, Connection) {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("some.db");
        let conn = Connection::open(&path).unwrap();
        conn.pragma_update(None, "page_size", page).unwrap();
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
        conn.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        conn.execute_batch("CREATE TABLE some (what BLOB)").unwrap();
        commit(&conn, commits);
        (directory, path, conn)
    }

    fn commit(conn: &Connection, times: u32) {
        for _ in 0..times {
            conn.execute("INSERT INTO some VALUES (randomblob(200))", []).unwrap();
        }
    }

    fn log_of(path: &Path) -> File {
        File::options().read(true).write(true).open(path.with_file_name(file::beside(path, "-wal"))).unwrap()
    }

    #[test]
    fn each_flipped_byte_of_a_committed_frame_is_found() {
        let (_directory, path, conn) = logged(512, 4);
        let log = log_of(&path);
        check(&conn, &path).unwrap();
        let due = u64::from(frames(&conn).0);
        assert!(due >= 5, "{due}");
        for at in 0..HEADER as u64 + due * (FRAME as u64 + 512) {
            let mut byte = [0];
            log.read_exact_at(&mut byte, at).unwrap();
            log.write_all_at(&[byte[0] ^ 1], at).unwrap();
            let found = check(&conn, &path).unwrap_err();
            assert!(matches!(found, LedgerError::LogDamaged { .. }), "{at}: {found}");
            let frame = at.checked_sub(HEADER as u64).map(|at| at / (FRAME as u64 + 512) + 1);
            let where_it_is =
                frame.map_or("its header".to_owned(), |frame| format!("frame {frame} of {due} "));
            assert!(found.to_string().contains(&where_it_is), "{at}: {found}");
            log.write_all_at(&byte, at).unwrap();
        }
        check(&conn, &path).unwrap();
        log.set_len(log.metadata().unwrap().len() - 1).unwrap();
        assert!(check(&conn, &path).unwrap_err().to_string().contains("it ends in front of frame"));
    }

    #[test]
    fn what_is_behind_the_last_commit_is_nobodys_and_a_look_brings_nothing_in() {
        let (_directory, path, conn) = logged(4_096, 200);
        let before = fs::read(&path).unwrap();
        let log = log_of(&path);
        check(&conn, &path).unwrap();
        log.write_all_at(&[7; 9_000], log.metadata().unwrap().len()).unwrap();
        check(&conn, &path).unwrap();
        assert!(frames(&conn).0 > 200);
        assert_eq!(fs::read(&path).unwrap(), before, "it was brought in");
        // What is in the file is not gone through again before the rest is brought in.
        assert_eq!(frames(&conn).1, 0);
        let reads = conn_beside(&path);
        reads.execute_batch("BEGIN; SELECT count(*) FROM some").unwrap();
        conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
        commit(&conn, 3);
        drop(reads);
        let (due, brought_in) = frames(&conn);
        assert!(due > brought_in && brought_in > 200, "{due}, {brought_in}");
        for (frame, coming) in [(brought_in / 2, true), (due - 1, false)] {
            let at = HEADER as u64 + u64::from(frame) * (FRAME as u64 + 4_096) + 1_000;
            let mut byte = [0];
            log.read_exact_at(&mut byte, at).unwrap();
            log.write_all_at(&[byte[0] ^ 1], at).unwrap();
            check(&conn, &path).unwrap_err();
            assert_eq!(check_coming(&conn, &path).is_ok(), coming, "frame {frame} of {due}");
            log.write_all_at(&byte, at).unwrap();
        }
        check_coming(&conn, &path).unwrap();
        // One that began again has what was there before behind its end.
        conn.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
        commit(&conn, 3);
        let again = frames(&conn).0;
        assert!((1..20).contains(&again), "{again}");
        check(&conn, &path).unwrap();
        log.write_all_at(&[0], HEADER as u64 + FRAME as u64 + 4_000).unwrap();
        log.write_all_at(&[1], HEADER as u64 + FRAME as u64 + 4_001).unwrap();
        check(&conn, &path).unwrap_err();
    }

    #[test]
    fn a_log_that_grows_and_begins_again_under_the_look_is_whole() {
        let (_directory, path, conn) = logged(4_096, 1);
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let writes = conn_beside(&path);
                for mode in ["PASSIVE", "RESTART", "TRUNCATE"].into_iter().cycle() {
                    commit(&writes, 20);
                    let sql = format!("PRAGMA wal_checkpoint({mode})");
                    writes.query_row(&sql, [], |_| Ok(())).unwrap();
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
            let mut sizes = std::collections::BTreeSet::new();
            let looked: Vec<_> = (0..1_000)
                .map(|_| {
                    sizes.insert(frames(&conn).0);
                    check(&conn, &path)
                })
                .collect();
            is_over.store(true, Ordering::Relaxed);
            for found in looked {
                found.unwrap();
            }
            assert!(sizes.len() > 3, "nothing was written beside: {sizes:?}");
        });
    }

    fn conn_beside(path: &Path) -> Connection {
        let conn = Connection::open(path).unwrap();
        conn.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        conn
    }

    #[tokio::test]
    async fn a_damaged_log_takes_nothing_more_and_is_not_brought_in() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join(sqlite::FILE);
        let ledger = SqliteLedger::open_or_create(&path, "northwind").unwrap();
        let mut head = ledger.head().await.unwrap();
        for n in 0..8 {
            let appended = ledger.append(head, vec![Bytes::from(format!("{{\"n\":{n}}}"))]).await.unwrap();
            let Append::Appended(records) = appended else { panic!("{appended:?}") };
            head = records.last().unwrap().head();
        }
        let log = log_of(&path);
        let middle = log.metadata().unwrap().len() / 2;
        let file = fs::read(&path).unwrap();
        log.write_all_at(&[0; 600], middle).unwrap();
        for found in [
            sqlite::verify(&path, |_| {}).unwrap_err(),
            sqlite::inspect(&path).unwrap_err(),
            ledger.look().await.unwrap_err(),
            ledger.append(head, vec![Bytes::from_static(b"{}")]).await.unwrap_err(),
            ledger.recover().await.unwrap_err(),
        ] {
            assert!(matches!(found, LedgerError::LogDamaged { .. }) && found.is_gone(), "{found}");
        }
        ledger.close().await;
        assert_eq!(fs::read(&path).unwrap(), file, "damaged pages were brought in");
        assert!(log_of(&path).metadata().unwrap().len() > middle);
    }
}
