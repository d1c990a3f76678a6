//! What became of what a failed job had begun: from what its host really did, action by action.

use crate::{
    job::Job,
    plan::Action,
    spec::{DiskSpec, NicSpec},
};
use api::job::{Receipt, ReceiptEntry};

/// A failed job's receipt. What was done for the spec after was made, what was done since was done
/// to put it back.
pub(super) fn receipt(job: &Job) -> Receipt {
    let entries = |is_it: &dyn Fn(u64) -> bool| {
        let done = job.done.iter().filter(|done| is_it(done.generation));
        done.map(|done| entry(job, &done.action)).collect()
    };
    let forward_only = job.after.as_ref().is_some_and(|after| after.is_absent());
    let is_forward = |generation| forward_only || generation == job.generation;
    Receipt {
        made: entries(&is_forward),
        put_back: entries(&|generation| !is_forward(generation)),
        left: job.left.iter().map(|what| left(job, what)).collect(),
    }
}

fn left(job: &Job, what: &str) -> ReceiptEntry {
    ReceiptEntry {
        kind: job.operation.definition().kind.as_str().to_owned(),
        id: job.acted().to_string(),
        what: what.to_owned(),
    }
}

fn entry(job: &Job, action: &Action) -> ReceiptEntry {
    let own = job.acted().to_string();
    let (kind, id, what) = match action {
        Action::TakeGpus(gpus) => {
            let what = format!("{} GPUs of series {} taken", gpus.slots.len(), gpus.series);
            ("gpu", own, what)
        }
        Action::ReleaseGpus => ("gpu", own, "GPUs given back".to_owned()),
        Action::MakeDisk { size_gb, .. } => ("disk", own, format!("disk of {size_gb} GB made")),
        Action::GrowDisk { size_gb } => ("disk", own, format!("disk grown to {size_gb} GB")),
        Action::RemoveDisk => ("disk", own, "disk removed".to_owned()),
        Action::AttachVolume(DiskSpec { volume, .. }) => {
            ("volume", volume.to_string(), "volume attached".to_owned())
        }
        Action::DetachVolume(volume) => {
            ("volume", volume.to_string(), "volume detached".to_owned())
        }
        Action::PlugNic(nic) => ("nic", nic.id.to_string(), plugged(nic)),
        Action::UnplugNic(nic) => (
            "nic",
            nic.to_string(),
            "network interface cut off".to_owned(),
        ),
        Action::SetAddress(nic) => ("nic", nic.id.to_string(), addressed(nic)),
        Action::Launch { boot, .. } => ("vm", own, format!("process of boot {boot} started")),
        Action::AwaitReady { boot } => ("vm", own, format!("boot {boot} was ready")),
        Action::Shutdown => ("vm", own, "process ended".to_owned()),
        Action::MakeVolume { size_gb } => ("volume", own, format!("volume of {size_gb} GB made")),
        Action::GrowVolume { volume, size_gb } => (
            "volume",
            volume.to_string(),
            format!("volume grown to {size_gb} GB"),
        ),
        Action::RemoveVolume => ("volume", own, "volume destroyed".to_owned()),
        Action::ApplyNetwork(_) => ("network", own, "network set up".to_owned()),
        Action::RemoveNetwork => ("network", own, "network removed".to_owned()),
    };
    ReceiptEntry {
        kind: kind.to_owned(),
        id,
        what,
    }
}

fn plugged(nic: &NicSpec) -> String {
    match nic.address {
        Some(address) => format!("network interface with {address} plugged in"),
        None => "network interface plugged in".to_owned(),
    }
}

fn addressed(nic: &NicSpec) -> String {
    match nic.public {
        Some(public) => format!("public address {} given", public.address),
        None => "public address taken away".to_owned(),
    }
}
