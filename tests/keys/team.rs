//! A team whose every view has something in it, and what its agents do meanwhile.

use serde_json::{Value, json};

use crate::chance::Chance;
use deeds::console::testing::team::Team;
use deeds::domain::time::{Span, Time};

const MAP: &str = r#"
workspace = "tallyfern"
governance_owner = "dana"

[[agent]]
id = "sales"
role = "sells"
owner = "dana"
triggers = ["form.submitted"]
writes = ["crm/deal/**", "crm/contact/*#name"]
outputs = ["mail/outbox"]
escalates_to = "ops"

[[agent]]
id = "support"
role = "helps"
owner = "dana"
writes = ["crm/contact/*#health"]
escalates_to = "ops"

[[agent]]
id = "sourcing"
role = "finds"
owner = "sam"
writes = ["crm/contact/*#status", "notes/*"]
hidden = ["hr/**"]

[[event]]
name = "form.submitted"

[[output]]
name = "mail/outbox"
needs_approval = true

[[queue]]
name = "ops"
owner = "dana"
deputies = ["sam"]
sla = "24h"
review = "daily 09:00"
priority = ["sales", "support", "sourcing"]

[[contradiction]]
name = "double truth"
all = ["crm/contact/{id}#status = 'sourced'", "crm/deal/{id}#stage = 'uncontacted'"]
"#;

const AGENTS: [&str; 3] = ["sales", "support", "sourcing"];
const FIELDS: [(&str, &str); 7] = [
    ("crm/deal/7", "stage"),
    ("crm/contact/7", "status"),
    ("crm/contact/acme", "health"),
    ("crm/contact/acme", "name"),
    ("crm/contact/acme", "score"),
    ("crm/lead/zoe", "score"),
    ("hr/salary/1", "amount"),
];
const VALUES: [&str; 5] =
    ["uncontacted", "sourced", "at risk", "good", "\u{1f468}\u{200d}\u{1f469} \u{202e}x"];

/// A morning's work in a workspace of its own: an edited map lies in a file that is called after it.
pub(super) fn team(name: &str, chance: &mut Chance) -> Team {
    let start: Time = "2026-11-20T09:00:00Z".parse().unwrap();
    let mut team = Team::new(&MAP.replace("tallyfern", &format!("tallyfern-{name}")), start).unwrap();
    for _ in 0..12 {
        happens(&mut team, chance);
    }
    team
}

/// Something that an agent does, whatever the rules say to it.
pub(super) fn happens(team: &mut Team, chance: &mut Chance) {
    let agent = *chance.pick(&AGENTS);
    if chance.one_in(6) {
        let span = *chance.pick(&[Span::from_secs(20), Span::from_mins(7), Span::from_hours(25)]);
        return team.pass(span).unwrap();
    }
    let (entity, field) = *chance.pick(&FIELDS);
    let asked: Value = match chance.below(7) {
        0 => json!({"do": "escalate", "subject": entity, "why": "no template fits", "input": "hello\u{7}"}),
        1 => json!({"do": "publish", "output": "mail/outbox", "body": {"subject": "hi", "text": "a\nb"}}),
        2 => json!({"do": "raise", "event": "form.submitted", "payload": {"n": chance.below(9)}}),
        3 => json!({"do": "lease", "step": "acquire", "path": format!("{entity}#{field}"), "for": "5m"}),
        _ => json!({
            "do": "write",
            "entity": entity,
            "changes": {field: chance.pick(&VALUES)},
            "expected": {field: chance.below(4)},
            "reason": chance.pick(&VALUES),
        }),
    };
    // What is malformed here would be no attack but a test of nothing; refusals by rule are replies.
    let _ = team.agent(agent, asked);
}
