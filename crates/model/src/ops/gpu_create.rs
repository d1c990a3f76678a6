//! Create a machine with GPUs: nothing → a machine that runs, its GPUs its own.

use super::{
    Next,
    machine::{data_center, image, new_machine, team, unknown},
    network_create,
    vm_create::{enqueue, with_interfaces},
};
use crate::{
    ability::Ability,
    accept::{self, Accepted},
    catalogue::{DataCenter, GpuSeries, Image, PerGpu},
    claim::{Counter, Pool, no_room},
    facts::{Context, Refusal},
    job::{Job, JobError},
    limits::GPU_COUNTS,
    name,
    operation::{Definition, Operation},
    resource::{GpuWish, Kind, MachineRecord, Record, Resource, Status},
    secret::{Carried, Wished},
    spec::{GpuSpec, MachineSpec, Power},
};
use api::{ErrorCode, JobErrorCode, TenantId, gpu::GpuCreate, machine::MachineStatus};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    kind: Kind::Gpu,
    verb: "create",
    status: Some(Status::Machine(MachineStatus::Provisioning)),
    must_run: true,
    creates: true,
    needs: Some(Ability::Gpus),
    phases: &["gpu", "disk", "network", "boot", "ready"],
    start,
    ..Definition::MACHINE
};

/// Accepts it; a series that is visibly sold out is refused at once.
pub fn accept(
    context: &Context<'_>,
    tenant: TenantId,
    body: &GpuCreate,
    carried: &Carried,
) -> Accepted<Vec<Job>> {
    name::check("name", &body.name)?;
    Wished::from(body).check()?;
    carried.has_key(body.ssh_key_id.as_ref())?;
    let data_center = data_center(context, &body.datacenter_id)?;
    accept::supported(context, Operation::GpuCreate)?;
    let series = series(context, body.series_id)?;
    let count = count(body.gpu_count)?;
    if context.facts.limits(tenant).gpus == Some(0) {
        let text = "GPUs are not enabled for this tenant; its operator can raise the quota 'gpus'";
        return Err(Refusal::new(ErrorCode::GpuNotEnabled, text));
    }
    let image = match body.image_id {
        Some(id) => image(context, id)?,
        None => fitting_image(context, series, count)?,
    };
    let team = team(context, tenant, body.team_id)?;
    available(context, data_center, series, count)?;
    let record = MachineRecord {
        image: image.id,
        size: 0,
        gpus: Some(GpuWish {
            series: series.id,
            count,
        }),
        primary: None,
        team,
        username: carried.username.clone(),
        ssh_key: carried.ssh_key.clone(),
    };
    let machine = new_machine(context, tenant, data_center, (body.name.clone(), record));
    let mut writes = Vec::new();
    let network = network_create::default_network(context, tenant, data_center, &mut writes)?;
    let operation = Operation::GpuCreate;
    let job = enqueue(
        context,
        operation,
        machine,
        (&[network], false, carried.secret.as_ref()),
        &mut writes,
    )?;
    Ok((writes, vec![job]))
}

fn start(context: &Context<'_>, job: &Job, machine: &Resource) -> Result<Next, JobError> {
    let Record::Machine(record) = &machine.record else {
        return Ok(Next::Done);
    };
    let Some(wish) = record.gpus else {
        return Ok(Next::Done);
    };
    let series = context.catalogue.series(wish.series).ok_or_else(|| {
        let text = format!(
            "There is no GPU series {} in the catalogue any more.",
            wish.series
        );
        JobError::new(JobErrorCode::InvalidConfiguration, text)
    })?;
    let PerGpu {
        cpu,
        memory_gb,
        disk_gb,
    } = series.of(wish.count);
    if let Some(image) = context.catalogue.image(record.image)
        && image.min_disk_gb > disk_gb
    {
        let text = format!(
            "Image {} needs a disk of {} GB, {} {} have {disk_gb} GB.",
            image.name, image.min_disk_gb, wish.count, series.name
        );
        return Err(JobError::new(JobErrorCode::InvalidConfiguration, text));
    }
    let asked = format!(
        "{} {} ({cpu} vCPUs, {memory_gb} GB)",
        wish.count, series.name
    );
    let total = context.catalogue.gpus(machine.host, series.id);
    let pool = Pool::Gpus(machine.host, series.id);
    let count = usize::try_from(wish.count).unwrap_or(usize::MAX);
    let slots = match total.checked_sub(1) {
        Some(last) => context.facts.free(pool, &[(0, last)], count),
        None => Vec::new(),
    };
    if slots.len() < count {
        return Err(no_room(context, machine, &asked));
    }
    let spec = MachineSpec {
        image: record.image,
        cpus: cpu,
        memory_gb,
        disk_gb,
        power: Power::On,
        boot: machine.last_boot + 1,
        disks: Vec::new(),
        nics: Vec::new(),
        gpus: Some(GpuSpec {
            series: series.id,
            slots,
        }),
        secret: None,
    };
    with_interfaces(context, job, machine, spec).map(|next| next.asking(asked))
}

fn series<'a>(context: &Context<'a>, id: i64) -> Result<&'a GpuSeries, Refusal> {
    context.catalogue.series(id).ok_or_else(|| {
        let all = context.catalogue.gpu_series.iter();
        let list = all.map(|series| format!("{} ({})", series.id, series.name));
        unknown("seriesId", &format!("there is no GPU series {id}"), list)
    })
}

fn count(wished: i64) -> Result<u32, Refusal> {
    let mut right = GPU_COUNTS.into_iter();
    right
        .find(|&count| i64::from(count) == wished)
        .ok_or_else(|| {
            let text = format!("is {wished}; 1, 2, 4 or 8 are right");
            Refusal::field("gpuCount", text)
        })
}

/// The catalogue's first image that fits the disk of so many GPUs.
fn fitting_image<'a>(
    context: &Context<'a>,
    series: &GpuSeries,
    count: u32,
) -> Result<&'a Image, Refusal> {
    let disk_gb = series.of(count).disk_gb;
    let mut images = context.catalogue.images.iter();
    images
        .find(|image| image.min_disk_gb <= disk_gb)
        .ok_or_else(|| {
            let text =
                format!("no image fits a disk of {disk_gb} GB; name another series or count");
            Refusal::field("imageId", text)
        })
}

fn available(
    context: &Context<'_>,
    data_center: &DataCenter,
    series: &GpuSeries,
    count: u32,
) -> Result<(), Refusal> {
    let host = data_center.host_id();
    let used = context
        .facts
        .used(&Counter::Pool(Pool::Gpus(host, series.id)));
    let total = u64::from(context.catalogue.gpus(host, series.id));
    if used + u64::from(count) <= total {
        return Ok(());
    }
    let text = format!(
        "{} has no {count} {} to give now; GET /v1/resource/gpu/inventory lists what there is",
        data_center.name, series.name
    );
    Err(Refusal::new(ErrorCode::CapacityExceeded, text))
}
