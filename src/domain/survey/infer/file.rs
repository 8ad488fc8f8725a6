//! The proposed map as a file with comments: who gets what and why, and what a person has to decide.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::tree::Kind;
use super::{Activity, Contested, Inferred, Inferring, OWNED_FROM_PERCENT, Owner, Share, Used, Writers};
use crate::domain::ids::{AgentId, PersonId};
use crate::domain::map::lint::GOVERNED_FROM;
use crate::domain::map::model::{Model, Queue};

/// How many writers a comment names.
const NAMED: usize = 6;

/// What is decided before it is written down.
#[derive(Default)]
struct Proposal {
    writes: BTreeMap<AgentId, Vec<Grant>>,
    triggers: BTreeMap<AgentId, Vec<Grant>>,
    outputs: BTreeMap<AgentId, Vec<Grant>>,
    fields: Vec<Declared>,
    events: Vec<(String, Option<Vec<Share>>)>,
    ruled: Vec<Ruled>,
    contested: Vec<Contested>,
}

/// Something an agent gets, and who else did it, where somebody did.
struct Grant {
    what: String,
    others: Vec<Share>,
}

/// A field of which the map says something.
struct Declared {
    path: String,
    append: bool,
    shares: Vec<Share>,
}

/// An output with rules.
struct Ruled {
    name: String,
    approved: bool,
    /// Its publishers, where there are several.
    shares: Vec<Share>,
}

pub(super) fn write(seen: Inferring) -> Inferred {
    let Inferring { force, tree, agents, people, events, outputs, deeds, told, left_out } = seen;
    let mut proposal = Proposal::default();
    for kind in tree.kinds() {
        proposal.kind(kind);
    }
    for (event, writers) in events {
        proposal.event(event, &writers);
    }
    for (output, used) in outputs {
        proposal.output(output, &used);
    }
    for event in &force.events {
        let known = proposal.events.iter().any(|(name, _)| *name == event.name);
        if !known && (event.schedule.is_some() || event.on.is_some()) {
            proposal.contested.push(Contested { what: event.name.clone(), shares: Vec::new() });
            proposal.events.push((event.name.clone(), Some(Vec::new())));
        }
    }
    let mut file = File { text: String::new(), force: &force, agents: &agents };
    file.head(deeds, told, &people, &proposal);
    for (id, seen) in &agents {
        file.agent(id, seen, &proposal);
    }
    file.fields(&proposal);
    file.events(&proposal);
    file.outputs(&proposal);
    file.queues();
    file.people();
    let granted = [&proposal.writes, &proposal.triggers, &proposal.outputs];
    Inferred {
        toml: file.text,
        deeds,
        told,
        agents: agents.len(),
        granted: granted.iter().map(|grants| grants.values().map(Vec::len).sum::<usize>()).sum(),
        contested: proposal.contested,
        people: people.into_keys().collect(),
        left_out,
    }
}

impl Proposal {
    /// The fields of one kind of entity: all of it to one agent, or field by field.
    fn kind(&mut self, kind: Kind) {
        let owners: BTreeSet<Option<AgentId>> = kind
            .fields
            .values()
            .map(|field| match field.writers.owner() {
                Owner::One(agent) => Some(agent.clone()),
                Owner::Contested | Owner::Nobody => None,
            })
            .collect();
        let only = if owners.len() == 1 { owners.into_iter().next().flatten() } else { None };
        if let Some(only) = only.filter(|_| kind.fields.len() > 1) {
            let mut all = Writers::default();
            for field in kind.fields.into_values() {
                all.merge(field.writers);
            }
            let grant = Grant { what: kind.entity, others: others(&all, &only) };
            self.writes.entry(only).or_default().push(grant);
            return;
        }
        let only_whole = kind.fields.len() == 1 && kind.fields.contains_key("");
        for (field, used) in kind.fields {
            let path = if only_whole { kind.entity.clone() } else { format!("{}#{field}", kind.entity) };
            let shares = used.writers.shares();
            match used.writers.owner() {
                Owner::One(agent) => {
                    let grant = Grant { what: path, others: others(&used.writers, agent) };
                    self.writes.entry(agent.clone()).or_default().push(grant);
                }
                Owner::Contested if used.grows => {
                    for share in &shares {
                        let grant = Grant { what: path.clone(), others: Vec::new() };
                        self.writes.entry(share.agent.clone()).or_default().push(grant);
                    }
                    self.fields.push(Declared { path, append: true, shares });
                }
                Owner::Contested => {
                    self.contested.push(Contested { what: path.clone(), shares: shares.clone() });
                    self.fields.push(Declared { path, append: false, shares });
                }
                Owner::Nobody => {}
            }
        }
    }

