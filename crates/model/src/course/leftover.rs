//! What a job could neither finish nor put back: named in the job, kept until an operator has it
//! tried again or settles it, or a delete takes it over.

use super::{
    assignment, detach, end, release_claimed_names,
    report::{Heard, of_leftover, rest},
    settle::{Touched, judged},
    start::raise,
};
use crate::{
    claim::{Claim, Item, held},
    facts::{Context, Refusal},
    job::{Job, JobError, JobEvent, JobState},
    observed::{DiskObserved, MachineObserved, NetworkObserved, Observed},
    report::{Assignment, Failure, Told},
    resource::{Leftover, Resource},
    spec::{MachineSpec, Spec, VolumeSpec},
    writes::Write,
};
use api::{ErrorCode, JobErrorCode, ResourceId};

/// Neither finished nor put back: the job fails and names what is left, the line moves on.
pub(super) fn leave_over(
    context: &Context<'_>,
    mut job: Job,
    mut resource: Resource,
    failure: &Failure,
) -> (Vec<Write>, Heard) {
    let mut writes = Vec::new();
    let cause = job.error.take().unwrap_or_else(|| failure.error.clone());
    let kind = resource.kind().words().to_lowercase();
    // What is left stands first: a long cause is cut, this is not.
    let text = format!(
        "Left over: {kind} {} ({}); delete it to try again. {} {}",
        resource.name, resource.id, cause.text, failure.error.text
    );
    job.error = Some(JobError::new(cause.code, text));
    job.left = left(&resource, failure.outstanding);
    detach(&mut resource, &job);
    resource.leftover = Some(Leftover {
        job: job.id,
        since: context.now,
        what: failure.error.text.clone(),
        touched: job.before.iter().chain(&job.after).cloned().collect(),
        retry: false,
    });
    resource.show(resource.error_status(), context.now);
    quota_of_newest_spec(context, &resource, &resource.spec, &mut writes);
    release_claimed_names(context, &resource, &job, &mut writes);
    let told = Told::Spec(assignment(&resource, None));
    let subject = context.facts.resource(job.resource);
    if let Some(mut subject) = subject.filter(|subject| subject.id != resource.id) {
        let spec = own_spec(&subject, &resource);
        quota_of_newest_spec(context, &subject, &spec, &mut writes);
        subject.show(subject.resting_status(), context.now);
        writes.push(Write::PutResource(Box::new(subject)));
    }
    writes.push(Write::PutResource(Box::new(resource)));
    end(context, job, JobEvent::Fail, &mut writes);
    (writes, told.into())
}

/// What its host last saw of a resource beyond its newest spec, thing by thing.
fn left(resource: &Resource, outstanding: bool) -> Vec<String> {
    let spec = &resource.spec;
    let mut left = match &resource.observed {
        None => vec!["what there is of it was never seen".to_owned()],
        Some(Observed::Nothing) => Vec::new(),
        Some(Observed::Machine(machine)) => left_of_machine(machine, spec.machine()),
        Some(Observed::Volume(disk)) => {
            let size_gb = spec.volume().map(|volume| volume.size_gb);
            left_of_disk(*disk, size_gb).into_iter().collect()
        }
        Some(Observed::Network(NetworkObserved::Absent)) => Vec::new(),
        Some(Observed::Network(NetworkObserved::Partial)) => vec!["network, half-made".to_owned()],
        Some(Observed::Network(NetworkObserved::Whole(is))) => {
            let is_it = spec.network() == Some(is);
            (!is_it).then(|| "network".to_owned()).into_iter().collect()
        }
    };
    if outstanding {
        left.push("whatever the action that was cut off still does".to_owned());
    }
    left
}

fn left_of_machine(machine: &MachineObserved, spec: Option<&MachineSpec>) -> Vec<String> {
    let mut left = Vec::new();
    left.extend(left_of_disk(machine.disk, spec.map(|spec| spec.disk_gb)));
    let boot = spec.filter(|spec| spec.is_on()).map(|spec| spec.boot);
    let process = machine.process.filter(|it| Some(it.boot) != boot);
    left.extend(process.map(|process| format!("process of boot {}", process.boot)));
    let disk = |volume| spec.and_then(|spec| spec.disk(volume));
    let disks = machine.disks.iter().filter(|it| disk(it.volume).is_none());
    left.extend(disks.map(|disk| format!("volume {} on it", disk.volume)));
    let nic = |id| spec.and_then(|spec| spec.nic(id));
    let nics = machine.nics.iter().filter(|it| nic(it.id) != Some(*it));
    left.extend(nics.map(|nic| format!("network interface {}", nic.id)));
    let gpus = spec.and_then(|spec| spec.gpus.as_ref());
    let gpus = machine.gpus.iter().filter(|&it| gpus != Some(it));
    left.extend(gpus.map(|gpus| format!("{} GPUs of series {}", gpus.slots.len(), gpus.series)));
    left
}

