//! What is counted of requests, and how Prometheus is told.

use axum::http::StatusCode;
use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

/// Counters since the start of the server.
#[derive(Debug, Default)]
pub(super) struct Meters {
    /// Answers with status 1xx to 5xx.
    by_class: [AtomicU64; 5],
    micros: AtomicU64,
    begun: AtomicU64,
    ended: AtomicU64,
}

/// A request under way. One that its client leaves is counted as ended, without an answer.
pub(super) struct Meter {
    meters: Arc<Meters>,
    since: Instant,
}

impl Meters {
    /// A request has come.
    pub(super) fn begin(self: &Arc<Self>) -> Meter {
        self.begun.fetch_add(1, Relaxed);
        Meter {
            meters: Arc::clone(self),
            since: Instant::now(),
        }
    }

    /// In the text format of Prometheus.
    pub(super) fn text(&self, is_draining: bool, commits: u64) -> String {
        let mut text = String::from(
            "# HELP cloudlet_http_requests_total Requests answered, by class of status.\n\
             # TYPE cloudlet_http_requests_total counter\n",
        );
        let mut answered = 0;
        for (class, count) in (1..).zip(&self.by_class) {
            let count = count.load(Relaxed);
            answered += count;
            line(
                &mut text,
                &format!("cloudlet_http_requests_total{{status=\"{class}xx\"}} {count}"),
            );
        }
        let micros = self.micros.load(Relaxed);
        let (whole, rest) = (micros / 1_000_000, micros % 1_000_000);
        let flying = self
            .begun
            .load(Relaxed)
            .saturating_sub(self.ended.load(Relaxed));
        for text_line in [
            "# HELP cloudlet_http_request_duration_seconds Time from request to answer.",
            "# TYPE cloudlet_http_request_duration_seconds summary",
            &format!("cloudlet_http_request_duration_seconds_sum {whole}.{rest:06}"),
            &format!("cloudlet_http_request_duration_seconds_count {answered}"),
            "# HELP cloudlet_http_requests_in_flight Requests being answered, this one included.",
            "# TYPE cloudlet_http_requests_in_flight gauge",
            &format!("cloudlet_http_requests_in_flight {flying}"),
            "# HELP cloudlet_draining Whether the server is shutting down.",
            "# TYPE cloudlet_draining gauge",
            &format!("cloudlet_draining {}", u8::from(is_draining)),
            "# HELP cloudlet_store_commits_total Commits that wrote something, each one sync of the disk.",
            "# TYPE cloudlet_store_commits_total counter",
            &format!("cloudlet_store_commits_total {commits}"),
        ] {
            line(&mut text, text_line);
        }
        text
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a String does not fail.
    let _ = writeln!(text, "{line}");
}

impl Meter {
    /// It was answered.
    pub(super) fn end(self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.meters.by_class.get(class) {
            counter.fetch_add(1, Relaxed);
        }
        let micros = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.meters.micros.fetch_add(micros, Relaxed);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.meters.ended.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_told() {
        let meters = Arc::new(Meters::default());
        meters.begin().end(StatusCode::ACCEPTED);
        meters.begin().end(StatusCode::NOT_FOUND);
        drop(meters.begin());
        let flying = meters.begin();
        let text = meters.text(true, 7);
        for expected in [
            "cloudlet_http_requests_total{status=\"2xx\"} 1\n",
            "cloudlet_http_requests_total{status=\"4xx\"} 1\n",
            "cloudlet_http_requests_total{status=\"5xx\"} 0\n",
            "cloudlet_http_request_duration_seconds_count 2\n",
            "cloudlet_http_requests_in_flight 1\n",
            "cloudlet_draining 1\n",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        drop(flying);
    }
}
