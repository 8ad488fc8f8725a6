//! What everyone may look at: the board, the ledger, traces, numbers.

use std::sync::Arc;

use super::bound::Bound;
use super::send::Ask;
use super::{Client, ClientError, Result, Then};
use crate::api::{AsOf, ChainView, Histogram, LedgerPage, RawDeed, Stats, WhoAmI};
use crate::domain::filter::At;
use crate::domain::ids::{AgentId, Seq};
use crate::domain::path::{FieldPath, Pattern};
use crate::domain::readiness::agents::AgentList;
use crate::domain::readiness::{Joining, Team};
use crate::domain::time::Time;

/// Which part of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerQuery {
    /// A filter; the empty one means every deed.
    pub filter: String,
    /// Where the page lies.
    pub direction: Direction,
    /// How many deeds; the server's usual number where 0.
    pub limit: usize,
    /// Whether to count what the filter means.
    pub count: bool,
    /// Wait until the answer includes this deed.
    pub min_seq: Option<Seq>,
}

/// Where a page lies among the deeds that a filter means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Direction {
    /// The newest ones.
    #[default]
    Newest,
    /// The oldest ones.
    Oldest,
    /// The nearest before this one.
    Before(Seq),
    /// The nearest after this one.
    After(Seq),
    /// Half of them up to this one, half after it.
    Around(Seq),
}

impl Client {
    /// Who the token is.
    pub async fn whoami(&self) -> Result<WhoAmI> {
        self.get("/v1/whoami").bound(Bound::Word).send().await
    }

    /// A client that looks at the past: a sequence, a time, or `-2h` for two hours ago, which is settled now and means
    /// the same moment from then on. What can be asked as of the past is: board, map, inbox, entities, who owns what,
    /// alerts, work, tasks, fan-outs, leases, outputs, conclusions, reviews, readiness. Everything else stays the present's.
    pub async fn as_of(&self, at: &str) -> Result<Self> {
        let who: WhoAmI = self.get("/v1/whoami").query("at", at).bound(Bound::Word).send().await?;
        let as_of = who.as_of.ok_or_else(|| ClientError::Protocol {
            why: "the server does not say which moment that is; it is of an older version".to_owned(),
        })?;
        let by_number = at.trim().trim_start_matches('#').bytes().all(|byte| byte.is_ascii_digit());
        let named = match (by_number, as_of.happened) {
            (true, _) => At::Seq(as_of.seq),
            (false, true) => At::Happened(as_of.time),
            (false, false) => At::Time(as_of.time),
        };
        let text = named.to_string();
        Ok(Self { then: Some(Then { text: Arc::from(text), as_of }), ..self.clone() })
    }

    /// The moment that this client looks at; none where it is the present.
    pub fn looks_at(&self) -> Option<AsOf> {
        self.then.as_ref().map(|then| then.as_of)
    }

    /// The same as a text that means it whenever it is asked.
    pub fn looks_at_text(&self) -> Option<&str> {
        self.then.as_ref().map(|then| &*then.text)
    }

    /// The time that ages are counted from: the server's, or that of the moment looked at.
    pub async fn now(&self) -> Result<Time> {
        match &self.then {
            Some(then) => Ok(then.as_of.time),
            None => Ok(self.whoami().await?.server.now),
        }
    }

    /// A question that can be asked as of the past.
    pub(super) fn get_then(&self, path: impl Into<String>) -> Ask<'_> {
        self.get(path).maybe("at", self.then.as_ref().map(|then| &then.text))
    }

    /// How the agents and the team stand; one agent of it, if named.
    pub async fn readiness(&self, agent: Option<&AgentId>) -> Result<Team> {
        self.list(|| self.get_then("/v1/readiness").maybe("agent", agent)).await
    }

    /// Every agent in one line.
    pub async fn agents(&self) -> Result<AgentList> {
        self.list(|| self.get_then("/v1/agents")).await
    }

    /// Whether the agents that a map adds may join.
    pub async fn joining(&self, toml: &str) -> Result<Joining> {
        self.post("/v1/readiness").toml(toml).send().await
    }

    /// A page of the ledger, oldest first.
    pub async fn ledger(&self, query: &LedgerQuery) -> Result<LedgerPage> {
        let mut ask = self.get("/v1/ledger").bound(Bound::Page);
        if !query.filter.is_empty() {
            ask = ask.query("filter", &query.filter);
        }
        ask = match query.direction {
            Direction::Newest => ask,
            Direction::Oldest => ask.query("after", 0),
            Direction::Before(seq) => ask.query("before", seq),
            Direction::After(seq) => ask.query("after", seq),
            Direction::Around(seq) => ask.query("around", seq),
        };
        if query.limit > 0 {
            ask = ask.query("limit", query.limit);
        }
        if query.count {
            ask = ask.query("count", true);
        }
        ask.maybe("min_seq", query.min_seq).send().await
    }

    /// One deed.
    pub async fn deed(&self, seq: Seq) -> Result<RawDeed> {
        self.get(format!("/v1/ledger/{seq}")).bound(Bound::Reply).send().await
    }

    /// Where the ledger ends now, signed.
    pub async fn checkpoint(&self) -> Result<String> {
        self.get("/v1/checkpoint").accept("text/plain").text().await
    }

    /// Deeds over time by outcome, in at most `buckets` parts.
    pub async fn histogram(&self, filter: &str, from: Time, to: Time, buckets: usize) -> Result<Histogram> {
        let ask = self.get("/v1/ledger/histogram").query("from", from).query("to", to);
        ask.query("buckets", buckets).query("filter", filter).send().await
    }

    /// What the deeds add up to; for the fields that the pattern covers, if one is given.
    pub async fn stats(&self, pattern: Option<&Pattern>) -> Result<Stats> {
        self.get("/v1/ledger/stats").maybe("pattern", pattern.map(Pattern::as_str)).send().await
    }

    /// The deeds of an entity or of one of its fields, the newest before `before`, oldest first.
    pub async fn trace_entity(
        &self,
        path: &FieldPath,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<LedgerPage> {
        let ask = self.get("/v1/trace").query("entity", path).maybe("before", before).bound(Bound::Page);
        ask.query("limit", limit).send().await
    }

    /// The causes and effects of a deed.
    pub async fn trace_deed(&self, seq: Seq) -> Result<ChainView> {
        self.get("/v1/trace").query("deed", seq).bound(Bound::Page).send().await
    }
}
