//! Holds what was told against the ledger: it is there, once, as it was told, and in an order that agrees with the times.

use std::collections::{BTreeMap, BTreeSet};

use deeds::api::Hash;
use deeds::domain::deed::Deed;
use deeds::domain::state::State;
use serde_json::{Value, json};

use crate::load::{Asked, Told};
use crate::nodes::Node;

/// Deeds on one page.
const PAGE: usize = 1_000;

/// A workspace's ledger from its first deed on.
pub(crate) struct Book(Vec<(Hash, Value)>);

/// What must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Something acknowledged is not there.
    Lost,
    /// Something asked once was done twice.
    Doubled,
    /// Something is otherwise than it was told.
    Wrong,
    /// What ended before something else began is recorded after it.
    Order,
}

/// A fault with its place.
pub(crate) type Found = (Fault, String);

impl Book {
    /// As a node tells it.
    pub(crate) fn read(node: &Node, token: &str) -> Self {
        let mut all = Vec::new();
        loop {
            let path = format!("/v1/ledger?after={}&limit={PAGE}", all.len());
            let (status, page) = node.ask(token, "GET", &path, &Value::Null);
            assert_eq!(status, 200, "{page}");
            for one in page["deeds"].as_array().unwrap() {
                assert_eq!(one["seq"], all.len() + 1, "a number is missing");
                all.push((serde_json::from_value(one["hash"].clone()).unwrap(), one["deed"].clone()));
            }
            if page["more"] == false {
                return Self(all);
            }
        }
    }

