//! Receipts of failed jobs against the host's own log of effects.

use crate::sim::Sim;
use api::job::ReceiptEntry;
use model::{Job, Observed, Spec, observed::NetworkObserved, plan::Action, render};

/// What was made, what was put back and what is left is what the host has done, and nothing else.
pub fn check(sim: &Sim, job: &Job, at: &str) {
    let receipt = render::job_detail(job, None).receipt;
    let receipt = receipt.unwrap_or_else(|| panic!("{at}: a failed job has no receipt"));
    let acted = job.acted();
    let log = sim.world.referee.effects.iter();
    let its_own = log.filter(|it| it.resource == acted && it.generation >= job.generation);
    let its_own: Vec<_> = its_own.filter(|_| job.generation > 0).collect();
    let forward_only = job.after.as_ref().is_some_and(Spec::is_absent);
    let (made, put_back): (Vec<_>, Vec<_>) = its_own
        .into_iter()
        .partition(|it| forward_only || it.generation == job.generation);
    for (what, told, done) in [
        ("made", &receipt.made, made),
        ("put back", &receipt.put_back, put_back),
    ] {
        let told: Vec<_> = told
            .iter()
            .map(|it| it.id.clone())
            .zip(words(told))
            .collect();
        let own = |action: &Action| of(action, &acted.to_string());
        let done: Vec<_> = done.iter().map(|it| own(&it.action)).collect();
        assert_eq!(told.len(), done.len(), "{at}, {what}: {told:?}, {done:?}");
        for ((id, text), (own_id, word)) in told.iter().zip(&done) {
            assert!(
                id == own_id && text.contains(word),
                "{at}, {what}: {told:?}, {done:?}"
            );
        }
    }
    let resource = sim.store.resources.get(&acted);
    let leftover = resource.and_then(|resource| resource.leftover.as_ref());
    let found = match leftover {
        Some(leftover) if leftover.job == job.id => sim.world.observe(acted),
        // What was put back is as before, but perhaps launched anew and grown.
        _ => Observed::Nothing,
    };
    let newest = resource.map(|resource| resource.spec.clone());
    let beyond = beyond(&newest.unwrap_or_default(), &found);
    let left = words(&receipt.left);
    assert_eq!(left.len(), beyond.len(), "{at}, left: {left:?}, {beyond:?}");
    for (text, word) in left.iter().zip(&beyond) {
        assert!(text.contains(word), "{at}, left: {left:?}, {beyond:?}");
    }
}

fn words(entries: &[ReceiptEntry]) -> Vec<String> {
    entries.iter().map(|it| it.what.clone()).collect()
}

/// Of what an effect is, and a word that its line has.
fn of(action: &Action, own: &str) -> (String, &'static str) {
    let own = || own.to_owned();
    match action {
        Action::TakeGpus(_) => (own(), "taken"),
        Action::ReleaseGpus => (own(), "given back"),
        Action::MakeDisk { .. } | Action::MakeVolume { .. } => (own(), "made"),
        Action::GrowDisk { .. } => (own(), "grown"),
        Action::RemoveDisk | Action::RemoveNetwork => (own(), "removed"),
        Action::AttachVolume(disk) => (disk.volume.to_string(), "attached"),
        Action::DetachVolume(volume) => (volume.to_string(), "detached"),
        Action::PlugNic(nic) => (nic.id.to_string(), "plugged in"),
        Action::UnplugNic(nic) => (nic.to_string(), "cut off"),
        Action::SetAddress(nic) => (nic.id.to_string(), "public address"),
        Action::Launch { .. } => (own(), "started"),
        Action::AwaitReady { .. } => (own(), "ready"),
        Action::Shutdown => (own(), "ended"),
        Action::GrowVolume { volume, .. } => (volume.to_string(), "grown"),
        Action::RemoveVolume => (own(), "destroyed"),
        Action::ApplyNetwork(_) => (own(), "set up"),
    }
}

/// What is there beyond a spec, a word for each thing.
fn beyond(spec: &Spec, found: &Observed) -> Vec<String> {
    let mut things = Vec::new();
    match found {
        Observed::Nothing => {}
        Observed::Volume(disk) => {
            let is_there = found != &Observed::Volume(Default::default());
            let is_more = spec
                .volume()
                .is_none_or(|it| disk.size_gb() != Some(it.size_gb));
            things.extend((is_there && is_more).then(|| "disk".to_owned()));
        }
        Observed::Network(network) => {
            let should = spec.network().cloned().map(NetworkObserved::Whole);
            let is_more = *network != NetworkObserved::Absent && Some(network) != should.as_ref();
            things.extend(is_more.then(|| "network".to_owned()));
        }
        Observed::Machine(found) => {
            let nothing = model::MachineObserved::default();
            let machine = spec.machine();
            let should = machine.map(|it| it.disk_gb);
            let is_whole = found.disk.size_gb().is_some() && found.disk.size_gb() == should;
            let is_more = found.disk != nothing.disk && !is_whole;
            things.extend(is_more.then(|| "disk".to_owned()));
            let process = found
                .process
                .filter(|process| machine.is_none_or(|it| !it.is_on() || it.boot != process.boot));
            things.extend(process.map(|process| format!("boot {}", process.boot)));
            let strange = found
                .disks
                .iter()
                .filter(|it| machine.is_none_or(|machine| machine.disk(it.volume).is_none()));
            things.extend(strange.map(|it| it.volume.to_string()));
            let strange = found
                .nics
                .iter()
                .filter(|it| machine.and_then(|machine| machine.nic(it.id)) != Some(*it));
            things.extend(strange.map(|it| it.id.to_string()));
            let should = machine.and_then(|it| it.gpus.as_ref());
            let gpus = found
                .gpus
                .as_ref()
                .filter(|_| found.gpus.as_ref() != should);
            things.extend(gpus.map(|_| "GPUs".to_owned()));
        }
    }
    things
}
