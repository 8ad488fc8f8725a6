//! Random maps: the same team, with other hidden paths each time.

use super::ask::Dice;
use deeds::domain::map::{self, Model};

pub(super) const AGENTS: [&str; 5] = ["sales", "support", "product", "sourcing", "stranger"];
pub(super) const ENTITIES: [&str; 9] = [
    "crm/account/a",
    "crm/account/b",
    "crm/deal/a",
    "hr/pay",
    "files/f",
    "nowhere/x",
    "scratch/sales/n",
    "scratch/support/n",
    "scratch/stranger/n",
];
pub(super) const FIELDS: [&str; 4] = ["", "health", "secret", "stage"];
pub(super) const OUTPUTS: [&str; 4] = ["mail/sales", "mail/support", "news/site", "slack/none"];
pub(super) const EVENTS: [&str; 5] =
    ["email.received", "secret.told", "stage.moved", "ticket.opened", "nobody.knows"];

const HIDDEN: [&str; 9] = [
    "hr/**",
    "crm/account/*#secret",
    "crm/account/*#health",
    "crm/account/a",
    "crm/deal/*#stage",
    "crm/deal/*",
    "files/*#secret",
    "nowhere/*",
    "crm/account/*#",
];
const READS: [&str; 4] =
    ["\"**\"", "\"crm/**\"", "\"crm/account/*#health\", \"files/**\"", "\"crm/account/*\", \"hr/*#stage\""];

/// A map. What its lints say is nothing to this test: the worse a map is, the more there is to leak.
pub(super) fn team(dice: &mut Dice) -> Model {
    let mut entry = |id: &str, rest: &str| {
        let hidden: Vec<String> =
            HIDDEN.iter().filter(|_| dice.below(4) == 0).map(|path| format!("{path:?}")).collect();
        let reads = if dice.below(3) == 0 { READS[dice.below(READS.len())] } else { READS[0] };
        format!(
            "[[agent]]\nid = {id:?}\nowner = \"dana\"\nreads = [{reads}]\nhidden = [{}]\n{rest}\n",
            hidden.join(", ")
        )
    };
    let agents = [
        entry(
            "sales",
            "writes = [\"crm/account/*\", \"crm/deal/*\"]\nexcept = [\"crm/account/*#health\"]\n\
             outputs = [\"mail/sales\", \"news/site\"]\ntriggers = [\"email.received\", \"stage.moved\"]",
        ),
        entry(
            "support",
            "writes = [\"crm/account/*#health\", \"hr/*\"]\noutputs = [\"mail/support\"]\n\
             triggers = [\"email.received\", \"ticket.opened\"]",
        ),
        entry(
            "product",
            "writes = [\"files/*\"]\noutputs = [\"news/site\"]\ntriggers = [\"secret.told\", \"account.changed\"]",
        ),
        entry(
            "sourcing",
            "writes = [\"crm/deal/*#stage\"]\nescalates_to = \"roadmap\"\ntriggers = [\"file.changed\", \"deal.gone\"]",
        ),
    ];
    let approval = ["", "needs_approval = true"][dice.below(2)];
    let observes = if dice.below(5) == 0 { "mode = \"observe\"\n" } else { "" };
    let toml = format!(
        "workspace = \"acme\"\ngovernance_owner = \"dana\"\n{observes}{}{REST}{approval}\n",
        agents.concat()
    );
    let parsed = map::parse(&toml);
    parsed.model.unwrap_or_else(|| panic!("{:#?}\n{toml}", parsed.findings))
}

const REST: &str = r#"
[[event]]
name = "secret.told"
on = "crm/account/*#secret != 'x'"
[[event]]
name = "stage.moved"
on = "crm/deal/*#stage != 'x'"
[[event]]
name = "file.changed"
on = "files/* changed"
[[event]]
name = "account.changed"
on = "crm/account/* changed"
[[event]]
name = "deal.gone"
on = "crm/deal/* deleted"
[[route]]
event = "email.received"
when = { subject = "*invoice*" }
agent = "support"
then = ["product", "sales"]
[[field]]
path = "files/*#stage"
kind = "append"
[[queue]]
name = "ops"
owner = "dana"
deputies = ["sam"]
[[queue]]
name = "roadmap"
owner = "sam"
[[defer]]
agent = "sales"
to = "support"
actions = ["send_*"]
while = "crm/account/{id}#secret != 'x'"
[[contradiction]]
name = "double truth"
all = ["crm/account/{id}#secret != 'x'", "crm/deal/{id}#stage != 'x'"]
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
[[output]]
name = "mail/support"
thread_window = "1h"
[[output]]
name = "news/site"
"#;