    fn event(&mut self, event: String, writers: &Writers) {
        if let Owner::One(agent) = writers.owner() {
            let grant = Grant { what: event.clone(), others: others(writers, agent) };
            self.triggers.entry(agent.clone()).or_default().push(grant);
            self.events.push((event, None));
            return;
        }
        let shares = writers.shares();
        self.contested.push(Contested { what: event.clone(), shares: shares.clone() });
        self.events.push((event, Some(shares)));
    }

    fn output(&mut self, name: String, used: &Used) {
        if let Owner::One(agent) = used.publishers.owner() {
            let grant = Grant { what: name.clone(), others: others(&used.publishers, agent) };
            self.outputs.entry(agent.clone()).or_default().push(grant);
            if used.approved {
                self.ruled.push(Ruled { name, approved: true, shares: Vec::new() });
            }
            return;
        }
        let shares = used.publishers.shares();
        self.contested.push(Contested { what: name.clone(), shares: shares.clone() });
        self.ruled.push(Ruled { name, approved: used.approved, shares });
    }
}

fn others(writers: &Writers, owner: &AgentId) -> Vec<Share> {
    writers.shares().into_iter().filter(|share| share.agent != *owner).collect()
}

/// `mayor 42% (210), dog 31% (155) and 3 more`.
fn words(shares: &[Share], total: u64) -> String {
    let one = |share: &Share| {
        let percent = match (share.times * 100).checked_div(total).unwrap_or(0) {
            0 => "<1".to_owned(),
            percent => percent.to_string(),
        };
        format!("{} {percent}% ({})", share.agent, share.times)
    };
    let named: Vec<String> = shares.iter().take(NAMED).map(one).collect();
    let more = shares.len().saturating_sub(NAMED);
    if more == 0 { named.join(", ") } else { format!("{} and {more} more", named.join(", ")) }
}

fn total(shares: &[Share]) -> u64 {
    shares.iter().map(|share| share.times).sum()
}

/// A text as TOML writes it where escapes count: whoever shows the file may put one in the place of what hides.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

struct File<'a> {
    text: String,
    force: &'a Model,
    agents: &'a BTreeMap<AgentId, Activity>,
}

