//! The report of a run: for people, for programs, and as a page with charts.

use std::fmt::Write as _;

use serde::Serialize;

use crate::samples::{Samples, Second, StepReport};

/// What a run came to.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// How it was asked for, so that it can be repeated.
    pub(crate) command: String,
    pub(crate) seconds: u64,
    pub(crate) purchases: u64,
    pub(crate) purchases_per_second: f64,
    pub(crate) steps: Vec<StepReport>,
    pub(crate) timeline: Vec<Second>,
    /// What an attacker got; must be empty.
    pub(crate) breaches: Vec<String>,
}

impl Report {
    pub(crate) fn new(
        command: String,
        seconds: u64,
        samples: &Samples,
        breaches: Vec<String>,
    ) -> Self {
        let purchases = samples.done("purchase");
        Self {
            command,
            seconds,
            purchases,
            purchases_per_second: rate(purchases, seconds),
            steps: samples.steps(),
            timeline: samples.seconds().to_vec(),
            breaches,
        }
    }

    pub(crate) fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{:<24} {:>9} {:>8} {:>7} {:>9} {:>9} {:>9} {:>9}\n",
            "", "done", "refused", "broken", "p50 ms", "p90 ms", "p99 ms", "max ms"
        );
        for step in &self.steps {
            let _infallible = writeln!(
                text,
                "{:<24} {:>9} {:>8} {:>7} {:>9.2} {:>9.2} {:>9.2} {:>9.2}",
                step.step,
                step.done,
                step.refused,
                step.broken,
                step.p50_ms,
                step.p90_ms,
                step.p99_ms,
                step.max_ms
            );
        }
        for step in &self.steps {
            for (reason, times) in &step.reasons {
                let _infallible = writeln!(text, "  {}: {times} × {reason}", step.step);
            }
            for (reason, times) in &step.again {
                let _infallible = writeln!(text, "  {}: {times} × again after {reason}", step.step);
            }
        }
        let again: u64 = self.steps.iter().flat_map(|step| step.again.values()).sum();
        if again > 0 {
            let broken: u64 = self.steps.iter().map(|step| step.again_broken).sum();
            let _infallible = writeln!(
                text,
                "{again} tries failed and were made again: {} were answered with a problem, {broken} not at all",
                again - broken
            );
        }
        let _infallible = writeln!(
            text,
            "{} purchases in {} s: {:.1} a second",
            self.purchases, self.seconds, self.purchases_per_second
        );
        for breach in &self.breaches {
            let _infallible = writeln!(text, "BREACH {breach}");
        }
        text
    }

    /// One file that needs nothing else: a table, and what each second was like.
    pub(crate) fn html(&self) -> String {
        let mut rows = String::new();
        for step in &self.steps {
            let _infallible = write!(
                rows,
                "<tr><th scope=row>{}<td>{}<td>{}<td>{}<td>{:.2}<td>{:.2}<td>{:.2}<td>{:.2}",
                escape(step.step),
                step.done,
                step.refused,
                step.broken,
                step.p50_ms,
                step.p90_ms,
                step.p99_ms,
                step.max_ms
            );
        }
        let done: Vec<u64> = self.timeline.iter().map(|second| second.done).collect();
        let failed: Vec<u64> = self.timeline.iter().map(|second| second.failed).collect();
        let slowest: Vec<u64> = self
            .timeline
            .iter()
            .map(|second| second.slowest_ms)
            .collect();
        format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>Load report</title>\
             <style>body{{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}}table{{border-collapse:collapse;width:100%}}\
             th,td{{padding:.3rem .6rem;text-align:right;border-bottom:1px solid #ddd}}th[scope=row],thead th:first-child{{text-align:left}}\
             svg{{width:100%;height:10rem;background:#f6f6f4}}code{{background:#f6f6f4;padding:.1rem .3rem}}</style>\
             <h1>{} purchases in {} s, {:.1} a second</h1><p><code>{}</code>\
             <table><thead><tr><th>step<th>done<th>refused<th>broken<th>p50 ms<th>p90 ms<th>p99 ms<th>max ms<tbody>{rows}</table>\
             <h2>Requests done each second</h2>{}<h2>Requests failed each second</h2>{}<h2>The slowest of each second, ms</h2>{}</html>",
            self.purchases,
            self.seconds,
            self.purchases_per_second,
            escape(&self.command),
            chart(&done, "#2f6f4f"),
            chart(&failed, "#b3261e"),
            chart(&slowest, "#8a5a00"),
        )
    }
}

/// Bars, one a second, as high as the highest.
fn chart(values: &[u64], color: &str) -> String {
    let highest = values.iter().copied().max().unwrap_or_default().max(1);
    let mut bars = String::new();
    for (at, value) in values.iter().enumerate() {
        let height = value * 100 / highest;
        let _infallible = write!(
            bars,
            "<rect x={at} y={} width=1 height={height}><title>second {at}: {value}</title></rect>",
            100 - height
        );
    }
    format!(
        "<p>highest: {highest}<svg viewBox='0 0 {} 100' preserveAspectRatio=none fill='{color}' role=img aria-label='highest {highest}'>{bars}</svg>",
        values.len().max(1)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[expect(
    clippy::float_arithmetic,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "figures for people, far below 2^52"
)]
fn rate(count: u64, seconds: u64) -> f64 {
    count as f64 / seconds.max(1) as f64
}
