//! A call of a tool: asked of Deeds, held while somebody decides, sent on at most once, and its end recorded.
//!
//! The order is what makes it at most once: the decision is on disk before the frame leaves; what left and has no answer is
//! unknown, and is not sent again by anybody. Where Deeds can't be asked nothing leaves.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::NoAnswer;
use super::frame::{Id, Message, What, members, text_of, unambiguous};
use super::judge::{Asked, End, Verdict};
use super::link::{Came, FAILED, Link};
use super::tools::text;
use super::words;
use crate::client::Backoff;
use crate::domain::hash::hex;
use crate::domain::ids::{ActNo, Seq};
use crate::domain::map::tool::{HOLD, TIMEOUT};
use crate::domain::map::{Does, ToolRow};
use crate::domain::reply::Reply;
use crate::domain::things::{CallHow, CallStage, CallState};
use crate::domain::time::Span;

/// How long one look at where a call stands waits, and so how often its caller hears of progress.
const LOOK: Duration = Duration::from_secs(3);

/// What is to be done after everything was asked.
enum Step {
    /// Send it on, for an act where it has one.
    Forward(Option<ActNo>),
    /// Tell its caller that.
    Tell(Vec<u8>),
    /// Its caller wants no answer any more.
    Nothing,
}

/// A call on its way.
struct Call<'a> {
    link: &'a Arc<Link>,
    message: &'a Message,
    asked: Asked,
    row: Option<ToolRow>,
    /// The last deed before a look.
    head: Option<Seq>,
    stopped: watch::Receiver<bool>,
}

/// Runs a call to its end.
pub(super) async fn run(link: &Arc<Link>, id: &Id, message: &Message, stopped: watch::Receiver<bool>) {
    let step = match read(message) {
        Ok(asked) => {
            let mut call = Call { link, message, asked, row: None, head: None, stopped };
            match Box::pin(call.before()).await {
                Ok(Step::Forward(act)) => return Box::pin(call.forward(id, act)).await,
                Ok(step) => step,
                Err(why) => {
                    let text = format!("This was not done, and nothing was sent. {why}. Call again later");
                    Step::Tell(words::told(message.id_text(), &text, None, true))
                }
            }
        }
        Err(why) => {
            let text = format!("This call is not forwarded: {why}");
            Step::Tell(words::told(message.id_text(), &text, None, true))
        }
    };
    link.landed(id);
    if let Step::Tell(frame) = step {
        link.to_front(frame).await;
    }
}

/// Name and arguments, the same to everybody who reads them.
fn read(message: &Message) -> Result<Asked, String> {
    let [name, arguments] = message.params(["name", "arguments"]).map_err(|why| why.to_string())?;
    let name = name.ok_or_else(|| "it names no tool".to_owned())?;
    let tool = text_of(name).map_err(|why| why.to_string())?;
    let arguments = match arguments {
        Some(arguments) if arguments.get().starts_with('{') => {
            unambiguous(arguments).map_err(|why| format!("its arguments can't be judged: {why}"))?;
            arguments.to_owned()
        }
        Some(_) => return Err("its arguments are no object".to_owned()),
        None => RawValue::from_string("{}".to_owned()).map_err(|why| why.to_string())?,
    };
    Ok(Asked { tool: tool.into(), arguments, verified: None })
}

