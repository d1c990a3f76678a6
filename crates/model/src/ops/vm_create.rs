//! Create virtual machines: nothing → a machine with its disk, its process, and power on.

use super::Next;
use crate::{
    accept::{self, Accepted, Idempotency},
    catalogue::{DataCenter, Image, Size},
    claim,
    facts::{Context, Refusal},
    job::{Job, JobError},
    limits::INSTANCE_LIMIT,
    name,
    operation::{Definition, Operation},
    resource::{MachineRecord, Resource},
    spec::{MachineSpec, Power, Spec},
    writes::{Answer, Write},
};
use api::{
    JobErrorCode, ResourceId, TenantId,
    machine::{MachineCreate, MachineStatus},
};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    name: "vm.create",
    verb: "create",
    status: MachineStatus::Provisioning,
    must_run: true,
    creates: true,
    phases: &["disk", "boot", "ready"],
    start,
    ..Definition::MACHINE
};

/// Accepts 1 to 50 machines, all or none: a job each, and the machines listed as `Provisioning`.
pub fn accept(
    context: &Context<'_>,
    tenant: TenantId,
    body: &MachineCreate,
    idempotency: Option<Idempotency>,
) -> Accepted<Vec<Job>> {
    if let Some(jobs) = accept::repeated(context, idempotency)? {
        return Ok((Vec::new(), jobs));
    }
    let names = names(body)?;
    let data_center = data_center(context, &body.datacenter_id)?;
    let image = image(context, body.image_id)?;
    let size = size(context, body.configuration_id)?;
    without_network(body)?;

    let (mut writes, mut jobs) = (Vec::new(), Vec::new());
    for name in names {
        let mut resource = new_machine(
            context,
            tenant,
            data_center,
            MachineRecord {
                name,
                status: MachineStatus::Provisioning,
                image: image.id,
                size: size.id,
            },
        );
        let job = accept::enqueue(context, Operation::VmCreate, &resource, &mut writes)?;
        resource.creating = Some(job.id);
        writes.push(Write::PutResource(Box::new(resource)));
        jobs.push(job);
    }
    if let Some(Idempotency { key, request }) = idempotency {
        let jobs = jobs.iter().map(|job| job.id).collect();
        writes.push(Write::PutAnswer(key, Answer { request, jobs }));
    }
    Ok((writes, jobs))
}

fn new_machine(
    context: &Context<'_>,
    tenant: TenantId,
    data_center: &DataCenter,
    record: MachineRecord,
) -> Resource {
    Resource {
        id: ResourceId((context.new_id)()),
        tenant,
        data_center: data_center.id,
        host: data_center.host_id(),
        record,
        created_at: context.now,
        updated_at: context.now,
        spec: Spec::Absent,
        generation: 0,
        settled: 0,
        last_boot: 0,
        observed: None,
        creating: None,
        deleting: None,
        acting: None,
        leftover: None,
    }
}

/// Its turn has come: the image fits the size, the quota and the host have room.
fn start(context: &Context<'_>, job: &Job, resource: &Resource) -> Result<Next, JobError> {
    let gone = |what: &str, id: i64| {
        let text = format!("There is no {what} {id} in the catalogue any more.");
        JobError::new(JobErrorCode::InvalidConfiguration, text)
    };
    let record = &resource.record;
    let image = context
        .catalogue
        .image(record.image)
        .ok_or_else(|| gone("image", record.image))?;
    let size = context
        .catalogue
        .size(record.size)
        .ok_or_else(|| gone("configuration", record.size))?;
    fits(image, size)?;
    let quota = claim::quota_of(job.tenant, size);
    let room = claim::room_of(resource.host, size);
    claim::check_quota(context, job.tenant, &quota)?;
    if !claim::has_room(context, &room) {
        let name = context
            .catalogue
            .data_center(resource.data_center)
            .map_or("?", |dc| &dc.name);
        let text = format!(
            "Data centre {name} has no room for {} ({} vCPUs, {} GB).",
            size.name, size.cpu, size.memory_gb
        );
        return Err(JobError::new(JobErrorCode::CapacityExceeded, text));
    }
    let spec = Spec::Machine(MachineSpec {
        image: image.id,
        cpus: size.cpu,
        memory_gb: size.memory_gb,
        disk_gb: size.disk_gb,
        power: Power::On,
        boot: resource.last_boot + 1,
    });
    Ok(Next::Spec {
        spec,
        claims: quota.into_iter().chain(room).collect(),
    })
}

fn fits(image: &Image, size: &Size) -> Result<(), JobError> {
    if image.min_disk_gb <= size.disk_gb {
        return Ok(());
    }
    let text = format!(
        "Image {} needs a disk of {} GB, configuration {} has {} GB.",
        image.name, image.min_disk_gb, size.name, size.disk_gb
    );
    Err(JobError::new(JobErrorCode::InvalidConfiguration, text))
}

fn names(body: &MachineCreate) -> Result<Vec<String>, Refusal> {
    let count = body.number_of_instances.unwrap_or(1);
    if !(1..=INSTANCE_LIMIT).contains(&count) {
        let text = format!("is {count}; 1 to {INSTANCE_LIMIT} are right");
        return Err(Refusal::field("numberOfInstances", text));
    }
    name::check("name", &body.name)?;
    let names = name::instances(&body.name, count);
    for instance in &names {
        name::check("name", instance)?;
    }
    Ok(names)
}

/// Example programs carry placeholders such as `dc-uuid`, so the refusal lists what there is.
fn data_center<'a>(context: &Context<'a>, id: &str) -> Result<&'a DataCenter, Refusal> {
    let found = id
        .parse()
        .ok()
        .and_then(|id| context.catalogue.data_center(id));
    found.ok_or_else(|| {
        let all = &context.catalogue.data_centers;
        let list: Vec<_> = all
            .iter()
            .map(|dc| format!("{} ({})", dc.name, dc.id))
            .collect();
        let shown: String = id
            .chars()
            .filter(|character| !character.is_control())
            .take(64)
            .collect();
        let text = format!(
            "no data centre has the id '{shown}'. There are: {}",
            list.join(", ")
        );
        Refusal::field("datacenterId", text)
    })
}

fn image<'a>(context: &Context<'a>, id: i64) -> Result<&'a Image, Refusal> {
    context.catalogue.image(id).ok_or_else(|| {
        let all = &context.catalogue.images;
        let list: Vec<_> = all
            .iter()
            .map(|image| format!("{} ({})", image.id, image.name))
            .collect();
        Refusal::field(
            "imageId",
            format!("there is no image {id}. There are: {}", list.join(", ")),
        )
    })
}

fn size<'a>(context: &Context<'a>, id: i64) -> Result<&'a Size, Refusal> {
    context.catalogue.size(id).ok_or_else(|| {
        let all = &context.catalogue.sizes;
        let list: Vec<_> = all
            .iter()
            .map(|size| format!("{} ({})", size.id, size.name))
            .collect();
        let text = format!(
            "there is no configuration {id}. There are: {}",
            list.join(", ")
        );
        Refusal::field("configurationId", text)
    })
}

fn without_network(body: &MachineCreate) -> Result<(), Refusal> {
    if body.network_interfaces.is_some() {
        let text = "networks are not built yet; leave it out, the machine then has no interface";
        return Err(Refusal::field("networkInterfaces", text));
    }
    if body.allocate_public_ip == Some(true) {
        let text = "public addresses are not built yet; leave it out or send false";
        return Err(Refusal::field("allocatePublicIp", text));
    }
    Ok(())
}
