//! Median and worst of a few runs.

use std::time::Duration;

/// How often everything is measured.
pub(crate) const RUNS: usize = 5;

/// The median and the largest of the values.
pub(crate) fn median_and_largest(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let sorted = sorted(values);
    (sorted[sorted.len() / 2], sorted[sorted.len() - 1])
}

/// The median and the smallest of the values.
pub(crate) fn median_and_smallest(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let sorted = sorted(values);
    (sorted[sorted.len() / 2], sorted[0])
}

pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// The value that so many in a hundred don't exceed.
pub(crate) fn percentile(values: &[f64], percent: usize) -> f64 {
    let sorted = sorted(values.iter().copied());
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values
}
