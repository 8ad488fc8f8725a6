//! What is known of one row of the Work view: whose it is, where it is, what happened to it so far, what it carries.

use ratatui::text::Line;

use super::line;
use super::rows::{self, About, Section};
use crate::console::widgets::facts::Facts;
use crate::console::widgets::{Look, bars};
use crate::console::words;
use crate::console::world::World;
use crate::domain::command::Write;
use crate::domain::ids::{Actor, AgentId};
use crate::domain::map::OnExhausted;
use crate::domain::state::Board;
use crate::domain::things::{
    Attempt, Before, Branch, EarlierHand, FanOutState, Feedback, HandoffOrder, Lease, Task, TaskStage,
    WaitingAct, Work, WorkKind,
};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// Cells of the labels.
const LABEL: usize = 11;
/// Lines of what agents send along.
const PAYLOAD: usize = 8;
/// Cells of a fan-out's bar.
const BAR: usize = 12;

/// The lines of a row in so many columns.
pub(super) fn lines(
    look: Look<'_>,
    room: usize,
    world: &World,
    board: &Board,
    row: About<'_>,
) -> Vec<Line<'static>> {
    let mut told = Told { look, world, board, facts: Facts::new(look, room, LABEL) };
    match row {
        About::Section(section, counts) => told.section(section, counts),
        About::Agent(agent) => told.agent(agent),
        About::Work(work) => told.work(work),
        About::Task(task) => told.task(task),
        About::FanOut(fan_out) => told.fan_out(fan_out),
        About::Branch(fan_out, at, branch, work) => told.branch(fan_out, at, branch, work),
        About::Lease(lease) => told.lease(lease),
        About::Waiting(_, act) => told.waiting(act),
    }
    told.facts.lines
}

struct Told<'a> {
    look: Look<'a>,
    world: &'a World,
    board: &'a Board,
    facts: Facts<'a>,
}

