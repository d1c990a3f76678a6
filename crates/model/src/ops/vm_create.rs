//! Create virtual machines: nothing → a machine with its disk, its interfaces, its process, and
//! power on.

use super::{
    Next, interface,
    machine::{data_center, image, join_team, new_machine, size, team, words},
    network_create,
};
use crate::{
    ability::Ability,
    accept::{Accepted, Request},
    catalogue::{DataCenter, Image, Size},
    claim::Claim,
    facts::{Context, Refusal},
    job::{Job, JobError},
    limits::{INSTANCE_LIMIT, NIC_LIMIT},
    name,
    operation::{Definition, Operation},
    resource::{MachineRecord, Record, Resource, Status},
    secret::{Carried, Sealed, Wished},
    spec::{MachineSpec, Power, Spec},
    wish::{MachineWish, NicWish, Wish},
    writes::Write,
};
use api::{
    JobErrorCode, NicId, ResourceId, TenantId,
    machine::{InterfaceCreate, MachineCreate, MachineStatus},
    network::NetworkType,
};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    verb: "create",
    status: Some(Status::Machine(MachineStatus::Provisioning)),
    must_run: true,
    creates: true,
    phases: &["disk", "network", "boot", "ready"],
    start,
    ..Definition::MACHINE
};

/// Accepts 1 to 50 machines, all or none: a job each, and the machines listed as `Provisioning`.
pub fn accept(
    context: &Context<'_>,
    tenant: TenantId,
    body: &MachineCreate,
    carried: &Carried,
) -> Accepted<Vec<Job>> {
    let names = names(body)?;
    Wished::from(body).check()?;
    carried.has_key(body.ssh_key_id.as_ref())?;
    let data_center = data_center(context, &body.datacenter_id)?;
    let image = image(context, body.image_id)?;
    let size = size(context, body.configuration_id)?;
    let team = team(context, tenant, body.team_id)?;
    let mut writes = Vec::new();
    let networks = networks(context, (tenant, data_center), body, &mut writes)?;
    connected(context, body)?;
    let mut jobs = Vec::new();
    for name in names {
        let record = MachineRecord {
            image: image.id,
            size: size.id,
            gpus: None,
            primary: None,
            team,
            username: carried.username.clone(),
            ssh_key: carried.ssh_key.clone(),
        };
        let machine = new_machine(context, tenant, data_center, (name, record));
        let public_ip = body.allocate_public_ip == Some(true);
        let operation = Operation::VmCreate;
        let job = enqueue(
            context,
            operation,
            machine,
            (&networks, public_ip, carried.secret.as_ref()),
            &mut writes,
        )?;
        jobs.push(job);
    }
    Ok((writes, jobs))
}

/// The job of a new machine, with its places on these networks; the first one is the primary.
pub(super) fn enqueue(
    context: &Context<'_>,
    operation: Operation,
    mut machine: Resource,
    (networks, public_ip, sealed): (&[ResourceId], bool, Option<&Sealed>),
    writes: &mut Vec<Write>,
) -> Result<Job, Refusal> {
    let new_nic = |&network| NicWish {
        id: NicId((context.new_id)()),
        network,
    };
    let nics: Vec<NicWish> = networks.iter().map(new_nic).collect();
    if let Record::Machine(record) = &mut machine.record {
        record.primary = nics.first().map(|nic| nic.id);
    }
    for &nic in &nics {
        writes.push(Write::Claim(Claim {
            holder: machine.id,
            item: interface::place(nic),
            amount: 1,
        }));
    }
    let wish = MachineWish {
        nics,
        public_ip,
        secret: sealed.map(|sealed| sealed.digest.clone()),
    };
    let request = Request {
        wish: Wish::Machine(wish),
        ..Request::new(operation, &machine)
    };
    let job = request.enqueue(context, writes)?;
    if let Some(Sealed { secret, .. }) = sealed {
        writes.push(Write::PutSecret(job.id, secret.clone()));
    }
    machine.creating = Some(job.id);
    join_team(&machine, writes);
    writes.push(Write::PutResource(Box::new(machine)));
    Ok(job)
}

