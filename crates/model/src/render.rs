//! How jobs and machines look on the wire (api.md 3.1 and 5). Pure, like the rest.

use crate::{catalogue::Catalogue, job::Job, limits::ERROR_LIMIT, resource::Resource, turn::Ahead};
use api::{
    JobStatus,
    job::{JobDetail, JobPhase},
    machine::{
        FlatDataCenter, FlatSize, MachineDetail, MachineRow, NestedMachine, RowDataCenter, RowSize,
    },
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
        resource_type: definition.resource_type.to_owned(),
        resource_id: tells.then_some(job.resource),
        resource_name: job.resource_name.clone(),
        resource_display_name: job.resource_name.clone(),
        operation: definition.verb.to_owned(),
        kind: definition.name.to_owned(),
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
        result: None,
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
    }
}

/// A stage in words.
fn message(stage: &str, verb: &str) -> &'static str {
    match (stage, verb) {
        ("queued", _) => "waiting in line",
        ("starting", _) => "starting",
        ("disk", "delete") => "removing disk",
        ("disk", _) => "making the disk",
        ("boot", _) => "booting",
        ("ready", _) => "getting ready",
        ("shutdown", _) => "shutting down",
        ("reverting", _) => "putting it back",
        ("completed", _) => "done",
        ("failed", _) => "failed",
        _ => "",
    }
}

/// Names of what a machine refers to; a catalogue may have lost an entry since.
struct Names<'a> {
    image: &'a str,
    username: &'a str,
    size: Option<&'a crate::catalogue::Size>,
    data_center: &'a str,
    region_id: i64,
    region: &'a str,
    country: &'a str,
    country_abbreviation: &'a str,
}

fn names<'a>(resource: &Resource, catalogue: &'a Catalogue) -> Names<'a> {
    let image = catalogue.image(resource.record.image);
    let data_center = catalogue.data_center(resource.data_center);
    let region = data_center.and_then(|data_center| catalogue.region(data_center.region));
    Names {
        image: image.map_or("", |image| &image.name),
        username: image.map_or("", |image| &image.username),
        size: catalogue.size(resource.record.size),
        data_center: data_center.map_or("", |data_center| &data_center.name),
        region_id: region.map_or(0, |region| region.id),
        region: region.map_or("", |region| &region.name),
        country: region.map_or("", |region| &region.country.name),
        country_abbreviation: region.map_or("", |region| &region.country.abbreviation),
    }
}

/// Cores, memory and disk: what was made, else what was asked for.
fn size(resource: &Resource, catalogue: &Catalogue) -> RowSize {
    if let Some(machine) = resource.spec.machine() {
        return RowSize {
            cpu: machine.cpus,
            ram: machine.memory_gb,
            disk: machine.disk_gb,
        };
    }
    catalogue.size(resource.record.size).map_or(
        RowSize {
            cpu: 0,
            ram: 0,
            disk: 0,
        },
        |size| RowSize {
            cpu: size.cpu,
            ram: size.memory_gb,
            disk: size.disk_gb,
        },
    )
}

/// A machine as a row of the list.
pub fn machine_row(resource: &Resource, catalogue: &Catalogue) -> MachineRow {
    let names = names(resource, catalogue);
    MachineRow {
        id: resource.id,
        name: resource.record.name.clone(),
        status: resource.record.status,
        created_at: resource.created_at,
        updated_at: resource.updated_at,
        configuration: size(resource, catalogue),
        datacenter: RowDataCenter {
            id: resource.data_center,
            name: names.data_center.to_owned(),
            region: names.region.to_owned(),
            country: names.country.to_owned(),
        },
        image_name: names.image.to_owned(),
        primary_private_ip: None,
        primary_public_ip: None,
    }
}

/// A machine in full.
pub fn machine_detail(resource: &Resource, catalogue: &Catalogue) -> MachineDetail {
    let names = names(resource, catalogue);
    let RowSize { cpu, ram, disk } = size(resource, catalogue);
    let text = |of: fn(&crate::catalogue::Size) -> &String| {
        names.size.map(of).cloned().unwrap_or_default()
    };
    MachineDetail {
        status: resource.record.status,
        virtual_machine: NestedMachine {
            id: resource.id,
            name: resource.record.name.clone(),
            created_at: resource.created_at,
            updated_at: resource.updated_at,
            configuration_id: resource.record.size,
            configuration: text(|size| &size.name),
            cpu,
            ram,
            disk,
            image: names.image.to_owned(),
            username: names.username.to_owned(),
            datacenter_id: resource.data_center,
            datacenter: names.data_center.to_owned(),
            region_id: names.region_id,
            region: names.region.to_owned(),
            country: names.country.to_owned(),
        },
        id: resource.id,
        name: resource.record.name.clone(),
        created_at: resource.created_at,
        updated_at: resource.updated_at,
        image: names.image.to_owned(),
        username: names.username.to_owned(),
        configuration: FlatSize {
            id: resource.record.size,
            name: text(|size| &size.name),
            code: text(|size| &size.code),
            category_code: text(|size| &size.category),
            sku_id: resource.record.size.to_string(),
            sku_code: text(|size| &size.code),
            cpu,
            ram,
            disk,
        },
        datacenter: FlatDataCenter {
            id: resource.data_center,
            name: names.data_center.to_owned(),
            region: names.region.to_owned(),
            country_abbr: names.country_abbreviation.to_owned(),
            country: names.country.to_owned(),
        },
        ssh_key_id: None,
        ssh_key_name: None,
        network_hotplug: 0,
        resource_group_id: None,
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