impl Told<'_> {
    fn section(&mut self, section: Section, counts: &str) {
        self.facts.title(section.heading());
        self.facts.note(counts, self.look.theme.muted);
        self.facts.gap();
        let words = match section {
            Section::Queues => {
                "What waits for each agent. Taken work is out of sight until its time is over; then it waits again, until its attempts are used up."
            }
            Section::Tasks => {
                "Tasks that went from agent to agent, each with one current owner. One that comes back too often goes to a person."
            }
            Section::FanOuts => {
                "Independent pieces of work, joined once when all have ended or the time is over. A failure is a value like any other."
            }
            Section::Leases => {
                "Locks for a time. Whoever else writes what is locked is refused; a token past its time is void."
            }
            Section::Waiting => "Acts that yield to another agent and are woken when the way is free.",
        };
        self.facts.note(words, self.look.theme.subtle);
    }

    fn agent(&mut self, agent: &AgentId) {
        self.facts.title(agent.as_str());
        if let Some(known) = self.board.map.agent(agent) {
            self.facts.maybe("role", Some(&known.role));
            self.facts.say("person", known.owner.as_str());
        } else {
            self.facts.styled("", "the map does not know this agent", self.look.theme.warning);
        }
        let facts = self.board.agents.get(agent);
        let seen = facts.filter(|facts| facts.deed.0 > 0).map(|facts| self.world.ago(facts.last));
        self.facts.say("last seen", seen.as_deref().unwrap_or("never"));
        if let Some(stop) = facts.and_then(|facts| facts.paused.as_ref()) {
            let words =
                format!("by {}, {}: {}", self.look.who(&stop.by), self.world.ago(stop.at), stop.reason);
            self.facts.styled("paused", &words, self.look.theme.warning);
        }
        self.facts.gap();
        let works = || self.board.work_of(agent).map(AsRef::as_ref);
        self.facts.say("queue", &rows::counts(works(), self.world.agents_clock()));
        let oldest = works()
            .filter(|work| work.kind.asks() && !work.is_taken(self.world.agents_clock()))
            .map(|work| work.at);
        let oldest = oldest.min().map(|at| self.world.ago(at));
        self.facts.maybe("oldest", oldest.as_deref());
        let leases = self.board.leases.values().filter(|lease| lease.holder == *agent).count();
        if leases > 0 {
            self.facts.say("leases", &leases.to_string());
        }
    }

    fn work(&mut self, work: &Work) {
        self.facts.title(&format!("#{} {}", work.no, work.kind.word()));
        self.facts.note(rows::meaning(&work.kind), self.look.theme.muted);
        self.facts.gap();
        self.facts.say("what", &work.title);
        self.facts.say("for", work.agent.as_str());
        self.facts.maybe("about", work.subject.as_ref().map(ToString::to_string).as_deref());
        self.came(work.at, work.deed.0);
        self.state(line::work_state(self.look, work, self.world.agents_clock()));
        if let Some(until) = work.taken_until {
            self.facts.say("until", &words::clock(self.world.zone, until, self.world.now));
        }
        if work.kind.asks() {
            self.facts.say("attempts", &attempts(work));
        }
        self.kind(&work.kind);
        self.attempts(&work.history);
    }

    fn came(&mut self, at: Time, deed: u64) {
        let words = format!(
            "{}, {}, by deed #{deed}",
            self.world.ago(at),
            words::clock(self.world.zone, at, self.world.now)
        );
        self.facts.say("came", &words);
    }

    fn state(&mut self, (sign, words, style): (&'static str, String, ratatui::style::Style)) {
        self.facts.styled("state", &format!("{sign} {words}"), style);
    }

    fn kind(&mut self, kind: &WorkKind) {
        match kind {
            WorkKind::Proposal { from, write, .. } => {
                let from = self.look.who(from);
                self.facts.say("from", &from);
                self.change(write);
            }
            WorkKind::Decision { item, answer, note, reply, result, granted, input } => {
                self.facts.say("answer", &format!("{answer} on #{item}"));
                self.facts.maybe("note", note.as_deref());
                self.value("reply", reply.as_ref());
                let result = result.as_ref().map(|result| result.outcome.as_str());
                self.facts.maybe("came out", result);
                let granted = granted.as_ref().map(ToString::to_string);
                self.facts.maybe("granted", granted.as_deref());
                self.value("input", input.as_ref());
            }
            WorkKind::Ruling { item, question, of, right, value, note } => {
                self.facts.maybe("question", question.as_deref());
                self.facts.maybe("field", of.as_ref().map(ToString::to_string).as_deref());
                self.value("right", value.as_ref());
                self.facts.maybe("said by", right.as_ref().map(Actor::name));
                self.facts.maybe("note", note.as_deref());
                self.facts.maybe("item", item.map(|item| format!("#{item}")).as_deref());
            }
            WorkKind::Notice { text, history, .. } => {
                self.facts.say("text", text);
                self.feedback(history);
            }
            WorkKind::Dispatch { event, attributes, then, raised, before } => {
                self.facts.say("event", &format!("{event}, raised by deed #{raised}"));
                for (name, value) in attributes {
                    self.facts.say("", &format!("{name}: {}", value.plain()));
                }
                let then: Vec<&str> = then.iter().map(AgentId::as_str).collect();
                self.facts.maybe("then", Some(&then.join(", then ")));
                self.before(before.as_deref());
            }
            WorkKind::Handoff { order, history } => {
                self.order(order);
                self.feedback(history);
            }
            WorkKind::Returned { task, attempt, max_attempts, history, earlier, left_out, .. } => {
                self.facts.say("task", &format!("{task}, {}", next_try(*attempt, *max_attempts)));
                self.earlier(earlier, *left_out);
                self.feedback(history);
            }
            WorkKind::Branch { fan_out, index, from, input } => {
                self.facts.say("fan-out", &format!("#{fan_out} by {from}, branch {}", index + 1));
                self.value("input", Some(input));
            }
            WorkKind::Join { fan_out, met, branches } => {
                let met = if *met { "as many succeeded as were needed" } else { "too few succeeded" };
                self.facts.say("fan-out", &format!("#{fan_out}: {met}"));
                self.branches(branches);
            }
            WorkKind::Changed { fields, by, change } => {
                self.facts.say("by", &format!("{by}, deed #{change}"));
                for (path, version) in fields {
                    self.facts.say("field", &format!("{path} is at v{version} now"));
                }
            }
            WorkKind::Free { act, deferred } => {
                let arrow = self.look.glyphs.arrow;
                self.facts.say("act", &format!("{} {arrow} {}", act.action, act.subject));
                self.facts.say("", &format!("deferred by deed #{deferred}"));
            }
        }
    }

    fn change(&mut self, write: &Write) {
        for (name, value) in &write.changes {
            let name = if name.is_whole() { write.entity.to_string() } else { format!("#{name}") };
            let text = format!("{name} {} {}", self.look.glyphs.arrow, value.plain());
            self.facts.say("change", &text);
        }
        self.facts.maybe("why", write.reason.as_deref());
    }

    /// What the one before in the sequence came to.
    fn before(&mut self, before: Option<&Before>) {
        let Some(before) = before else { return };
        self.facts.say("before", before.by.as_str());
        self.facts.maybe("", before.note.as_deref());
        self.value("result", before.result.as_ref());
    }

    fn value(&mut self, label: &'static str, value: Option<&Value>) {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            self.facts.long(label, &value.plain(), PAYLOAD, self.look.theme.base);
        }
    }

    /// What a handoff carries.
    fn order(&mut self, order: &HandoffOrder) {
        let arrow = self.look.glyphs.arrow;
        self.facts.say("handed", &format!("{} {arrow} {}", order.from, order.to));
        self.facts.maybe("status", order.work_product.status.as_deref());
        self.value("product", order.work_product.result.as_ref());
        self.value("context", Some(&order.context));
        let kept = order.constraints.plain();
        self.facts.say("keep to", if kept == "[]" { "nothing in particular" } else { &kept });
        self.earlier(&order.earlier, order.left_out);
    }

    /// What was said with the handoffs before, the oldest first.
    fn earlier(&mut self, earlier: &[EarlierHand], left_out: u32) {
        if earlier.is_empty() && left_out == 0 {
            return;
        }
        self.facts.heading("EARLIER HANDS");
        if left_out > 0 {
            self.facts.note(&format!("{left_out} before these are left out"), self.look.theme.muted);
        }
        let arrow = self.look.glyphs.arrow;
        for hand in earlier {
            let who = format!("{} {} {arrow} {}", hand.attempt, hand.from, hand.to);
            self.facts.note(&who, self.look.theme.subtle);
            self.value("context", Some(&hand.context));
            let kept = hand.constraints.plain();
            self.facts.maybe("keep to", Some(kept.as_str()).filter(|kept| *kept != "[]"));
        }
    }

    fn task(&mut self, task: &Task) {
        self.facts.title(&format!("task {}", task.id));
        self.facts.gap();
        self.facts.styled("owner", task.owner.as_str(), self.look.theme.accent);
        self.state(line::task_state(self.look, task));
        match &task.stage {
            TaskStage::Offered { to, .. } => self.facts.say("", &format!("{to} has not accepted it yet")),
            TaskStage::Escalated { item } => {
                self.facts.say("", &format!("a person decides: #{item} in the inbox"));
            }
            TaskStage::Closed { item } => self.facts.say("", &format!("ended by the answer to #{item}")),
            TaskStage::Aborted => self.facts.say("", "out of attempts, and ended with that"),
            TaskStage::Done { result } => self.value("result", result.as_ref()),
            TaskStage::Accepted { .. } | TaskStage::Returned { .. } => {}
        }
        let attempt = task.tries(" of ");
        let last = task.attempt >= task.max_attempts && !rows::is_over(task);
        let theme = self.look.theme;
        self.facts.styled("attempt", &attempt, if last { theme.warning } else { theme.base });
        self.facts.maybe("about", task.subject.as_ref().map(ToString::to_string).as_deref());
        self.facts.say("since", &format!("{}, by deed #{}", self.world.ago(task.at), task.deed));
        self.facts.gap();
        self.order(&task.order);
        self.feedback(&task.history);
    }

    /// Every return so far, the oldest first: what a person needs to see that it does not converge.
    fn feedback(&mut self, history: &[Feedback]) {
        if history.is_empty() {
            return;
        }
        self.facts.heading("FEEDBACK");
        for back in history {
            let when = words::clock(self.world.zone, back.at, self.world.now);
            self.facts.note(&format!("{} {when} {}", back.attempt, back.by), self.look.theme.subtle);
            self.facts.say("", &back.text);
        }
    }

    fn attempts(&mut self, history: &[Attempt]) {
        if history.is_empty() {
            return;
        }
        self.facts.heading("ATTEMPTS");
        for tried in history {
            let when = words::clock(self.world.zone, tried.at, self.world.now);
            let words = format!("{} {when} {}", tried.attempt, tried.how);
            self.facts.note(&words, self.look.theme.subtle);
            self.facts.maybe("", tried.note.as_deref());
        }
    }

    fn fan_out(&mut self, fan_out: &FanOutState) {
        let theme = self.look.theme;
        self.facts.title(&format!("fan-out #{}", fan_out.no));
        self.facts.gap();
        self.facts.say("by", fan_out.agent.as_str());
        self.facts.maybe("why", fan_out.reason.as_deref());
        self.facts.maybe("about", fan_out.subject.as_ref().map(ToString::to_string).as_deref());
        let all = fan_out.branches.len() as u64;
        let ended = fan_out.branches.iter().filter(|branch| branch.end.is_some()).count() as u64;
        let mut bar = bars::bar(self.look, BAR, ended, all, theme.accent);
        bar.push_span(ratatui::text::Span::styled(format!("  {ended} of {all} ended"), theme.base));
        self.facts.lined("progress", vec![bar]);
        let ok = u64::from(fan_out.succeeded());
        let failed = ended.saturating_sub(ok);
        self.facts.say("so far", &format!("{ok} succeeded, {failed} failed; {} needed", fan_out.needed));
        let deadline = words::clock(self.world.zone, fan_out.deadline, self.world.now);
        match fan_out.joined {
            Some(at) => self.facts.say("joined", &self.world.ago(at)),
            None if fan_out.deadline <= self.world.agents_clock() => {
                self.facts.styled("joined", &format!("the deadline {deadline} is over"), theme.warning);
            }
            None => {
                let left = words::countdown(fan_out.deadline, self.world.agents_clock());
                self.facts.say("joined", &format!("when all have ended, or in {left} at {deadline}"));
            }
        }
        self.facts.heading("BRANCHES");
        self.branches(&fan_out.branches);
    }

    fn branches(&mut self, branches: &[Branch]) {
        for (at, branch) in branches.iter().enumerate() {
            let work = self.board.works.get(&branch.work).map(AsRef::as_ref);
            let (sign, word, style) = line::branch_state(self.look, branch, work, self.world.agents_clock());
            self.facts.note(&format!("{} {}  {sign} {word}", at + 1, branch.to), style);
            let Some(end) = &branch.end else { continue };
            self.facts.maybe("", end.note.as_deref());
            self.value("", end.result.as_ref());
        }
    }

    fn branch(&mut self, fan_out: &FanOutState, at: usize, branch: &Branch, work: Option<&Work>) {
        self.facts.title(&format!("branch {} of fan-out #{}", at + 1, fan_out.no));
        self.facts.gap();
        self.facts.say("for", branch.to.as_str());
        let state = line::branch_state(self.look, branch, work, self.world.agents_clock());
        self.state(state);
        if let Some(end) = &branch.end {
            self.facts.say("attempts", &end.attempts.to_string());
            self.facts.maybe("why", end.note.as_deref());
            self.value("result", end.result.as_ref());
            self.facts.say("ended", &self.world.ago(end.at));
        } else if let Some(work) = work {
            self.facts.say("attempts", &attempts(work));
            self.came(work.at, work.deed.0);
            self.kind(&work.kind);
            self.attempts(&work.history);
        }
    }

    fn lease(&mut self, lease: &Lease) {
        let (now, clock, theme) = (self.world.now, self.world.agents_clock(), self.look.theme);
        self.facts.title(&format!("lease on {}", lease.target));
        self.facts.gap();
        self.facts.styled("holder", lease.holder.as_str(), theme.accent);
        self.facts.say("token", &lease.fence.to_string());
        self.facts.say("since", &format!("{}, by deed #{}", self.world.ago(lease.since), lease.deed));
        let until = words::clock(self.world.zone, lease.until, now);
        if lease.is_live(clock) {
            self.facts.say("until", &format!("{until}, {} left", words::countdown(lease.until, clock)));
            self.facts.gap();
            let words =
                "Nobody else writes it meanwhile. Where it is not renewed it lapses, and its holder is told.";
            self.facts.note(words, theme.subtle);
        } else {
            self.facts.styled("until", &format!("{until}: it has lapsed; its token is void"), theme.warning);
        }
    }

    fn waiting(&mut self, waiting: &WaitingAct) {
        let act = &waiting.act;
        self.facts.title(&format!("{} {} {}", act.action, self.look.glyphs.arrow, act.subject));
        self.facts.gap();
        self.facts.styled("agent", waiting.agent.as_str(), self.look.theme.accent);
        self.facts.say("target", &act.target);
        self.facts.maybe("why", act.reason.as_deref());
        if let Some(until) = waiting.until {
            let left = words::countdown(until, self.world.agents_clock());
            self.facts.say(
                "until",
                &format!("{}, {left} left", words::clock(self.world.zone, until, self.world.now)),
            );
        }
        let watches: Vec<String> = waiting.watches.iter().map(ToString::to_string).collect();
        if !watches.is_empty() {
            self.facts.say("or until", &format!("{} lets it go", watches.join(", ")));
        }
        self.facts.gap();
        let words = "Another agent goes first. It is woken when the way is free, and asks again then.";
        self.facts.note(words, self.look.theme.subtle);
    }
}

/// Which attempt comes next; where the workspace only observes, also after the last.
fn next_try(attempt: u32, max: u32) -> String {
    if attempt > max {
        return format!("all {max} attempts were made");
    }
    format!("attempt {attempt} of {max} is next")
}

/// `1 of 3; then a person decides`.
fn attempts(work: &Work) -> String {
    let then = match work.on_exhausted {
        OnExhausted::Escalate => "a person decides",
        OnExhausted::Abort => "it ends as failed",
    };
    format!("{} of {}; after the last {then}", work.attempts, work.max_attempts)
}
