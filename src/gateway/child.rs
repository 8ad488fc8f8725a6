//! A server behind that is a program of ours: started, fed, listened to, started again when it dies. What it was asked and
//! has not answered then is lost; nothing is sent to it twice.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

use super::behind::Target;
use super::frame::{MOST_BYTES, Message, on_one_line};
use super::kept::{Kept, LINE_BYTES};
use super::lines::{self, Line};
use super::link::{Came, Link};
use super::words;
use crate::client::Backoff;

/// Frames that may wait to be written.
const QUEUE: usize = 64;
/// How long the program may not take a frame before it is ended.
const WRITE_WAIT: Duration = Duration::from_secs(30);
/// How long a frame waits for a program that is being started again.
const START_WAIT: Duration = Duration::from_secs(15);
/// How long it may take to end by itself.
const END_WAIT: Duration = Duration::from_secs(2);
/// The waits before it is started again.
const AGAIN_FIRST: Duration = Duration::from_millis(200);
const AGAIN_MOST: Duration = Duration::from_secs(30);
/// Who has run so long begins with the first wait again.
const SETTLED: Duration = Duration::from_mins(1);
/// What a program finds in its environment that inherits no more than every program needs.
const NEEDED: [&str; 10] =
    ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TERM", "TMPDIR", "TZ"];
/// What none finds there: it opens Deeds.
const OURS: [&str; 2] = ["DEEDS_TOKEN", "DEEDS_TOKEN_FILE"];

/// How it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// In that run it takes frames.
    Up(u64),
    /// Started again, and told how the client had begun.
    Beginning(u64),
    Down(String),
}

/// What is to be written, and what of it was.
struct Write {
    frame: Bytes,
    /// For which run it is; the next one knows nothing of it.
    run: u64,
    written: oneshot::Sender<Result<(), Came>>,
}

/// The program.
pub(super) struct Child {
    writes: mpsc::Sender<Write>,
    state: watch::Receiver<State>,
    ending: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
}

impl Child {
    /// Starts it, and keeps it running for the link.
    ///
    /// # Errors
    /// When it can't be started.
    pub(super) fn start(link: &Arc<Link>, target: &Target) -> io::Result<Self> {
        let (writes, queue) = mpsc::channel(QUEUE);
        let (state_sender, state) = watch::channel(State::Up(0));
        let (ending, ending_receiver) = watch::channel(false);
        let (ended_sender, ended) = watch::channel(false);
        let first = Run::start(target)?;
        let keeper = Keeper {
            link: Arc::clone(link),
            target: target.clone(),
            state: state_sender,
            ending: ending_receiver,
            queue,
        };
        tokio::spawn(async move {
            Box::pin(keeper.keep(first)).await;
            ended_sender.send_replace(true);
        });
        Ok(Self { writes, state, ending, ended })
    }

    pub(super) async fn send(&self, link: &Arc<Link>, message: &Message) {
        let mut state = self.state.clone();
        let run = |state: &State| match state {
            State::Up(run) => Some(*run),
            // The link itself tells it how the client had begun.
            State::Beginning(run) => message.is_opening().then_some(*run),
            State::Down(_) => None,
        };
        let up = timeout(START_WAIT, state.wait_for(|state| run(state).is_some())).await;
        let up = up.ok().and_then(|waited| waited.ok().and_then(|state| run(&state)));
        let came = match up {
            Some(run) => self.write(message, run).await,
            None => Err(self.down()),
        };
        if let Err(came) = came {
            link.settle(message, came).await;
        }
    }

    fn down(&self) -> Came {
        Came::Unsent(match &*self.state.borrow() {
            State::Down(why) => why.clone(),
            State::Up(_) | State::Beginning(_) => "the server behind is being started again".to_owned(),
        })
    }

    async fn write(&self, message: &Message, run: u64) -> Result<(), Came> {
        let (written, heard) = oneshot::channel();
        let mut frame = on_one_line(message.bytes.clone()).to_vec();
        frame.push(b'\n');
        if self.writes.send(Write { frame: frame.into(), run, written }).await.is_err() {
            return Err(self.down());
        }
        // A writer that is gone may have begun.
        heard.await.unwrap_or_else(|_| Err(Came::Lost("the server behind ended meanwhile".to_owned())))
    }