impl Call<'_> {
    fn is_look(&self) -> bool {
        is_look(self.row.as_ref().map(|row| row.does))
    }

    /// Everything that comes before it leaves.
    async fn before(&mut self) -> Result<Step, String> {
        let away = |why: NoAnswer| sentence(&why.to_string());
        self.row = self.link.row(&self.asked.tool).await.map_err(away)?;
        let late = || "The end of an earlier call could not be recorded yet".to_owned();
        if self.is_look() {
            if !self.link.is_paid(false).await {
                return Err(late());
            }
            let looked = self.link.judge.look(&self.asked).await.map_err(away)?;
            // The map may have changed since the rows were read.
            if is_look(looked.does) {
                self.head = Some(looked.head);
                return Ok(if looked.reply.is_done() {
                    Step::Forward(None)
                } else {
                    Step::Tell(self.told(&words::refusal(&looked.reply), Some(&looked.reply)))
                });
            }
        }
        if !self.link.is_paid(true).await {
            return Err(late());
        }
        if let Some(verify) = self.row.as_ref().and_then(|row| row.verify.clone()) {
            self.asked.verified = Some(self.verify(&verify).await?);
        }
        let step = match self.link.judge.decide(&self.asked).await.map_err(away)? {
            Verdict::Begun(act) => Step::Forward(Some(act)),
            Verdict::Open => Step::Forward(None),
            Verdict::No(reply) => Step::Tell(self.told(&words::refusal(&reply), Some(&reply))),
            Verdict::Pending(reply) => self.hold(&reply).await?,
        };
        Ok(if *self.stopped.borrow() { self.stopped_at(step).await } else { step })
    }

    /// Its caller does not want it any more. What was begun for it is given back; what is pending stays.
    async fn stopped_at(&self, step: Step) -> Step {
        if let Step::Forward(Some(act)) = step {
            let note = Some("its caller cancelled it before it was sent".into());
            self.record(act, &End { how: CallHow::Unsent, took: Duration::ZERO, digest: None, note }).await;
        }
        Step::Nothing
    }

    fn told(&self, text: &str, reply: Option<&Reply>) -> Vec<u8> {
        if let Some(reply) = reply {
            self.link.decided_under(reply.map_version);
        }
        let has_schema = self.link.promises_a_shape(&self.asked.tool);
        words::told(self.message.id_text(), text, reply, has_schema)
    }

    /// Waits for a decision, as long as the row says.
    async fn hold(&mut self, reply: &Reply) -> Result<Step, String> {
        let hold = span(self.row.as_ref().map_or(HOLD, ToolRow::hold));
        let until = Instant::now() + hold;
        let [meta] = self.message.params(["_meta"]).unwrap_or_default();
        let token =
            meta.and_then(|meta| members(meta.get(), ["progressToken"]).ok()).and_then(|[token]| token);
        let digest = self.link.judge.digest(&self.asked)?;
        let item = reply.item.map(|item| item.0);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Step::Tell(self.told(&words::pending(reply, item), Some(reply))));
            }
            if let Some(token) = token {
                let text = "waiting for a decision";
                self.link.to_front(words::progress(token, left.as_secs() + 1, text)).await;
            }
            let standing = tokio::select! {
                biased;
                _ = self.stopped.wait_for(|stopped| *stopped) => return Ok(Step::Nothing),
                standing = self.link.judge.stands(&digest, left.min(LOOK)) => standing,
            };
            match standing {
                Ok(Some(standing)) if standing.stage == CallStage::Pending => {}
                Ok(Some(standing)) if matches!(standing.stage, CallStage::Rejected | CallStage::Expired) => {
                    return Ok(Step::Tell(self.told(&turned_down(&standing), Some(reply))));
                }
                // Decided again: an approval is good for what is so now.
                Ok(_) => {
                    let verdict = self.link.judge.decide(&self.asked).await;
                    return Ok(match verdict.map_err(|why| sentence(&why.to_string()))? {
                        Verdict::Begun(act) => Step::Forward(Some(act)),
                        Verdict::Open => Step::Forward(None),
                        Verdict::No(reply) => Step::Tell(self.told(&words::refusal(&reply), Some(&reply))),
                        Verdict::Pending(reply) => {
                            let item = reply.item.map(|item| item.0);
                            Step::Tell(self.told(&words::pending(&reply, item), Some(&reply)))
                        }
                    });
                }
                Err(_) => tokio::time::sleep(left.min(Duration::from_millis(200))).await,
            }
        }
    }

    /// The digest of what the row's tool gives back now, called with those arguments of this call that it takes.
    async fn verify(&self, verify: &str) -> Result<Arc<str>, String> {
        let why = |why: &str| format!("It is to be read again by `{verify}` just before, and {why}");
        let tool = self.link.tool(verify).await.ok_or_else(|| why("the server has no such tool"))?;
        let given: Map<String, Value> =
            serde_json::from_str(self.asked.arguments.get()).map_err(|error| why(&error.to_string()))?;
        let missing = tool.arguments.iter().find(|(name, must)| **must && !given.contains_key(*name));
        if let Some((name, _)) = missing {
            return Err(why(&format!("this call has no argument `{name}`, which that needs")));
        }
        let kept = given.into_iter().filter(|(name, _)| tool.arguments.contains_key(name));
        let arguments: Map<String, Value> = kept.collect();
        let params = serde_json::json!({ "name": verify, "arguments": arguments });
        let answer = self.link.ask("tools/call", &self.link.with_meta(params)).await;
        Ok(digest_of(&answer.map_err(|reason| why(&format!("that did not answer: {reason}")))?))
    }

    /// Sends it on, and says how that ended.
    async fn forward(self, id: &Id, act: Option<ActNo>) {
        let began = Instant::now();
        let limit = span(self.row.as_ref().map_or(TIMEOUT, ToolRow::timeout));
        let came = timeout(limit, async {
            let came = self.link.send_call(id, self.message).await;
            came.await.unwrap_or_else(|_| Came::Lost("nobody heard its answer".to_owned()))
        });
        let came = came
            .await
            .unwrap_or_else(|_| Came::Lost(format!("there was no answer within {} s", limit.as_secs())));
        // An answer from here on is nobody's.
        self.link.landed(id);
        let owed = self.link.owe(act.is_some());
        let took = began.elapsed();
        let (frame, end) = match came {
            Came::Answer(answer) => {
                let failed = matches!(answer.what, What::Answer { failed: true, .. });
                let how = if failed { CallHow::Failed } else { CallHow::Done };
                let end = End { how, took, digest: Some(digest_of(&answer)), note: None };
                (answer.bytes, end)
            }
            Came::Unsent(why) => (self.failed(&format!(
                "This was not done, and nothing was sent: {why}. Call again"
            ), act), End { how: CallHow::Unsent, took, digest: None, note: Some(why.into()) }),
            Came::Lost(why) => (self.failed(&format!(
                "Outcome unknown: this was sent, and {why}. It may have been done. It is not sent again until a person has said what happened; don't try it in another way. Look at the thing first"
            ), act), End { how: CallHow::Unknown, took, digest: None, note: Some(why.into()) }),
        };
        self.link.to_front(frame).await;
        match act {
            Some(act) => self.record(act, &end).await,
            // What has no answer was not seen.
            None if matches!(end.how, CallHow::Unsent | CallHow::Unknown) => {}
            None => self.tell_made(&end).await,
        }
        drop(owed);
    }

    fn failed(&self, text: &str, act: Option<ActNo>) -> bytes::Bytes {
        // Of a look nothing is unknown: it may be called again at once.
        match act {
            Some(_) => self.told(text, None).into(),
            None => words::error(
                self.message.id_text(),
                FAILED,
                "the server behind gave no answer to this; call again",
            )
            .into(),
        }
    }

    /// Records an end, for as long as that can be.
    async fn record(&self, act: ActNo, end: &End) {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        loop {
            match self.link.judge.end(act, end).await {
                Ok(()) => return,
                Err(NoAnswer::No(why)) => {
                    return self.link.kept.say(&format!("the end of act {act} was not recorded: {why}"));
                }
                Err(NoAnswer::Away(_)) => tokio::time::sleep(backoff.wait()).await,
            }
        }
    }

    async fn tell_made(&self, end: &End) {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        loop {
            match self.link.judge.made(&self.asked, self.head, end).await {
                Ok(()) => return,
                Err(NoAnswer::No(why)) => {
                    let tool = &self.asked.tool;
                    return self.link.kept.say(&format!("that {tool} was called was not recorded: {why}"));
                }
                Err(NoAnswer::Away(_)) => tokio::time::sleep(backoff.wait()).await,
            }
        }
    }
}

fn turned_down(standing: &CallState) -> String {
    let by = standing.by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
    let note = standing.note.as_deref().map_or_else(String::new, |note| format!(": {note}"));
    format!(
        "This was {}{by}{note}. Nothing was sent. Don't do it in another way; ask again only for a new reason",
        standing.stage.as_str()
    )
}

/// What a result says, as a digest: its content, whatever else is in the frame.
fn digest_of(answer: &Message) -> Arc<str> {
    let [result, error] = members(text(&answer.bytes), ["result", "error"]).unwrap_or_default();
    let parts = result.and_then(|result| members(result.get(), ["content", "structuredContent"]).ok());
    let mut hasher = Sha256::new();
    for part in parts.unwrap_or([error, None]) {
        hasher.update(part.map_or("", RawValue::get).as_bytes());
        hasher.update([0]);
    }
    hex(&hasher.finalize())
}

fn span(span: Span) -> Duration {
    Duration::from_micros(u64::try_from(span.micros()).unwrap_or_default())
}

/// Whether such a call changes nothing.
fn is_look(does: Option<Does>) -> bool {
    matches!(does, Some(Does::Read | Does::Nothing))
}

/// With a capital, to begin with.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
