//! How jobs and resources look on the wire. Pure, like the rest.

mod gpu;
mod machine;
mod network;
mod receipt;
mod volume;

pub use gpu::{gpu_detail, inventory};
pub use machine::{interface_rows, machine_detail, machine_row};
pub use network::{network_detail, network_machines};
pub use volume::volume_detail;

use crate::{
    catalogue::{Catalogue, DataCenter, Region},
    job::{Job, JobState},
    limits::ERROR_LIMIT,
    resource::Resource,
    turn::Ahead,
};
use api::{
    JobStatus,
    job::{JobDetail, JobPhase},
    machine::FlatDataCenter,
};

/// A text as one line that no shell's `echo` can break JSON with: no backslash, no double quote,
/// no control character, at most 300 characters; its words stand one space apart.
pub fn line(text: &str) -> String {
    // The separators of lines and paragraphs are white space, not control characters.
    let words = text.split(|character: char| character.is_control() || character.is_whitespace());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let plain = words.join(" ").replace('\\', "/").replace('"', "'");
    let mut line: String = plain.chars().take(ERROR_LIMIT).collect();
    line.truncate(line.trim_end().len());
    line
}

/// A job as a poll shows it.
pub fn job(job: &Job) -> api::Job {
    let definition = job.operation.definition();
    let status = job.state.status();
    let failed = job.error.as_ref().filter(|_| status == JobStatus::Failed);
    let error = failed.map(|error| line(&error.text));
    let tells = status == JobStatus::Completed && !definition.removes;
    api::Job {
        id: job.id,
        job_id: job.id,
        status,
        progress: job.progress,
        progress_percentage: job.progress,
        resource_type: definition.kind.as_str().to_owned(),
        resource_id: tells.then_some(job.resource),
        resource_name: job.resource_name.clone(),
        resource_display_name: job.resource_name.clone(),
        operation: definition.verb.to_owned(),
        kind: job.operation.name().to_owned(),
        stage: job.stage.clone(),
        message: message(&job.stage, definition.verb).to_owned(),
        error_message: error.clone(),
        error,
        error_code: failed.map(|error| error.code),
        is_completed: status == JobStatus::Completed,
        has_failed: status == JobStatus::Failed,
        can_retry: false,
        estimated_completion: None,
        time_remaining: None,
        created_at: job.created_at,
        updated_at: job.updated_at,
        completed_at: job.completed_at,
        target_id: job.resource,
        result: job
            .result
            .clone()
            .filter(|_| status == JobStatus::Completed),
    }
}

/// A job with its phases, and with what is ahead of it.
pub fn job_detail(model: &Job, ahead: Option<Ahead>) -> JobDetail {
    let phases = model.phases.iter().map(|phase| JobPhase {
        name: phase.name.clone(),
        started_at: phase.started_at,
        ended_at: phase.ended_at,
        attempt: phase.attempt,
        error: phase.error.as_deref().map(line),
    });
    JobDetail {
        job: job(model),
        phases: phases.collect(),
        pending_reason: ahead.and_then(|ahead| ahead.reason(model)),
        receipt: (model.state == JobState::Failed).then(|| receipt::receipt(model)),
    }
}

/// A stage in words.
fn message(stage: &str, verb: &str) -> &'static str {
    match (stage, verb) {
        ("queued", _) => "waiting in line",
        ("starting", _) => "starting",
        ("disk", "delete") => "removing the disk",
        ("disk", _) => "making the disk",
        ("gpu", _) => "taking GPUs",
        ("network", "delete" | "remove") => "taking it off the network",
        ("network", _) => "making the network",
        ("address", _) => "setting the address",
        ("attach", _) => "attaching the volume",
        ("detach", _) => "detaching the volume",
        ("resize", _) => "resizing",
        ("boot", _) => "booting",
        ("ready", _) => "getting ready",
        ("shutdown", _) => "shutting down",
        ("reverting", _) => "putting it back",
        ("completed", _) => "done",
        ("failed", _) => "failed",
        _ => "",
    }
}

/// Where a resource is; a catalogue may have lost an entry since.
struct Where<'a> {
    data_center: Option<&'a DataCenter>,
    region: Option<&'a Region>,
}

impl<'a> Where<'a> {
    fn of(resource: &Resource, catalogue: &'a Catalogue) -> Self {
        let data_center = catalogue.data_center(resource.data_center);
        Self {
            data_center,
            region: data_center.and_then(|data_center| catalogue.region(data_center.region)),
        }
    }

    fn data_center(&self) -> &'a str {
        self.data_center.map_or("", |data_center| &data_center.name)
    }

    fn region(&self) -> &'a str {
        self.region.map_or("", |region| &region.name)
    }

    fn region_id(&self) -> i64 {
        self.region.map_or(0, |region| region.id)
    }

    fn country(&self) -> &'a str {
        self.region.map_or("", |region| &region.country.name)
    }

    fn country_id(&self) -> i64 {
        self.region.map_or(0, |region| region.country.id)
    }

    fn flat(&self, resource: &Resource) -> FlatDataCenter {
        let abbreviation = self
            .region
            .map(|region| region.country.abbreviation.clone());
        FlatDataCenter {
            id: resource.data_center,
            name: self.data_center().to_owned(),
            region: self.region().to_owned(),
            country_abbr: abbreviation.unwrap_or_default(),
            country: self.country().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn an_error_is_one_plain_line() {
        assert_eq!(line("a \"b\" c:\\d\ne"), "a 'b' c:/d e");
        assert_eq!(line(&"🦀".repeat(400)).chars().count(), 300);
        assert_eq!(
            line(" a\u{2028}b\r\n\u{2029}\t c\u{85}\u{0}d\u{a0} "),
            "a b c d"
        );
        assert_eq!(line(" \n\u{2028}"), "");
        let cut_at_a_space = format!("{} b", "a".repeat(299));
        assert_eq!(line(&cut_at_a_space), "a".repeat(299));
    }
}