    pub(super) async fn end(&self) {
        self.ending.send_replace(true);
        let mut ended = self.ended.clone();
        ended.wait_for(|ended| *ended).await.map(drop).unwrap_or_default();
    }
}

/// One run of the program.
struct Run {
    child: tokio::process::Child,
    input: ChildStdin,
    output: ChildStdout,
    errors: ChildStderr,
    began: Instant,
}

impl Run {
    fn start(target: &Target) -> io::Result<Self> {
        let no = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why.to_owned());
        let Target::Program { command, env, inherit, directory } = target else {
            return Err(no("it is no program"));
        };
        let [program, arguments @ ..] = command.as_slice() else { return Err(no("no program is named")) };
        let mut command = Command::new(program);
        if !inherit {
            command.env_clear();
            command.envs(NEEDED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        }
        for name in OURS {
            command.env_remove(name);
        }
        command.envs(env.iter().map(|(name, secret)| (name, &secret.0))).args(arguments);
        if let Some(directory) = directory {
            command.current_dir(directory);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: who ends the gateway by a key lets it end the server, and programs that it starts end with it.
        let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(errors)) = pipes else { return Err(no("it has no pipes")) };
        Ok(Self { child, input, output, errors, began: Instant::now() })
    }
}

/// Keeps it running.
struct Keeper {
    link: Arc<Link>,
    target: Target,
    state: watch::Sender<State>,
    ending: watch::Receiver<bool>,
    queue: mpsc::Receiver<Write>,
}

impl Keeper {
    async fn keep(mut self, first: Run) {
        let mut backoff = Backoff::new(AGAIN_FIRST, AGAIN_MOST);
        let mut next = Some(first);
        let mut number = 0;
        loop {
            if let Some(run) = next.take() {
                let began = run.began;
                let why = Box::pin(self.live(run, number)).await;
                self.state.send_replace(State::Down(why.clone()));
                if !*self.ending.borrow() {
                    self.link.kept.say(&why);
                }
                self.link.lost(&why).await;
                if began.elapsed() >= SETTLED {
                    backoff.reset();
                }
            }
            number += 1;
            let wait = backoff.wait();
            tokio::select! {
                biased;
                _ = self.ending.wait_for(|ending| *ending) => return,
                () = sleep(wait) => {}
            }
            match Run::start(&self.target) {
                Ok(run) => {
                    self.link.kept.say("the server behind was started again");
                    next = Some(run);
                }
                Err(error) => {
                    let why = format!("the server behind can't be started again: {error}");
                    self.state.send_replace(State::Down(why.clone()));
                    self.link.kept.say(&why);
                }
            }
        }
    }

    /// One run, until it ends; why it did.
    async fn live(&mut self, run: Run, number: u64) -> String {
        let Run { mut child, input, output, errors, .. } = run;
        self.state.send_replace(if number == 0 { State::Up(0) } else { State::Beginning(number) });
        let heard = tokio::spawn(hear(Arc::clone(&self.link), output));
        let kept = tokio::spawn(keep_errors(Arc::clone(&self.link.kept), errors));
        if number > 0 {
            let (link, state) = (Arc::clone(&self.link), self.state.clone());
            tokio::spawn(async move { Box::pin(begin_again(&link, &state)).await });
        }
        let ended = {
            let writing = write_all(&mut self.queue, number, input);
            tokio::select! {
                biased;
                _ = self.ending.wait_for(|ending| *ending) => None,
                status = child.wait() => Some(status),
                why = writing => { self.link.kept.say(&why); None }
            }
        };
        let status = match ended {
            Some(status) => status,
            None => end(&mut child).await,
        };
        // What it said last is still in the pipes; who inherited them from it and lives on is not waited for.
        timeout(END_WAIT, heard).await.map(drop).unwrap_or_default();
        timeout(Duration::from_millis(200), kept).await.map(drop).unwrap_or_default();
        ended_how(status)
    }
}

