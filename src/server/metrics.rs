//! Counters of the server, shown in the text format of Prometheus. What belongs to a workspace is shown to tokens of it.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::domain::ids::AgentId;

/// Upper bounds of the latency buckets, in microseconds.
const BUCKETS_US: [u64; 12] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 5_000_000];
/// The status that is counted first.
const FIRST_STATUS: u16 = 100;
/// How many statuses are counted.
const STATUSES: usize = 500;

/// Counters over all requests.
#[derive(Debug)]
pub(super) struct Metrics {
    by_status: Box<[AtomicU64]>,
    buckets: [AtomicU64; BUCKETS_US.len() + 1],
    micros: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            by_status: (0..STATUSES).map(|_| AtomicU64::new(0)).collect(),
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            micros: AtomicU64::new(0),
        }
    }
}

/// One number of a workspace, or of each of its agents.
pub(super) struct Gauge {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) values: Vec<(Option<AgentId>, u64)>,
}

impl Metrics {
    /// Counts a request.
    pub(super) fn count(&self, status: u16, took: Duration) {
        if let Some(count) = self.by_status.get(usize::from(status.saturating_sub(FIRST_STATUS))) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_US.partition_point(|bound| *bound < micros);
        if let Some(count) = self.buckets.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// The counters as text, with the gauges of a workspace.
    pub(super) fn text(&self, workspace: &str, gauges: &[Gauge]) -> String {
        let mut text = String::with_capacity(4_096);
        text.push_str("# HELP deeds_http_requests_total Requests answered, by status.\n");
        text.push_str("# TYPE deeds_http_requests_total counter\n");
        let line = |text: &mut String, line: std::fmt::Arguments<'_>| {
            // Writing to a String can't fail.
            let _ = text.write_fmt(line);
            text.push('\n');
        };
        for (at, count) in self.by_status.iter().enumerate() {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                let status = at + usize::from(FIRST_STATUS);
                line(&mut text, format_args!("deeds_http_requests_total{{status=\"{status}\"}} {count}"));
            }
        }
        text.push_str("# HELP deeds_http_request_seconds How long answers took; streams until they began.\n");
        text.push_str("# TYPE deeds_http_request_seconds histogram\n");
        let mut sum = 0;
        for (at, count) in self.buckets.iter().enumerate() {
            sum += count.load(Ordering::Relaxed);
            match BUCKETS_US.get(at) {
                Some(bound) => {
                    let seconds = Duration::from_micros(*bound).as_secs_f64();
                    line(
                        &mut text,
                        format_args!("deeds_http_request_seconds_bucket{{le=\"{seconds}\"}} {sum}"),
                    );
                }
                None => {
                    line(&mut text, format_args!("deeds_http_request_seconds_bucket{{le=\"+Inf\"}} {sum}"));
                }
            }
        }
        let seconds = Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64();
        line(&mut text, format_args!("deeds_http_request_seconds_sum {seconds}"));
        line(&mut text, format_args!("deeds_http_request_seconds_count {sum}"));
        for gauge in gauges {
            let Gauge { name, help, values } = gauge;
            line(&mut text, format_args!("# HELP {name} {help}\n# TYPE {name} gauge"));
            for (agent, value) in values {
                // A name has no sign that a label would have to escape (RULES §1.1).
                let agent = agent.as_ref().map(|agent| format!(",agent=\"{agent}\"")).unwrap_or_default();
                line(&mut text, format_args!("{name}{{workspace=\"{workspace}\"{agent}}} {value}"));
            }
        }
        text
    }
}
