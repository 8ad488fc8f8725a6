//! Made-up deeds and filters for tests: few names, so that filters meet deeds often.

use std::borrow::Cow;

use crate::domain::code::Code;
use crate::domain::deed::{Body, Deed, Origin, Refs};
use crate::domain::ids::{Actor, AlertNo, ItemNo, MapVersion, Seq, TokenId, Version, WorkNo};
use crate::domain::outcome::Outcome;
use crate::domain::things::FieldChange;
use crate::domain::time::{Span, Time};
use crate::domain::value::Value;

/// Small, repeatable randomness (xorshift).
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15 | 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()].clone()
    }
}

const ACTORS: [&str; 5] = ["intake", "sales", "beads/crew/emma", "dana", "ünal"];
const ENTITIES: [&str; 6] =
    ["crm/contact/acme", "crm/contact/globex", "crm/lead/vip-1", "files/readme", "issue/bd-019", "σχέδιο/α"];
const FIELDS: [&str; 4] = ["", "status", "health", "größe"];
const REASONS: [&str; 6] = [
    "form received",
    "Straße gesperrt",
    "ΟΔΥΣΣΕΥΣ sails",
    "naïve re-send",
    "日本語の理由",
    "a \"quoted\" \\ reason\nin two lines",
];

/// When the made-up history begins.
pub(crate) fn start() -> Time {
    "2026-02-14T08:00:00Z".parse().unwrap()
}

pub(crate) fn origin() -> Origin {
    Origin {
        source: "urn:uuid:00000000-0000-4000-8000-000000000000".into(),
        workspace: "sample".parse().unwrap(),
    }
}

/// That many deeds, numbered from 1, a few seconds apart; some happened long before they were recorded.
pub(crate) fn deeds(dice: &mut Dice, count: u64) -> Vec<Deed> {
    let mut recorded = start();
    (1..=count)
        .map(|seq| {
            recorded = recorded.plus(Span::from_micros(1 + i64::try_from(dice.below(40_000_000)).unwrap()));
            deed(dice, seq, recorded)
        })
        .collect()
}

fn deed(dice: &mut Dice, seq: u64, recorded: Time) -> Deed {
    let late = if dice.below(10) == 0 { dice.below(86_400) } else { 0 };
    let (body, outcome, action) = dice.pick(&[
        (Body::WriteCommitted(()), Outcome::Committed, "write"),
        (Body::WriteCommitted(()), Outcome::Committed, "write"),
        (Body::EntityCreated(()), Outcome::Committed, "create"),
        (Body::WriteRefused(()), Outcome::Stale, "write"),
        (Body::WriteProposed(()), Outcome::Proposed, "write"),
        (Body::ItemJoined(()), Outcome::Escalated, "send_upsell"),
        (Body::AlertAcknowledged(()), Outcome::Recorded, "acknowledge"),
    ]);
    let actor = match dice.below(6) {
        5 => Actor::Deeds,
        4 => Actor::Person("dana".parse().unwrap()),
        _ => Actor::Agent(dice.pick(&ACTORS).parse().unwrap()),
    };
    let subject = (dice.below(8) > 0).then(|| dice.pick(&ENTITIES).parse().unwrap());
    let fields =
        if subject.is_some() { (0..dice.below(3)).map(|_| field(dice)).collect() } else { Vec::new() };
    Deed {
        seq: Seq(seq),
        time: recorded.minus(Span::from_secs(i64::try_from(late).unwrap())),
        recorded,
        subject,
        correlation: Seq(seq.saturating_sub(dice.below(3)).max(1)),
        cause: (seq > 1 && dice.below(3) == 0).then(|| Seq(1 + dice.below(seq - 1))),
        traceparent: None,
        door: None,
        token: (dice.below(4) == 0).then(|| TokenId::new("a1b2c3").ok()).flatten(),
        actor,
        action: Cow::Borrowed(action),
        outcome,
        code: outcome.is_refusal().then_some(Code::Stale),
        verdict: None,
        reason: (dice.below(2) == 0).then(|| dice.pick(&REASONS).into()),
        map_version: MapVersion(seq / 50),
        fields,
        refs: Refs {
            item: (dice.below(5) == 0).then(|| ItemNo(dice.below(20))),
            alerts: (0..dice.below(3)).map(|_| AlertNo(dice.below(9))).collect(),
            works: (0..dice.below(2)).map(|_| WorkNo(dice.below(9))).collect(),
            ..Refs::default()
        },
        decided: None,
        key: None,
        signed: None,
        body,
    }
}

fn field(dice: &mut Dice) -> FieldChange {
    let value = |dice: &mut Dice| match dice.below(4) {
        0 => None,
        1 => Some(Value::text(dice.pick(&REASONS))),
        2 => Some(Value::new(&serde_json::json!({ "kind": "Größe", "n": dice.below(9) })).unwrap()),
        _ => Some(Value::new(&serde_json::json!(dice.below(100))).unwrap()),
    };
    FieldChange {
        entity: (dice.below(4) == 0).then(|| dice.pick(&ENTITIES).parse().unwrap()),
        name: dice.pick(&FIELDS).parse().unwrap(),
        base: None,
        version: Version(dice.below(400)),
        before: value(dice),
        after: value(dice),
        by: None,
        at: None,
        unseen: false,
    }
}

/// A filter of up to four terms that is likely to meet some of the deeds.
pub(crate) fn filter_text(dice: &mut Dice) -> String {
    let terms: Vec<String> = (0..dice.below(4) + u64::from(dice.below(9) > 0)).map(|_| term(dice)).collect();
    terms.join(" ")
}

fn term(dice: &mut Dice) -> String {
    let values = match dice.below(16) {
        0 => ("actor:", vec!["intake", "beads/*", "dana", "nobody", "*a*"]),
        1 => ("class:", vec!["agent", "person", "deeds"]),
        2 => ("action:", vec!["write", "send_*", "c*"]),
        3 => ("type:", vec!["write.*", "deeds.entity.created", "item.joined"]),
        4 => ("outcome:", vec!["committed", "stale", "rec*", "deferred"]),
        5 => ("code:", vec!["stale", "not-owner", "*"]),
        6 => (
            "entity:",
            vec!["crm/**", "crm/contact/acme", "crm/*/vip-*#status", "issue/bd-019#", "**#größe", "σχέδιο/α"],
        ),
        7 => ("field:", vec!["status", "\"\"", "h*", "größe"]),
        8 => ("item:", vec!["3", "5..9", "#7"]),
        9 => ("alert:", vec!["3", "..2"]),
        10 => ("work:", vec!["1", "4.."]),
        11 => ("cause:", vec!["1..40", "7", ".."]),
        12 => ("seq:", vec!["20..90", "..15", "150"]),
        13 => ("map:", vec!["0", "1.."]),
        14 => dice.pick(&[
            ("since:", vec!["30m", "2026-02-14T08:20", "2026-02-14"]),
            ("until:", vec!["30m", "2026-02-14T08:20", "2026-02-13"]),
        ]),
        _ => (
            "",
            vec![
                "form",
                "STRASSE",
                "οδυσσευς",
                "naïve",
                "日本",
                "zz",
                "e",
                "\"d \\\\ r\"",
                "Größe",
                "crm/contact",
            ],
        ),
    };
    let dash = if dice.below(4) == 0 { "-" } else { "" };
    let first = dice.pick(&values.1);
    let more = if dice.below(4) == 0 { format!(",{}", dice.pick(&values.1)) } else { String::new() };
    format!("{dash}{}{first}{more}", values.0)
}
