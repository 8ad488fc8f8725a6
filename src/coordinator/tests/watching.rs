//! Who watches misses nothing, sees nothing twice, and is told when it ends.

use super::*;

/// The next records, or how it ended; a test does not wait for them without end.
pub(super) async fn next(watcher: &mut Watcher) -> Result<Vec<Entry>, WatchError> {
    tokio::time::timeout(std::time::Duration::from_mins(2), watcher.next()).await.expect("a deed in time")
}

pub(super) async fn collect(watcher: &mut Watcher, until: u64) -> Vec<u64> {
    let mut seen = Vec::new();
    while watcher.cursor().0 < until {
        for entry in next(watcher).await.unwrap() {
            assert_eq!(entry.deed().unwrap().seq.0, entry.record.seq);
            seen.push(entry.record.seq);
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_see_every_deed_once_in_order_from_wherever_they_begin() {
    let directory = TempDir::new().unwrap();
    let handle = started(file(&directory)).await;
    let fill = |from: u64, to: u64| (from..to).map(|n| write("ada", "text", n, n)).collect::<Vec<_>>();
    handle.submit_all(fill(0, 2_000)).await.unwrap();
    let before = handle.head().seq;
    let writer = {
        let handle = handle.clone();
        let batches: Vec<_> = (0..200).map(|n| fill(2_000 + n * 5, 2_005 + n * 5)).collect();
        tokio::spawn(async move {
            for batch in batches {
                handle.submit_all(batch).await.unwrap();
            }
        })
    };
    let goal = before + 1_000;
    let watchers: Vec<_> = [0, 1, 700, before - 1, before]
        .into_iter()
        .map(|after| {
            let mut watcher = handle.watch(Seq(after));
            tokio::spawn(async move { (after, collect(&mut watcher, goal).await) })
        })
        .collect();
    writer.await.unwrap();
    for watcher in watchers {
        let (after, seen) = watcher.await.unwrap();
        let due: Vec<u64> = (after + 1..=*seen.last().unwrap()).collect();
        assert!(seen == due && seen.len() as u64 >= goal - after, "from {after}: {} seen", seen.len());
    }
}

/// Who does not go on holds little, from history and from what comes, and has missed nothing when it does.
#[tokio::test]
async fn what_is_handed_out_at_once_is_bounded_in_bytes() {
    let handle = started(memory()).await;
    let long = |n: u64| {
        let text = "x".repeat(60_000);
        let command = json!({
            "do": "write", "entity": "scratch/ada/notes", "changes": {"text": text}, "expected": {"text": n},
        });
        Request { command: serde_json::from_value(command).unwrap(), ..write("ada", "text", n, n) }
    };
    for n in 0..20 {
        committed(&handle, long(n)).await;
    }
    let (mut past, mut live) = (handle.watch(Seq(0)), handle.watch(Seq(handle.head().seq - 1)));
    next(&mut live).await.unwrap();
    for n in 20..60 {
        committed(&handle, long(n)).await;
    }
    for watcher in [&mut past, &mut live] {
        let mut due = watcher.cursor().0 + 1;
        while watcher.cursor().0 < handle.head().seq {
            let entries = next(watcher).await.unwrap();
            let bytes: usize = entries.iter().map(|entry| entry.record.bytes.len()).sum();
            assert!(bytes <= 256 * 1024 || entries.len() == 1, "{bytes} bytes at once");
            for entry in entries {
                assert_eq!(entry.record.seq, due);
                due += 1;
            }
        }
    }
}

#[tokio::test]
async fn a_slow_watcher_is_dropped_and_told_where_to_resume() {
    let handle = started(memory()).await;
    let mut watcher = handle.watch(Seq(0));
    committed(&handle, write("ada", "text", 0, 0)).await;
    let first = handle.head().seq;
    assert_eq!(collect(&mut watcher, first).await.len() as u64, first);
    for n in 0..=LIVE_BATCHES as u64 {
        committed(&handle, write("bob", "text", n, n)).await;
    }
    let error = next(&mut watcher).await.unwrap_err();
    assert_eq!(error, WatchError::Lagged { resume_at: Seq(first) });
    let head = handle.head().seq;
    let rest = collect(&mut handle.watch(Seq(first)), head).await;
    assert_eq!(rest, (first + 1..=head).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cursor_beyond_the_end_is_refused_and_shutdown_ends_watchers_and_callers() {
    let handle = started(memory()).await;
    let error = next(&mut handle.watch(Seq(9))).await.unwrap_err();
    assert_eq!(error, WatchError::Beyond { asked: Seq(9), head: Seq(0) });
    let mut watcher = handle.watch(Seq(0));
    let waiting = tokio::spawn(async move { next(&mut watcher).await.map(|entries| entries.len()) });
    tokio::task::yield_now().await;
    handle.shutdown().await;
    assert_eq!(waiting.await.unwrap().unwrap_err(), WatchError::Closed { resume_at: Seq(0) });
    assert_eq!(handle.submit(write("ada", "text", 0, 1)).await.unwrap_err(), SubmitError::Closed);
    handle.shutdown().await;
}