fn ended_how(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => format!("the server behind ended ({status})"),
        Err(error) => format!("the server behind ended, nobody knows how ({error})"),
    }
}

/// Lets a program whose input was closed end, and ends it with what it started.
async fn end(child: &mut tokio::process::Child) -> io::Result<ExitStatus> {
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    for signal in [None, Some(Signal::TERM), Some(Signal::KILL)] {
        if let (Some(signal), Some(group)) = (signal, group) {
            // A group that is gone needs none.
            kill_process_group(group, signal).unwrap_or_default();
        }
        if let Ok(status) = timeout(END_WAIT, child.wait()).await {
            return status;
        }
    }
    child.kill().await?;
    child.wait().await
}

/// Writes what is to be written, until the program takes no more; why it does not.
async fn write_all(queue: &mut mpsc::Receiver<Write>, number: u64, mut input: ChildStdin) -> String {
    while let Some(Write { frame, run, written }) = queue.recv().await {
        if run != number {
            let why = "the server behind was started again meanwhile".to_owned();
            written.send(Err(Came::Unsent(why))).unwrap_or_default();
            continue;
        }
        let mut count = 0;
        let whole = timeout(WRITE_WAIT, async {
            while let Some(rest) = frame.get(count..).filter(|rest| !rest.is_empty()) {
                match input.write(rest).await? {
                    0 => return Err(io::Error::from(io::ErrorKind::WriteZero)),
                    some => count += some,
                }
            }
            input.flush().await
        });
        let why = match whole.await {
            Ok(Ok(())) => {
                // Who has given up waiting hears it from nobody.
                written.send(Ok(())).unwrap_or_default();
                continue;
            }
            Ok(Err(error)) => format!("the server behind takes no more frames: {error}"),
            Err(_) => format!("the server behind took no frame for {} s, and is ended", WRITE_WAIT.as_secs()),
        };
        let came = if count == 0 { Came::Unsent(why.clone()) } else { Came::Lost(why.clone()) };
        written.send(Err(came)).unwrap_or_default();
        return why;
    }
    "nothing more is to be sent".to_owned()
}

async fn hear(link: Arc<Link>, output: ChildStdout) {
    let mut output = BufReader::with_capacity(64 * 1024, output);
    loop {
        match lines::next(&mut output, MOST_BYTES).await {
            Ok(Some(Line::Whole(line))) if line.iter().all(u8::is_ascii_whitespace) => {}
            Ok(Some(Line::Whole(line))) => Box::pin(link.from_behind(line)).await,
            Ok(Some(Line::TooLong(length))) => {
                link.kept
                    .say(&format!("a frame of {length} bytes, more than {MOST_BYTES}, was not passed on"));
            }
            Ok(None) | Err(_) => return,
        }
    }
}

async fn keep_errors(kept: Arc<Kept>, errors: ChildStderr) {
    let mut errors = BufReader::new(errors);
    loop {
        match lines::next(&mut errors, LINE_BYTES).await {
            Ok(Some(Line::Whole(line))) => kept.say(&String::from_utf8_lossy(&line)),
            Ok(Some(Line::TooLong(length))) => kept.say(&format!("(a line of {length} bytes)")),
            Ok(None) | Err(_) => return,
        }
    }
}

/// Begins with a new run as the client had begun with the first; tells the client where its tools are others now.
async fn begin_again(link: &Arc<Link>, state: &watch::Sender<State>) {
    let opening = link.opening.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(initialize) = opening.initialize {
        let params: Value = serde_json::from_str(initialize.get()).unwrap_or_default();
        if let Err(why) = Box::pin(link.ask("initialize", &params)).await {
            link.kept.say(&format!("the server that was started again does not begin: {why}"));
            return;
        }
        if let Some(initialized) = &opening.initialized {
            Box::pin(link.send(initialized)).await;
        }
    }
    state.send_if_modified(|state| {
        let run = if let State::Beginning(run) = state { Some(*run) } else { None };
        if let Some(run) = run {
            *state = State::Up(run);
        }
        run.is_some()
    });
    if Box::pin(link.look_at_tools()).await {
        let changed = words::notification("notifications/tools/list_changed");
        link.to_front(changed).await;
    }
}
