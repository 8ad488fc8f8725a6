//! The one document that people and agents share: who answers, who writes, who publishes, how it is recorded, who decides.
//! Markdown, the same for the same map; what is in the map can't break out of a table's cell.

use std::collections::BTreeMap;

use crate::domain::deed::Body;
use crate::domain::ids::{AgentId, MapVersion, QueueName};
use crate::domain::map::{
    Agent, Ahead, Basis, Contradiction, Defer, Event, FieldKind, FieldRule, Mode, Model, OnExhausted, Output,
    Person, Queue, Route, While, text_matches, without_access,
};
use crate::domain::outcome::Outcome;
use crate::domain::path::Pattern;
use crate::domain::rule::conversation::THREAD_WINDOW;
use crate::domain::things::WAKE_UPS;

/// What stands in a cell with nothing in it.
const NOTHING: &str = "–";

/// What a deed says, in the order of its JSON.
const DEED: &[(&str, &str)] = &[
    ("id", "workspace and sequence; `sequence` alone is zero-padded"),
    ("source", "the ledger's UUID"),
    ("type", "what happened, `deeds.<noun>.<past participle>`"),
    ("subject", "the entity it is about"),
    ("time", "when it happened; imports keep the original"),
    ("recordedtime", "when it was appended; goes back after `deeds.clock.rebased` alone"),
    ("correlationid", "the first deed of the decision it belongs to"),
    ("causationid", "the deed that led to it"),
    ("traceparent", "W3C trace context as the caller sent it"),
    ("data.actor", "who: agent, person, or Deeds itself"),
    ("data.action", "what was asked, in the caller's word"),
    ("data.outcome", "how it came out"),
    ("data.code", "why not, where it was not done; in observe mode why it would not have been"),
    ("data.verdict", "in observe mode: the outcome it would have had"),
    ("data.reason", "the reason given by the caller or by the rule"),
    ("data.map_version", "the map it was decided under"),
    ("data.fields", "name, expected and new version, value before and after of each field"),
    ("data.refs", "item, alerts, work, act, lease, task, owners it concerns"),
    ("data.idempotency", "the caller's key and the digest of its request"),
    ("data.detail", "what only this type carries"),
];

/// The document of a map; `version` where it is in force.
pub fn document(model: &Model, version: Option<MapVersion>) -> String {
    let mut page = Page::default();
    head(&mut page, model, version);
    triggers(&mut page, model);
    writes(&mut page, model);
    outputs(&mut page, model);
    audit(&mut page);
    escalation(&mut page, model);
    order(&mut page, model);
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    fn heading(&mut self, text: &str) {
        self.line("");
        self.line(format!("## {text}"));
        self.line("");
    }

    /// Cells come escaped.
    fn table(&mut self, header: &[&str], rows: &[Vec<String>], none: &str) {
        if rows.is_empty() {
            self.line(none);
            return;
        }
        self.line(format!("| {} |", header.join(" | ")));
        self.line(format!("|{}", " --- |".repeat(header.len())));
        for row in rows {
            let cells: Vec<&str> =
                row.iter().map(|cell| if cell.is_empty() { NOTHING } else { cell.as_str() }).collect();
            self.line(format!("| {} |", cells.join(" | ")));
        }
    }
}

/// Words in a cell: nothing in them is Markdown.
fn words(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() => safe.push(' '),
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '!' | '|' | '~'
            | ':' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe.trim().to_owned()
}