    /// What a replay of it makes of a workspace of that name.
    pub(crate) fn replayed(&self, workspace: &str) -> State {
        let mut state = State::new(workspace.parse().unwrap());
        for (_, deed) in &self.0 {
            state.fold(&Deed::decode(deed.to_string().as_bytes()).unwrap());
        }
        state
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Each number with its hash.
    pub(crate) fn hashes(&self) -> Vec<(u64, Hash)> {
        (1..).zip(&self.0).map(|(seq, (hash, _))| (seq, *hash)).collect()
    }

    /// Holds all that was told in this workspace against it.
    pub(crate) fn check(&self, told: &[Told]) -> Result<(), Found> {
        self.nothing_twice()?;
        self.versions_follow()?;
        told.iter().try_for_each(|told| self.is_as_told(told))?;
        in_order(told)
    }

    /// No key, no value and no end of a lease is there twice.
    fn nothing_twice(&self) -> Result<(), Found> {
        let mut seen = BTreeSet::new();
        for (_, deed) in &self.0 {
            let data = &deed["data"];
            let mut marks = Vec::new();
            if data["idempotency"].is_object() {
                marks.push(json!([data["actor"], data["idempotency"]["key"], data["idempotency"]["part"]]));
            }
            if data["outcome"] == "committed" && data["fields"][0]["after"].is_string() {
                marks.push(json!([data["fields"][0]["after"]]));
            }
            if deed["type"] == "deeds.lease.lapsed" {
                marks.push(json!(["lapsed", data["refs"]["lease"]]));
            }
            if let Some(mark) = marks.into_iter().find(|mark| !seen.insert(mark.to_string())) {
                return Err((Fault::Doubled, format!("{mark}: {deed}")));
            }
        }
        Ok(())
    }

    /// Each value that was committed follows the one before, upon which it was based.
    fn versions_follow(&self) -> Result<(), Found> {
        let mut now: BTreeMap<String, Value> = BTreeMap::new();
        for (_, deed) in self.0.iter().filter(|(_, deed)| deed["data"]["outcome"] == "committed") {
            for field in deed["data"]["fields"].as_array().into_iter().flatten() {
                let path = format!("{}#{}", deed["subject"], field["name"]);
                let before = now.insert(path, field["version"].clone()).unwrap_or(json!(0));
                let follows = field["version"].as_u64() == before.as_u64().map(|before| before + 1);
                if field["base"] != before || !follows {
                    return Err((Fault::Wrong, format!("it was at version {before}: {deed}")));
                }
            }
        }
        Ok(())
    }

    fn is_as_told(&self, told: &Told) -> Result<(), Found> {
        let place = |what: &str| format!("{what}: {told:?}");
        let no = told.answer["deed"].as_u64().ok_or_else(|| (Fault::Wrong, place("no deed")))?;
        let at = usize::try_from(no).unwrap() - 1;
        let Some((_, deed)) = self.0.get(at) else {
            return Err((Fault::Lost, place(&format!("the ledger ends with {}", self.0.len()))));
        };
        let (data, answer) = (&deed["data"], &told.answer);
        let wrong = |what| Err((Fault::Wrong, format!("{}\n{deed}", place(what))));
        if data["actor"]["name"] != told.who || data["outcome"] != answer["outcome"] {
            return wrong("another's, or another outcome");
        }
        // What is refused again and again is told by the first such deed.
        if data["outcome"] != "refused" && data["idempotency"]["key"] != json!(told.asked.key) {
            return wrong("another key");
        }
        let field = &data["fields"][0];
        match &told.asked.written {
            Some((entity, expected)) if data["outcome"] == "committed" => {
                let is_it = deed["subject"] == entity.as_str() && field["after"] == *told.asked.value();
                if is_it && field["version"] == expected + 1 { Ok(()) } else { wrong("another value") }
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// What had ended when something else began was recorded before it. What is told by an earlier deed has no moment of its own.
fn in_order(told: &[Told]) -> Result<(), Found> {
    let own = |told: &&Told| told.answer["outcome"] != "refused";
    let mut begun: Vec<&Told> = told.iter().filter(own).collect();
    let mut ended = begun.clone();
    begun.sort_by_key(|told| told.begun);
    ended.sort_by_key(|told| told.ended);
    let deed = |told: &Told| told.answer["deed"].as_u64().unwrap_or_default();
    let (mut ended, mut latest): (_, Option<&Told>) = (ended.into_iter().peekable(), None);
    for one in begun {
        while let Some(before) = ended.next_if(|before| before.ended < one.begun) {
            latest = latest.filter(|latest| deed(latest) > deed(before)).or(Some(before));
        }
        if let Some(before) = latest.filter(|before| deed(before) >= deed(one)) {
            return Err((Fault::Order, format!("{before:?}\nhad ended before this began\n{one:?}")));
        }
    }
    Ok(())
}

/// What this looks for it finds.
#[test]
fn the_checker_finds_what_is_lost_doubled_otherwise_and_out_of_order() {
    use std::time::{Duration, Instant};

    let start = Instant::now();
    let deed = |key: &str, base: u64, after: &str| {
        let fields = json!([{"name": "text", "base": base, "version": base + 1, "after": after}]);
        let actor = json!({"class": "agent", "name": "ann"});
        let data =
            json!({"actor": actor, "outcome": "committed", "idempotency": {"key": key}, "fields": fields});
        (Hash([0; 32]), json!({"subject": "ann/1", "data": data}))
    };
    let told = |no: u64, key: &str, expected: u64, begun: u64| {
        let asked = Asked::write(key.to_owned(), "ann/1".to_owned(), expected);
        let begun = start + Duration::from_secs(begun);
        let answer = json!({"outcome": "committed", "deed": no});
        Told { who: "ann", asked, answer, begun, ended: begun + Duration::from_secs(1) }
    };
    let found = |deeds: &[(&str, u64, &str)], told: &[Told]| {
        let book = Book(deeds.iter().map(|(key, base, after)| deed(key, *base, after)).collect());
        book.check(told).err().map(|(fault, _)| fault)
    };
    let (one, two) = (("a", 0, "a"), ("b", 1, "b"));
    assert_eq!(found(&[one, two], &[told(1, "a", 0, 0), told(2, "b", 1, 2)]), None);
    // At the same time either may be first.
    assert_eq!(found(&[one, two], &[told(1, "a", 0, 1), told(2, "b", 1, 1)]), None);
    assert_eq!(found(&[one], &[told(2, "b", 1, 0)]), Some(Fault::Lost));
    assert_eq!(found(&[one, ("a", 1, "c")], &[]), Some(Fault::Doubled));
    assert_eq!(found(&[one, ("c", 1, "a")], &[]), Some(Fault::Doubled));
    assert_eq!(found(&[one, ("b", 0, "b")], &[]), Some(Fault::Wrong));
    assert_eq!(found(&[one], &[told(1, "c", 0, 0)]), Some(Fault::Wrong));
    assert_eq!(found(&[("a", 0, "c")], &[told(1, "a", 0, 0)]), Some(Fault::Wrong));
    assert_eq!(found(&[one, two], &[told(1, "a", 0, 2), told(2, "b", 1, 0)]), Some(Fault::Order));
}
