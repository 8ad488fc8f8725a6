//! No test waits without an end: for a child process, for something in this process, for this process as a whole.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::io::{Read, Write as _};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take that must come: a bound for a machine under load, not a measure of speed.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
/// How long the tests of one process may go on without beginning anything.
const STANDSTILL: Duration = Duration::from_mins(10);

/// Says that a test goes on. The first call sets a guard on the whole process, for whatever waits inside it.
pub(crate) fn begun() {
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    if LAST.lock().unwrap().replace(Instant::now()).is_some() {
        return;
    }
    std::thread::spawn(|| {
        while LAST.lock().unwrap().is_some_and(|last| last.elapsed() < STANDSTILL) {
            std::thread::sleep(Duration::from_secs(1));
        }
        // Written past the harness, which would keep it for a report that never comes.
        let mut err = std::io::stderr();
        writeln!(err, "nothing was begun for {STANDSTILL:?}: a test waits without end").unwrap_or_default();
        std::process::exit(101);
    });
}

/// What comes in time.
#[track_caller]
pub(crate) fn come<T>(what: &str, from: &Receiver<T>) -> T {
    from.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{what} did not come: {error}"))
}

/// What a future comes to in time.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let came = tokio::time::timeout(PATIENCE, future).await;
    came.unwrap_or_else(|_| panic!("{what} did not come within {PATIENCE:?}"))
}

/// Sends a signal to a child.
pub(crate) fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// How a child ended. One that goes on is killed, and the test fails.
#[track_caller]
pub(crate) fn ended(child: &mut Child) -> ExitStatus {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() >= end {
            child.kill().unwrap();
            panic!("process {} was still there after {PATIENCE:?}", child.id());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Runs a program to its end with this on standard input.
#[track_caller]
pub(crate) fn output(command: &mut Command, input: &[u8]) -> Output {
    begun();
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    // It may stop reading before the end.
    std::thread::spawn(move || stdin.write_all(&input).unwrap_or_default());
    let (out, err) = (kept(child.stdout.take().unwrap()), kept(child.stderr.take().unwrap()));
    let status = ended(&mut child);
    // A child of the child may hold on to them.
    Output {
        status,
        stdout: come("the end of its output", &out),
        stderr: come("the end of its errors", &err),
    }
}

/// Everything that is read there, once it ends.
fn kept(mut from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        tell.send(bytes).unwrap_or_default();
    });
    told
}