/// The networks that the machines are to be on, the primary one first; the default one, made if need
/// be, where none is named.
fn networks(
    context: &Context<'_>,
    (tenant, data_center): (TenantId, &DataCenter),
    body: &MachineCreate,
    writes: &mut Vec<Write>,
) -> Result<Vec<ResourceId>, Refusal> {
    let wished = body.network_interfaces.as_deref();
    let Some(wished) = wished else {
        let network = network_create::default_network(context, tenant, data_center, writes)?;
        return Ok(vec![network]);
    };
    let primary = primary(wished)?;
    let mut networks = Vec::new();
    for (index, interface) in wished.iter().enumerate() {
        let field = format!("networkInterfaces[{index}].networkId");
        let of = (tenant, data_center.host_id());
        let network = interface::network(context, of, &field, &interface.network_id)?;
        if networks.contains(&network.id) {
            let text = format!("network {} stands here twice; once is right", network.name);
            return Err(Refusal::field(&field, text));
        }
        let custom = network.network().map(|network| network.network_type);
        let is_plain = custom == Some(NetworkType::Custom);
        if is_plain && index == primary && body.allocate_public_ip == Some(true) {
            let text = "the primary network is a custom one, which has no public addresses";
            return Err(Refusal::field("allocatePublicIp", text));
        }
        networks.push(network.id);
    }
    let first = networks.remove(primary);
    networks.insert(0, first);
    Ok(networks)
}

/// Refuses what the driver cannot give a machine: a public address, more than the one interface that
/// every machine has.
fn connected(context: &Context<'_>, body: &MachineCreate) -> Result<(), Refusal> {
    let driver = context.driver;
    if body.allocate_public_ip == Some(true) {
        let right = "false is right";
        driver.require_for("allocatePublicIp", Ability::PublicIps, right)?;
    }
    if body
        .network_interfaces
        .as_ref()
        .is_some_and(|all| all.len() > 1)
    {
        let right = "one is right, or none at all";
        driver.require_for("networkInterfaces", Ability::Networks, right)?;
    }
    Ok(())
}

/// Which of them is the primary one: exactly one says so, or there is only one.
fn primary(wished: &[InterfaceCreate]) -> Result<usize, Refusal> {
    const FIELD: &str = "networkInterfaces";
    if !(1..=NIC_LIMIT).contains(&wished.len()) {
        let text = format!("has {} entries; 1 to {NIC_LIMIT} are right", wished.len());
        return Err(Refusal::field(FIELD, text));
    }
    if let [only] = wished
        && only.primary.is_none()
    {
        return Ok(0);
    }
    let says_so =
        |(index, wish): (usize, &InterfaceCreate)| (wish.primary == Some(true)).then_some(index);
    let found: Vec<usize> = wished.iter().enumerate().filter_map(says_so).collect();
    match found[..] {
        [one] => Ok(one),
        _ => {
            let text = format!("{} of them are primary; exactly one is right", found.len());
            Err(Refusal::field(FIELD, text))
        }
    }
}

/// Its turn has come: the image fits the size, the quota and the host have room.
fn start(context: &Context<'_>, job: &Job, machine: &Resource) -> Result<Next, JobError> {
    let gone = |what: &str, id: i64| {
        let text = format!("There is no {what} {id} in the catalogue any more.");
        JobError::new(JobErrorCode::InvalidConfiguration, text)
    };
    let Record::Machine(record) = &machine.record else {
        return Ok(Next::Done);
    };
    let image = context.catalogue.image(record.image);
    let image = image.ok_or_else(|| gone("image", record.image))?;
    let size = context.catalogue.size(record.size);
    let size = size.ok_or_else(|| gone("configuration", record.size))?;
    fits(image, size)?;
    let spec = MachineSpec {
        image: image.id,
        cpus: size.cpu,
        memory_gb: size.memory_gb,
        disk_gb: size.disk_gb,
        power: Power::On,
        boot: machine.last_boot + 1,
        disks: Vec::new(),
        nics: Vec::new(),
        gpus: None,
        secret: None,
    };
    with_interfaces(context, job, machine, spec).map(|next| next.asking(words(size)))
}

/// The spec of a new machine with the interfaces and addresses that its job wishes.
pub(super) fn with_interfaces(
    context: &Context<'_>,
    job: &Job,
    machine: &Resource,
    spec: MachineSpec,
) -> Result<Next, JobError> {
    let Wish::Machine(wish) = &job.wish else {
        return Ok(Next::spec(machine, Spec::Machine(spec)));
    };
    let mut nics = interface::make(context, machine, &wish.nics, &[])?;
    if wish.public_ip
        && let Some(primary) = nics.first_mut()
    {
        primary.public = Some(interface::public_ip(context, machine)?);
    }
    let spec = MachineSpec {
        nics,
        secret: wish.secret.clone(),
        ..spec
    };
    Ok(Next::spec(machine, Spec::Machine(spec)))
}

pub(super) fn fits(image: &Image, size: &Size) -> Result<(), JobError> {
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