impl File<'_> {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    fn comment(&mut self, text: &str) {
        // One line, whatever names are in it.
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.line(format!("# {text}").trim_end());
    }

    fn head(&mut self, deeds: u64, told: u64, people: &BTreeMap<PersonId, u64>, proposal: &Proposal) {
        let found = format!("Proposed from {deeds} deeds, of which {told} tell who does what.");
        self.comment(&found);
        self.comment(&format!(
            "Who made {OWNED_FROM_PERCENT}% of the writes to a field owns it. What several made is contested: a person decides."
        ));
        match proposal.contested.len() {
            0 => self.comment(
                "Nothing is contested. Look through it, `deeds map check` it, `deeds map plan` it, apply it.",
            ),
            n => {
                self.comment(&format!("{n} are contested: each is marked CONTESTED with who wrote how much. Give each to one agent"));
                self.comment("(`writes`, `triggers`, `outputs`), or say how they share it; until then `deeds map check` names them.");
            }
        }
        if !people.is_empty() {
            let mut people: Vec<(&PersonId, &u64)> = people.iter().collect();
            people.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
            let more = people.len().saturating_sub(NAMED);
            let named: Vec<String> =
                people.iter().take(NAMED).map(|(person, times)| format!("{person} ({times})")).collect();
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            self.comment(&format!(
                "People wrote too and are left out, they need no grant: {}{more}.",
                named.join(", ")
            ));
        }
        self.line(format!("workspace = {}", quoted(self.force.workspace.as_str())));
        if self.force.timezone != "UTC" {
            self.line(format!("timezone = {}", quoted(&self.force.timezone)));
        }
        let named = self.force.governance_owner.as_ref();
        if let Some(owner) = named.or_else(|| self.owner().filter(|_| self.agents.len() >= GOVERNED_FROM)) {
            let why = if named.is_some() {
                ""
            } else {
                "  # nobody was named: this is who answers the first queue"
            };
            let line = format!("governance_owner = {}{why}", quoted(owner.as_str()));
            self.line(line);
        }
        if let Some(every) = self.force.review_every {
            self.line(format!("review_every = {}", quoted(&every.to_string())));
        }
        self.line("mode = \"enforce\"");
    }

    /// Who is accountable where nobody is named.
    fn owner(&self) -> Option<&PersonId> {
        let queue = || self.force.queues.first().map(|queue| &queue.owner);
        self.force.governance_owner.as_ref().or_else(queue)
    }

    fn agent(&mut self, id: &AgentId, seen: &Activity, proposal: &Proposal) {
        self.line("");
        let s = if seen.deeds == 1 { "" } else { "s" };
        self.comment(&format!("{} deed{s}, the last on {}", seen.deeds, seen.last));
        self.line("[[agent]]");
        self.line(format!("id = {}", quoted(id.as_str())));
        match self.owner().map(|owner| quoted(owner.as_str())) {
            Some(owner) => self.line(format!("owner = {owner}")),
            None => self.comment("owner = \"…\": name the person who answers for it"),
        }
        self.line(format!("live_since = {}", seen.first));
        self.grants("triggers", proposal.triggers.get(id));
        self.grants("writes", proposal.writes.get(id));
        self.grants("outputs", proposal.outputs.get(id));
        let most = seen.queues.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
        let known = |name: &&crate::domain::ids::QueueName| {
            self.force.queues.iter().skip(1).any(|queue| queue.name == **name)
        };
        if let Some(queue) = most.map(|(queue, _)| queue).filter(known) {
            self.line(format!("escalates_to = {}", quoted(queue.as_str())));
        }
    }

    fn grants(&mut self, key: &str, grants: Option<&Vec<Grant>>) {
        let Some(grants) = grants else { return };
        self.line(format!("{key} = ["));
        for grant in grants {
            let mut line = format!("    {},", quoted(&grant.what));
            if !grant.others.is_empty() {
                let times = total(&grant.others);
                // Writing to a text does not fail.
                write!(line, "  # besides {times} by {}", names(&grant.others)).unwrap_or_default();
            }
            self.line(line);
        }
        self.line("]");
    }

    fn fields(&mut self, proposal: &Proposal) {
        for field in &proposal.fields {
            self.line("");
            let shares = words(&field.shares, total(&field.shares));
            if field.append {
                self.comment(&format!("Every write added to the list, by {shares}"));
            } else {
                self.comment(&format!("CONTESTED: {shares}"));
            }
            self.line("[[field]]");
            self.line(format!("path = {}", quoted(&field.path)));
            if field.append {
                self.line("kind = \"append\"");
            }
        }
    }

    fn events(&mut self, proposal: &Proposal) {
        for (name, shares) in &proposal.events {
            self.line("");
            match shares.as_deref() {
                None => {}
                Some([]) => self.comment("CONTESTED: nobody answers it"),
                Some(shares) => self.comment(&format!("CONTESTED: {}", words(shares, total(shares)))),
            }
            self.line("[[event]]");
            self.line(format!("name = {}", quoted(name)));
            let declared = self.force.events.iter().find(|event| event.name == *name);
            if let Some(schedule) = declared.and_then(|event| event.schedule.as_ref()) {
                self.line(format!("schedule = {}", quoted(&schedule.to_string())));
            }
            if let Some(on) = declared.and_then(|event| event.on.as_ref()) {
                self.line(format!("on = {}", quoted(&on.to_string())));
            }
            if declared.is_some_and(|event| event.case) {
                self.line("case = true");
            }
        }
    }

    fn outputs(&mut self, proposal: &Proposal) {
        for output in &proposal.ruled {
            self.line("");
            if !output.shares.is_empty() {
                let shares = words(&output.shares, total(&output.shares));
                self.comment(&format!("CONTESTED: {shares}"));
            }
            self.line("[[output]]");
            self.line(format!("name = {}", quoted(&output.name)));
            if !output.shares.is_empty() {
                let order: Vec<String> =
                    output.shares.iter().map(|share| quoted(share.agent.as_str())).collect();
                self.line(format!("order = [{}]", order.join(", ")));
            }
            if output.approved {
                self.line("needs_approval = true");
            }
        }
    }

    /// The queues of the map in force, with an order among the agents that escalate there.
    fn queues(&mut self) {
        let first = self.force.queues.first().map(|queue| queue.name.clone());
        let queue_of = |seen: &Activity| {
            let most = seen.queues.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
            let known = most.map(|(queue, _)| queue.clone());
            known.filter(|name| self.force.queues.iter().any(|queue| queue.name == *name)).or(first.clone())
        };
        let mut coming: BTreeMap<_, Vec<(&AgentId, u64)>> = BTreeMap::new();
        for (agent, seen) in self.agents {
            coming.entry(queue_of(seen)).or_default().push((agent, seen.deeds));
        }
        for queue in self.force.queues.clone() {
            let mut agents = coming.remove(&Some(queue.name.clone())).unwrap_or_default();
            agents.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
            self.queue(&queue, &agents.into_iter().map(|(agent, _)| agent).collect::<Vec<_>>());
        }
    }

    /// The people of the map in force, as they are.
    fn people(&mut self) {
        for person in self.force.people.clone() {
            self.line("");
            self.line("[[person]]");
            self.line(format!("id = {}", quoted(person.id.as_str())));
            if let Some(account) = &person.account {
                self.line(format!("account = {}", quoted(account.as_str())));
            }
            if let Some(timezone) = &person.timezone {
                self.line(format!("timezone = {}", quoted(timezone)));
            }
            if !person.priority.is_empty() {
                let queues: Vec<String> =
                    person.priority.iter().map(|queue| quoted(queue.as_str())).collect();
                self.line(format!("priority = [{}]", queues.join(", ")));
            }
        }
    }

    fn queue(&mut self, queue: &Queue, agents: &[&AgentId]) {
        let list = |names: Vec<String>| names.join(", ");
        self.line("");
        self.line("[[queue]]");
        self.line(format!("name = {}", quoted(queue.name.as_str())));
        self.line(format!("owner = {}", quoted(queue.owner.as_str())));
        if !queue.deputies.is_empty() {
            let deputies = queue.deputies.iter().map(|deputy| quoted(deputy.as_str())).collect();
            self.line(format!("deputies = [{}]", list(deputies)));
        }
        self.line(format!("sla = {}", quoted(&queue.sla.to_string())));
        if let Some(review) = &queue.review {
            self.line(format!("review = {}", quoted(&review.to_string())));
        }
        if let Some(grace) = &queue.grace {
            self.line(format!("grace = {}", quoted(&grace.to_string())));
        }
        if agents.len() > 1 {
            self.comment("the busiest first; put them in the order that matters");
            let agents = agents.iter().map(|agent| quoted(agent.as_str())).collect();
            self.line(format!("priority = [{}]", list(agents)));
        }
    }
}

fn names(shares: &[Share]) -> String {
    let named: Vec<&str> = shares.iter().take(NAMED).map(|share| share.agent.as_str()).collect();
    let more = shares.len().saturating_sub(NAMED);
    if more == 0 { named.join(", ") } else { format!("{} and {more} more", named.join(", ")) }
}