/// A name or pattern in a cell: code, in a fence longer than any run of backticks in it.
fn code(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().is_empty() {
        return String::new();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

fn codes<T: AsRef<str>>(texts: impl IntoIterator<Item = T>, between: &str) -> String {
    texts.into_iter().map(|text| code(text.as_ref())).collect::<Vec<_>>().join(between)
}

fn head(page: &mut Page, model: &Model, version: Option<MapVersion>) {
    page.line(format!("# Who does what in {}", words(model.workspace.as_str())));
    page.line("");
    if let Some(version) = version {
        page.line(format!(
            "Map v{version}, in force. Everybody may read, nobody may write but who is named here."
        ));
    } else {
        page.line("Everybody may read, nobody may write but who is named here.");
    }
    page.line("");
    let person = model.governance_owner.as_ref().map_or("nobody yet", |person| person.as_str());
    page.line(format!("- Accountable for this map: {}", words(person)));
    let review = model
        .gone_through_every()
        .map_or("whenever somebody thinks of it".to_owned(), |every| format!("every {every}"));
    page.line(format!("- Reviewed: {review}"));
    page.line(format!("- Before another agent joins, each is asked for: {}", model.asked()));
    let mode = match model.mode {
        Mode::Enforce => {
            "enforced: what it forbids is refused, proposed to the owner, or decided by a person"
        }
        Mode::Observe => {
            "observed: what it forbids goes through and is recorded with the verdict it would have had"
        }
    };
    page.line(format!("- The map is {mode}"));
    let window = model.thread_window.unwrap_or(THREAD_WINDOW);
    page.line(format!(
        "- One voice has a thread, or an entity, for {window}, where an output says nothing else"
    ));
    let wake_ups = model.wake_ups.unwrap_or(WAKE_UPS);
    page.line(format!(
        "- Two agents may wake each other {wake_ups} times about one entity while nothing changes; then a person decides"
    ));
    if model.on_exhausted == Some(OnExhausted::Abort) {
        page.line("- A task that is out of attempts ends as failed, where its giver does not say otherwise");
    }
    page.line(format!("- Times of day are those of {}", words(&model.timezone)));
    page.heading("Agents");
    let row = |agent: &Agent| {
        vec![
            code(agent.id.as_str()),
            words(&agent.role),
            words(agent.owner.as_str()),
            agent.live_since.map(|day| day.to_string()).unwrap_or_default(),
        ]
    };
    let mut agents: Vec<&Agent> = model.agents.iter().collect();
    agents.sort_by(|a, b| a.id.cmp(&b.id));
    let rows: Vec<Vec<String>> = agents.into_iter().map(row).collect();
    page.table(&["Agent", "Role", "Accountable", "Live since"], &rows, "No agent yet.");
}

fn triggers(page: &mut Page, model: &Model) {
    page.heading("Trigger ownership");
    let mut names: BTreeMap<&str, Option<&Event>> = BTreeMap::new();
    for agent in &model.agents {
        names.extend(agent.triggers.iter().map(|trigger| (trigger.as_str(), None)));
    }
    names.extend(model.routes.iter().map(|route| (route.event.as_str(), None)));
    names.extend(model.events.iter().map(|event| (event.name.as_str(), Some(event))));
    let mut rows = Vec::new();
    for (name, declared) in names {
        let raised = match declared {
            Some(Event { schedule: Some(schedule), .. }) => words(&schedule.to_string()),
            Some(Event { on: Some(on), case, .. }) => by_case(code(&on.to_string()), *case),
            Some(_) | None => "by whoever hears of it".to_owned(),
        };
        let raised = match declared.and_then(|event| event.key.as_deref()) {
            Some(key) => format!("{raised}; one for each {}", code(key)),
            None => raised,
        };
        for route in model.routes.iter().filter(|route| text_matches(&route.event, name)) {
            let then = codes(route.then.iter().map(AgentId::as_str), ", ");
            rows.push(vec![code(name), raised.clone(), when(route), code(route.agent.as_str()), then]);
        }
        let listens = |agent: &&Agent| agent.triggers.iter().any(|trigger| text_matches(trigger, name));
        let mut listeners: Vec<&str> =
            model.agents.iter().filter(listens).map(|agent| agent.id.as_str()).collect();
        listeners.sort_unstable();
        if !listeners.is_empty() {
            rows.push(vec![code(name), raised, String::new(), codes(listeners, ", "), String::new()]);
        } else if !model.routes.iter().any(|route| text_matches(&route.event, name)) {
            rows.push(vec![code(name), raised, String::new(), "**nobody**".to_owned(), String::new()]);
        }
    }
    page.table(&["Event", "Raised", "Where", "Answered by", "Then"], &rows, "No event is anybody's.");
}

fn when(route: &Route) -> String {
    let one = |(attribute, glob): (&String, &String)| code(&format!("{attribute} = {glob}"));
    by_case(route.when.iter().map(one).collect::<Vec<_>>().join(" and "), route.case)
}

fn while_words(while_: &While, case: bool) -> String {
    match while_ {
        While::Escalated => "while an item on it is open".to_owned(),
        While::All(clauses) => {
            by_case(format!("while {}", codes(clauses.iter().map(ToString::to_string), " and ")), case)
        }
    }
}

/// What is compared, with a word where upper and lower case are two things.
fn by_case(conditions: String, case: bool) -> String {
    if case && !conditions.is_empty() { format!("{conditions} (case matters)") } else { conditions }
}

fn writes(page: &mut Page, model: &Model) {
    page.heading("Write authority");
    let mut rows = Vec::new();
    for agent in &model.agents {
        for pattern in &agent.writes {
            let except = codes(agent.taken_from(pattern).iter().map(Pattern::as_str), ", ");
            let closed = codes(without_access(model, pattern).into_iter().map(AgentId::as_str), ", ");
            rows.push(vec![code(pattern.as_str()), code(agent.id.as_str()), except, closed]);
        }
    }
    rows.sort();
    page.table(&["Path", "Written by", "Except", "No access"], &rows, "Nobody writes anything.");
    page.line("");
    page.line("Without `#` a path means every field. `scratch/<agent>/**` is every agent's own. What nobody owns goes to a person.");
    let kind = |rule: &FieldRule| {
        let order = match &rule.kind {
            FieldKind::Progression { order } => {
                codes(order.iter().map(crate::domain::value::Value::plain), " → ")
            }
            FieldKind::Sequenced { agents } => codes(agents.iter().map(AgentId::as_str), " → "),
            FieldKind::Owned | FieldKind::Append | FieldKind::Constant => String::new(),
        };
        vec![code(rule.path.as_str()), rule.kind.as_str().to_owned(), order]
    };
    // The first that fits decides, so their order stays.
    let rows: Vec<Vec<String>> = model.fields.iter().map(kind).collect();
    if !rows.is_empty() {
        page.line("");
        page.table(&["Field", "Kind", "Order"], &rows, "");
    }
    let mut rows = Vec::new();
    for agent in &model.agents {
        let reads = agent.reads.iter().filter(|pattern| !pattern.is_everything());
        let reads = codes(reads.map(Pattern::as_str), ", ");
        let hidden = codes(agent.hidden.iter().map(Pattern::as_str), ", ");
        if !(reads.is_empty() && hidden.is_empty()) {
            let reads = if reads.is_empty() { "everything".to_owned() } else { reads };
            rows.push(vec![code(agent.id.as_str()), reads, hidden]);
        }
    }
    rows.sort();
    if !rows.is_empty() {
        page.line("");
        page.table(&["Agent", "Reads", "Hidden from it"], &rows, "");
    }
}

fn outputs(page: &mut Page, model: &Model) {
    page.heading("Output routing");
    let mut outputs: BTreeMap<&str, (Vec<&str>, Option<&Output>)> = BTreeMap::new();
    for agent in &model.agents {
        for output in &agent.outputs {
            outputs.entry(output).or_default().0.push(agent.id.as_str());
        }
    }
    for output in &model.outputs {
        outputs.entry(&output.name).or_default().1 = Some(output);
    }
    let row = |(name, (mut publishers, rule)): (&str, (Vec<&str>, Option<&Output>))| {
        let order = rule.map(|rule| rule.order.as_slice()).unwrap_or_default();
        publishers.sort_unstable();
        let publishers = if order.is_empty() {
            codes(publishers, ", ")
        } else {
            format!("{}, in this order", codes(order.iter().map(AgentId::as_str), " → "))
        };
        let approval = rule.is_some_and(|rule| rule.needs_approval);
        vec![
            code(name),
            publishers,
            if approval { "a person approves".to_owned() } else { String::new() },
            match (rule.and_then(|rule| rule.thread_window), rule.is_some_and(|rule| rule.internal)) {
                (_, true) => "the team's own".to_owned(),
                (Some(window), false) => format!("one voice for {window}"),
                (None, false) => String::new(),
            },
        ]
    };
    let rows: Vec<Vec<String>> = outputs.into_iter().map(row).collect();
    page.table(&["Output", "Published by", "Approval", "In a conversation"], &rows, "Nothing goes out.");
}

fn audit(page: &mut Page) {
    page.heading("Audit-log format");
    page.line("Everything that is asked leaves a deed: one JSON object, a CloudEvent 1.0, in an append-only chain in which the hash of each is");
    page.line(
        "`SHA-256(hash before ‖ bytes)`. `deeds log --export jsonl` prints it, `deeds verify` checks it.",
    );
    page.line("");
    let rows: Vec<Vec<String>> =
        DEED.iter().map(|(name, meaning)| vec![code(name), (*meaning).to_owned()]).collect();
    page.table(&["Attribute", "Meaning"], &rows, "");
    page.line("");
    let outcomes = codes(Outcome::ALL.into_iter().map(Outcome::as_str), ", ");
    page.line(format!("Outcomes: {outcomes}."));
    page.line("");
    let mut families: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in Body::TYPES {
        let mut parts = name.split('.').skip(1);
        if let (Some(noun), Some(did)) = (parts.next(), parts.next()) {
            families.entry(noun).or_default().push(did);
        }
    }
    let row = |(noun, did): (&str, Vec<&str>)| vec![code(&format!("deeds.{noun}.…")), codes(did, ", ")];
    let rows: Vec<Vec<String>> = families.into_iter().map(row).collect();
    page.table(&["Type", "What happened"], &rows, "");
}

fn escalation(page: &mut Page, model: &Model) {
    page.heading("Escalation owners");
    let row = |queue: &Queue| {
        vec![
            code(queue.name.as_str()),
            words(queue.owner.as_str()),
            queue.deputies.iter().map(|deputy| words(deputy.as_str())).collect::<Vec<_>>().join(", "),
            queue.sla.to_string(),
            queue.review.as_ref().map(|review| words(&review.to_string())).unwrap_or_default(),
            codes(queue.priority.iter().map(AgentId::as_str), ", "),
        ]
    };
    // The first takes what names no other, so their order stays.
    let rows: Vec<Vec<String>> = model.queues.iter().map(row).collect();
    page.table(
        &["Queue", "Answers", "Deputies", "Within", "Reviewed", "First come"],
        &rows,
        "**Nobody answers.**",
    );
    if !model.people.is_empty() {
        let row = |person: &Person| {
            vec![
                words(person.id.as_str()),
                person.account.as_ref().map(|account| words(account.as_str())).unwrap_or_default(),
                person.timezone.as_deref().map(words).unwrap_or_default(),
                codes(person.priority.iter().map(QueueName::as_str), ", "),
            ]
        };
        let rows: Vec<Vec<String>> = model.people.iter().map(row).collect();
        page.line("");
        page.table(&["Person", "Account", "Timezone", "First come"], &rows, "");
    }
    let mut agents: Vec<&Agent> = model.agents.iter().collect();
    agents.sort_by(|a, b| a.id.cmp(&b.id));
    let row = |agent: &&Agent| {
        let queue = model.queue_of(&agent.id).map(|queue| code(queue.name.as_str())).unwrap_or_default();
        let when: Vec<String> = agent.escalates_when.iter().map(|when| words(when)).collect();
        vec![code(agent.id.as_str()), queue, when.join("; ")]
    };
    let rows: Vec<Vec<String>> = agents.iter().map(row).collect();
    if !rows.is_empty() {
        page.line("");
        page.table(&["Agent", "Escalates to", "When"], &rows, "");
    }
}

fn order(page: &mut Page, model: &Model) {
    if !model.defers.is_empty() {
        page.heading("Who goes first");
        let row = |rule: &Defer| {
            let actions = codes(&rule.actions, ", ");
            let within =
                rule.within.map(|within| format!("for {within} after the other")).unwrap_or_default();
            let while_ = rule.while_.as_ref().map(|on| while_words(on, rule.case));
            let until = [within, while_.unwrap_or_default()];
            let ahead = match &rule.to {
                Ahead::Agent(agent) => code(agent.as_str()),
                Ahead::Person(person) => words(person.as_str()),
            };
            let until: Vec<String> = until.into_iter().filter(|text| !text.is_empty()).collect();
            let actions = if actions.is_empty() { "everything".to_owned() } else { actions };
            vec![code(rule.agent.as_str()), ahead, actions, until.join(", ")]
        };
        let rows: Vec<Vec<String>> = model.defers.iter().map(row).collect();
        page.table(&["Agent", "Yields to", "In", "How long"], &rows, "");
    }
    if !model.contradictions.is_empty() {
        page.heading("What must not be true together");
        let row = |one: &Contradiction| {
            let stops: Vec<String> = one.stops.iter().map(|action| code(action)).collect();
            let all = codes(one.all.iter().map(ToString::to_string), " and ");
            vec![words(&one.name), by_case(all, one.case), stops.join(", ")]
        };
        let rows: Vec<Vec<String>> = model.contradictions.iter().map(row).collect();
        page.table(&["Name", "All of these", "Waits meanwhile"], &rows, "");
    }
    if !model.bases.is_empty() {
        page.heading("What must be known before something goes out");
        let row = |one: &Basis| {
            let actions: Vec<String> = one.actions.iter().map(|action| code(action)).collect();
            let actions = if actions.is_empty() { "everything".to_owned() } else { actions.join(", ") };
            vec![actions, codes(one.needs.iter().map(ToString::to_string), " and ")]
        };
        let rows: Vec<Vec<String>> = model.bases.iter().map(row).collect();
        page.table(&["Actions", "Fields"], &rows, "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::map::parse;

    fn northwind() -> Model {
        parse(include_str!("../../../assets/maps/northwind.toml")).model.unwrap()
    }

    #[test]
    fn it_has_every_section_and_every_agent() {
        let page = document(&northwind(), Some(MapVersion(7)));
        for heading in [
            "Trigger ownership",
            "Write authority",
            "Output routing",
            "Audit-log format",
            "Escalation owners",
        ] {
            assert!(page.contains(&format!("\n## {heading}\n")), "{heading}\n{page}");
        }
        for agent in &northwind().agents {
            assert!(page.contains(&format!("`{}`", agent.id)), "{}", agent.id);
            for pattern in &agent.writes {
                assert!(page.contains(&format!("| `{pattern}` | `{}` |", agent.id)), "{pattern}\n{page}");
            }
        }
        assert!(page.contains("Map v7, in force"));
        assert_eq!(page, document(&northwind(), Some(MapVersion(7))), "the same map, the same page");
    }

    /// The order of agents in the file is no difference to anybody who reads it.
    #[test]
    fn agents_stand_by_name() {
        let mut turned = northwind();
        turned.agents.reverse();
        assert_eq!(document(&turned, None), document(&northwind(), None));
    }

    #[test]
    fn nothing_breaks_out_of_its_cell() {
        let mut model = northwind();
        model.agents[0].role = "a | b\n## owned\n<script> *x* [l](http://e) `c` \\".to_owned();
        model.agents[0].outputs.push("slack/`x` | y\n".to_owned());
        model.contradictions[0].name = "# no | heading".to_owned();
        let page = document(&model, None);
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        let mut header = 0;
        for line in page.lines() {
            if !line.starts_with('|') {
                header = 0;
                continue;
            }
            header = if header == 0 { cells(line) } else { header };
            assert_eq!(cells(line), header, "{line}");
        }
        assert!(!page.contains("<script>") && !page.contains("\n## owned"), "{page}");
        assert!(page.contains("`` slack/`x` \\| y  ``"), "{page}");
    }
}
