//! Sending at a fixed rate, and the report.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::task::JoinSet;
use url::Url;

use crate::LoadError;

/// What came of it. Latencies are microseconds from the moment a request was due to the last byte of its answer.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) sent: u64,
    pub(crate) failed: u64,
    pub(crate) rate: u32,
    pub(crate) seconds: u32,
    pub(crate) p50_us: u64,
    pub(crate) p90_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) max_us: u64,
    pub(crate) bytes: u64,
    /// How often each way to fail was met.
    pub(crate) failures: BTreeMap<String, u64>,
}

/// Sends `rate` requests a second for `seconds`, going round `paths`.
pub(crate) async fn measure(
    client: &reqwest::Client,
    base: &Url,
    paths: &[String],
    rate: u32,
    seconds: u32,
) -> Result<Report, LoadError> {
    let mut latencies =
        Histogram::<u64>::new_with_bounds(1, 60_000_000, 3).map_err(LoadError::Histogram)?;
    let mut report = Report {
        sent: 0,
        failed: 0,
        rate,
        seconds,
        p50_us: 0,
        p90_us: 0,
        p99_us: 0,
        max_us: 0,
        bytes: 0,
        failures: BTreeMap::new(),
    };
    let gap = Duration::from_secs(1) / rate.max(1);
    let started = Instant::now();
    let mut running = JoinSet::new();
    let urls: Vec<String> = paths
        .iter()
        .map(|path| format!("{}{path}", base.as_str().trim_end_matches('/')))
        .collect();
    for (number, url) in (0..rate.saturating_mul(seconds)).zip(urls.iter().cycle()) {
        let due = started + gap * number;
        tokio::time::sleep_until(due.into()).await;
        let request = client.get(url);
        running.spawn(async move { (due, send(request).await) });
        while let Some(Ok((due, outcome))) = running.try_join_next() {
            count(&mut report, &mut latencies, due, outcome);
        }
    }
    while let Some(Ok((due, outcome))) = running.join_next().await {
        count(&mut report, &mut latencies, due, outcome);
    }
    report.p50_us = latencies.value_at_quantile(0.5);
    report.p90_us = latencies.value_at_quantile(0.9);
    report.p99_us = latencies.value_at_quantile(0.99);
    report.max_us = latencies.max();
    Ok(report)
}

type Outcome = Result<(Instant, u64), String>;

async fn send(request: reqwest::RequestBuilder) -> Outcome {
    let response = request.send().await.map_err(|error| reason(&error))?;
    let status = response.status();
    let body = response.bytes().await.map_err(|error| reason(&error))?;
    if status.is_success() || status.is_redirection() {
        Ok((
            Instant::now(),
            u64::try_from(body.len()).unwrap_or(u64::MAX),
        ))
    } else {
        Err(format!("status {}", status.as_u16()))
    }
}

fn reason(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "no connection"
    } else {
        "broken answer"
    };
    kind.to_owned()
}

fn count(report: &mut Report, latencies: &mut Histogram<u64>, due: Instant, outcome: Outcome) {
    report.sent += 1;
    match outcome {
        Ok((at, bytes)) => {
            report.bytes += bytes;
            latencies.saturating_record(
                u64::try_from(at.duration_since(due).as_micros()).unwrap_or(u64::MAX),
            );
        }
        Err(reason) => {
            report.failed += 1;
            *report.failures.entry(reason).or_default() += 1;
        }
    }
}

impl Report {
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{} requests at {}/s over {} s: {} failed, {} KiB read\n",
            self.sent,
            self.rate,
            self.seconds,
            self.failed,
            self.bytes / 1024
        );
        for (name, micros) in [
            ("p50", self.p50_us),
            ("p90", self.p90_us),
            ("p99", self.p99_us),
            ("max", self.max_us),
        ] {
            let _infallible = writeln!(
                text,
                "  {name} {:>6}.{:03} ms",
                micros / 1000,
                micros % 1000
            );
        }
        for (reason, times) in &self.failures {
            let _infallible = writeln!(text, "  {times} × {reason}");
        }
        text
    }
}
