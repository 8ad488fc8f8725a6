//! The maps of the random histories: one team in a few shapes, so that authority moves while things are under way.

use deeds::domain::map::{self, Model};

/// The team as it begins: every kind of field, routes with and without conditions, schedules, outputs with a turn, with
/// an approval and with a window, queues with deputies, and rules about who goes first.
pub(crate) const TEAM: &str = r#"
workspace = "acme"
timezone = "Europe/Madrid"
governance_owner = "dana"

[[agent]]
id = "sales"
owner = "dana"
triggers = ["email.received", "deal.*"]
writes = ["crm/account/*", "crm/deal/*", "shared/log"]
except = ["crm/account/*#health", "crm/account/vip-*"]
hidden = ["hr/**"]
outputs = ["mail/sales", "chat/team", "mail/both"]
escalates_when = ["the customer wants special terms"]

[[agent]]
id = "support"
owner = "dana"
triggers = ["email.received", "ticket.opened"]
writes = ["crm/account/*#health", "support/ticket/*", "shared/log", "files/draft"]
outputs = ["mail/support", "chat/team"]

[[agent]]
id = "product"
owner = "sam"
triggers = ["report.due"]
writes = ["requests/*", "releases/*", "files/draft"]
outputs = ["mail/both", "news/site"]
escalates_to = "roadmap"

[[agent]]
id = "sourcing"
owner = "sam"
triggers = ["contact.found"]
writes = ["crm/contact/*#status"]
escalates_to = "roadmap"

[[event]]
name = "email.received"
[[event]]
name = "report.due"
schedule = "daily 08:00"
[[event]]
name = "contact.found"
on = "crm/deal/*#stage becomes 'signed'"

[[route]]
event = "email.received"
when = { subject = "*invoice*" }
agent = "support"
then = ["product", "sales"]

[[field]]
path = "crm/deal/*#stage"
kind = "progression"
order = ["trial", "open", "signed"]
[[field]]
path = "shared/log"
kind = "append"
[[field]]
path = "releases/*#tag"
kind = "constant"
[[field]]
path = "files/draft"
kind = "sequenced"
order = ["product", "support"]

[[output]]
name = "chat/team"
order = ["sales", "support"]
thread_window = "1h"
[[output]]
name = "mail/both"
order = ["product", "sales"]
[[output]]
name = "news/site"
needs_approval = true
[[output]]
name = "mail/support"
needs_approval = true
thread_window = "30m"

[[queue]]
name = "ops"
owner = "dana"
deputies = ["sam"]
sla = "4h"
review = "daily 09:00"
priority = ["sales", "support"]
[[queue]]
name = "roadmap"
owner = "sam"
deputies = ["dana"]
sla = "1d"
review = "weekly mon 10:00"
priority = ["product", "sourcing"]

[[defer]]
agent = "sales"
to = "support"
actions = ["send_*"]
while = "support/ticket/{id}#status = 'open'"
[[defer]]
agent = "product"
to = "support"
within = "5m"

[[tool]]
server = "fs"
name = "look"
does = "read"
entity = "{path}"
[[tool]]
server = "fs"
name = "put"
does = "write"
entity = "{path}"
[[tool]]
server = "fs"
name = "ask_put"
does = "write"
entity = "{path}"
approve = true
approval_for = "2h"
[[tool]]
server = "mail"
name = "post"
does = "publish"
output = "mail/sales"
thread = "{thread}"
[[tool]]
server = "mail"
name = "announce"
does = "publish"
output = "news/site"
thread = "{thread}"

[[basis]]
actions = ["send_*"]
needs = ["crm/account/{id}#plan", "crm/account/{id}#health"]

[[contradiction]]
name = "double truth"
stops = ["send_*"]
all = ["crm/contact/{id}#status = 'sourced'", "crm/deal/{id}#stage = 'trial'"]
"#;

/// How many shapes there are.
pub(crate) const SHAPES: usize = 3;

/// What a map may ask of an agent beside its shape.
pub(crate) const ASKED: [&str; 6] = [
    "",
    "days = 7\napprovals = 2\nrate = 0.5",
    "days = 3\napprovals = 3",
    "days = 90\napprovals = 1\nrate = 0.0",
    "days = 1\napprovals = 4\nrate = 0.66",
    "days = 15\napprovals = 5\nrate = 0.8",
];

/// The team in one of its shapes, enforced or only watched.
pub(crate) fn team(shape: usize, enforce: bool) -> Model {
    asking(shape, enforce, 0)
}

/// How many shapes there are in a long life.
pub(crate) const LIVES: usize = 6;

/// The same, asking of its agents what one of `ASKED` says.
pub(crate) fn asking(shape: usize, enforce: bool, asked: usize) -> Model {
    let mut toml = match shape {
        0 => TEAM.to_owned(),
        // Accounts go over from sales to product, tickets from support to sourcing.
        1 => TEAM
            .replace("\"crm/account/*\", \"crm/deal/*\"", "\"crm/deal/*\"")
            .replace("\"requests/*\"", "\"requests/*\", \"crm/account/*#plan\"")
            .replace("\"support/ticket/*\", ", "")
            .replace("[\"crm/contact/*#status\"]", "[\"crm/contact/*#status\", \"support/ticket/*\"]"),
        // Nobody approves, other people answer, nobody is scheduled.
        2 => TEAM.replace("needs_approval = true\n", "").replace("schedule = \"daily 08:00\"\n", "").replace(
            "name = \"ops\"\nowner = \"dana\"\ndeputies = [\"sam\"]",
            "name = \"ops\"\nowner = \"sam\"",
        ),
        // The other queue is gone through every day, too, with less grace.
        3 => TEAM.replace("weekly mon 10:00\"", "daily 10:00\"\ngrace = \"10m\""),
        // One has no trigger, another began later than its deeds say, and the map is gone through often.
        4 => TEAM
            .replace("triggers = [\"contact.found\"]\n", "")
            .replace("[\"report.due\"]", "[\"report.due\", \"contact.found\"]")
            .replace("id = \"support\"", "id = \"support\"\nlive_since = 2026-09-25")
            .replacen("governance_owner", "review_every = \"5d\"\ngovernance_owner", 1),
        // One agent is in no map any more.
        _ => TEAM.replace("id = \"sourcing\"", "id = \"scouting\"").replace("\"sourcing\"", "\"scouting\""),
    };
    if !enforce {
        toml = toml.replacen("governance_owner", "mode = \"observe\"\ngovernance_owner", 1);
    }
    if let Some(words) = ASKED.get(asked).filter(|words| !words.is_empty()) {
        toml = format!("{toml}\n[readiness]\n{words}\n");
    }
    map::parse(&toml).applicable().unwrap_or_else(|findings| panic!("{findings:#?}"))
}