fn left_of_disk(disk: DiskObserved, should_gb: Option<u32>) -> Option<String> {
    match disk {
        DiskObserved::Absent => None,
        DiskObserved::Partial => Some("disk, half-made".to_owned()),
        DiskObserved::Whole { size_gb } if Some(size_gb) == should_gb => None,
        DiskObserved::Whole { size_gb } => Some(format!("disk of {size_gb} GB")),
    }
}

/// What a volume needs whose machine was left over: its own spec, or more if it is to be larger there.
fn own_spec(volume: &Resource, machine: &Resource) -> Spec {
    let on = machine.spec.machine();
    let on = on.and_then(|machine| machine.disk(volume.id));
    match (&volume.spec, on) {
        (Spec::Volume(own), Some(on)) => Spec::Volume(VolumeSpec {
            size_gb: own.size_gb.max(on.size_gb),
        }),
        (own, _) => own.clone(),
    }
}

/// A leftover counts for its tenant's quota what its newest spec needs: nothing if that is absent.
fn quota_of_newest_spec(
    context: &Context<'_>,
    resource: &Resource,
    spec: &Spec,
    writes: &mut Vec<Write>,
) {
    let (needs, holder) = (held(resource, spec), resource.id);
    for claim in context.facts.claims(holder) {
        let item = claim.item;
        if !matches!(item, Item::Quota(..)) {
            continue;
        }
        match needs.get(&item).copied() {
            None => writes.push(Write::Unclaim { holder, item }),
            Some(amount) if amount != claim.amount => {
                writes.push(Write::Claim(Claim {
                    holder,
                    item,
                    amount,
                }));
            }
            Some(_) => {}
        }
    }
}

/// Ends a job whose course panicked: what there is of its resource is left over.
pub fn give_up(context: &Context<'_>, id: ResourceId) -> (Vec<Write>, Option<Heard>) {
    let resource = context.facts.resource(id);
    let acting = resource.as_ref().and_then(|resource| resource.acting);
    let job = acting.and_then(|job| context.facts.job(job));
    let (Some(resource), Some(mut job)) = (resource, job) else {
        return (Vec::new(), None);
    };
    if job.state == JobState::Running {
        // A wish to cancel is not why it ends.
        job.error = None;
    }
    let text = "A fault of Cloudlet itself; the log has the details under this job's id.";
    let failure = Failure {
        error: JobError::new(JobErrorCode::InternalError, text),
        outstanding: true,
    };
    let (writes, told) = leave_over(context, job, resource, &failure);
    (writes, Some(told))
}

/// A resource with an open leftover that nothing has taken over yet.
fn open(context: &Context<'_>, id: ResourceId) -> Result<Resource, Refusal> {
    let resource = context.facts.resource(id);
    resource
        .filter(|resource| resource.leftover.is_some())
        .ok_or_else(|| Refusal::new(ErrorCode::NotFound, "Leftover not found"))
}

/// An operator has the host try again what was left over.
pub fn retry_leftover(
    context: &Context<'_>,
    id: ResourceId,
) -> Result<(Vec<Write>, Assignment), Refusal> {
    let mut resource = open(context, id)?;
    if let Some(leftover) = &mut resource.leftover {
        leftover.retry = true;
    }
    let spec = resource.spec.clone();
    raise(&mut resource, spec);
    let assignment = assignment(&resource, None);
    Ok((vec![Write::PutResource(Box::new(resource))], assignment))
}

/// An operator has seen to a leftover by hand: it is taken as reached, whatever was last seen. A machine
/// is not, before its networks: what is being made or put back may go again, from under it.
pub fn settle_leftover(
    context: &Context<'_>,
    id: ResourceId,
) -> Result<(Vec<Write>, Heard), Refusal> {
    let before = open(context, id)?;
    has_its_networks(context, &before.spec)?;
    let mut after = before.clone();
    let leftover = after.leftover.take();
    let touched = leftover.as_ref().map_or(Touched::NOTHING, of_leftover);
    // A new number, so that its host looks again: what it saw last may be out of date.
    let spec = judged(&after.spec, after.observed.as_ref());
    raise(&mut after, spec);
    after.settled = after.generation;
    let mut writes = Vec::new();
    let heard = rest(context, &before, after, touched, &mut writes);
    Ok((writes, heard))
}

fn has_its_networks(context: &Context<'_>, spec: &Spec) -> Result<(), Refusal> {
    let nics = spec.machine().into_iter().flat_map(|machine| &machine.nics);
    for nic in nics {
        let text = match context.facts.resource(nic.network) {
            None => "Its network is gone; the machine can only be deleted".to_owned(),
            Some(network)
                if network.creating.is_some()
                    || network.leftover.is_some()
                    || network.spec.is_absent() =>
            {
                let name = network.name;
                format!("Network {name} is not made, or left over; wait for it, or settle it first")
            }
            Some(_) => continue,
        };
        return Err(Refusal::new(ErrorCode::InvalidState, text));
    }
    Ok(())
}
