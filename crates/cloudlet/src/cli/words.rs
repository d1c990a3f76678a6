//! Times, durations, phases and outcomes in words.

use api::{Job, Timestamp};
use std::time::Duration;

/// How long ago something was, e.g. `3 min ago`.
pub(crate) fn ago(moment: Timestamp, now: Timestamp) -> String {
    let seconds = (now.as_millis() - moment.as_millis()) / 1000;
    match seconds {
        i64::MIN..=-2 => moment.to_string(),
        -1..=1 => "just now".into(),
        2..=59 => format!("{seconds} s ago"),
        60..=3599 => format!("{} min ago", seconds / 60),
        3600..=86_399 => format!("{} h ago", seconds / 3600),
        86_400..=172_799 => "1 day ago".into(),
        172_800.. => format!("{} days ago", seconds / 86_400),
    }
}

/// A running time, e.g. `0:06`.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// How long a job took, e.g. `9.4 s`; empty while it runs.
pub(crate) fn took(job: &Job) -> String {
    let Some(end) = job.completed_at else {
        return String::new();
    };
    let tenths = (end.as_millis() - job.created_at.as_millis()).max(0) / 100;
    match tenths {
        0..600 => format!("{}.{} s", tenths / 10, tenths % 10),
        _ => format!("{} min {} s", tenths / 600, tenths / 10 % 60),
    }
}

/// What is being done, e.g. `booting`: the server's words, else its phase.
pub(crate) fn doing(job: &Job) -> &str {
    if !job.message.is_empty() {
        return &job.message;
    }
    match job.stage.as_str() {
        "" | "queued" => "waiting in line",
        "disk" if job.operation == "delete" => "removing the disk",
        "disk" => "making the disk",
        "boot" => "booting",
        "ready" => "getting ready",
        "shutdown" => "shutting down",
        "reverting" => "putting it back",
        other => other,
    }
}

/// A job's status as the API spells it.
pub(crate) fn status(job: &Job) -> &'static str {
    job.status.as_str()
}

/// What a completed job did, e.g. `Created web-1 (0193…)`.
pub(crate) fn done(job: &Job) -> String {
    let (done, _) = verbs(&job.kind);
    format!("{done} {} ({})", job.resource_name, job.target_id)
}

/// What a failed job did not do and why, e.g. `web-1 was not created: …`.
pub(crate) fn not_done(job: &Job) -> String {
    let (_, not) = verbs(&job.kind);
    let why = job.error.as_deref().unwrap_or("the server gave no reason");
    format!("{} {not}: {why}", job.resource_name)
}

/// What an operation has done, and what it has not.
fn verbs(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "vm.create" | "gpu.create" | "volume.create" | "network.create" => {
            ("Created", "was not created")
        }
        "vm.delete" | "gpu.delete" | "volume.delete" | "network.delete" => {
            ("Deleted", "was not deleted")
        }
        "vm.start" => ("Started", "was not started"),
        "vm.stop" => ("Stopped", "was not stopped"),
        "vm.reset" => ("Reset", "was not reset"),
        "vm.resize" | "volume.resize" => ("Resized", "was not resized"),
        "volume.attach" => ("Attached", "was not attached"),
        "volume.detach" => ("Detached", "was not detached"),
        "nic.add" => ("Added a network interface to", "got no network interface"),
        "nic.remove" => (
            "Removed a network interface of",
            "kept its network interface",
        ),
        "public_ip.allocate" => ("Gave a public address to", "got no public address"),
        "public_ip.release" => ("Took a public address from", "kept its public address"),
        _ => ("Changed", "was not changed"),
    }
}

/// A name in at most this many columns; its end stays, which tells `web-…-12` from `web-…-13`.
pub(crate) fn short(name: &str, width: usize) -> String {
    let long = name.chars().count();
    if long <= width {
        return name.to_owned();
    }
    let tail = width.saturating_sub(1) / 2;
    let head = width.saturating_sub(1 + tail);
    let begin = name.chars().take(head);
    let end = name.chars().skip(long - tail);
    begin.chain(['…']).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ago_in_the_largest_unit() {
        let now = Timestamp::from_millis(1_772_355_660_000);
        for (seconds, text) in [
            (0, "just now"),
            (2, "2 s ago"),
            (59, "59 s ago"),
            (60, "1 min ago"),
            (3 * 60 + 59, "3 min ago"),
            (3600, "1 h ago"),
            (86_400, "1 day ago"),
            (5 * 86_400, "5 days ago"),
            (-60, "2026-03-01T09:02:00.000Z"),
        ] {
            assert_eq!(ago(now.plus_millis(-seconds * 1000), now), text);
        }
    }

    #[test]
    fn running_times() {
        for (seconds, text) in [(6, "0:06"), (75, "1:15"), (3675, "1:01:15")] {
            assert_eq!(clock(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        for (name, width, shown) in [
            ("web-12", 8, "web-12"),
            ("web-frontend-12", 7, "web…-12"),
            ("web-frontend-12", 8, "web-…-12"),
            ("ééééé", 3, "é…é"),
        ] {
            assert_eq!(short(name, width), shown);
        }
    }
}
