//! Launching a machine's process for a boot number.
//!
//! QEMU starts paused. Only when its number is on disk does the guest run: a crash before that leaves
//! a paused process that the next attempt completes, a crash after it a launch that is never done again.

use super::{
    Qemu,
    command::{self, Launch},
    fault::{of_fact, of_file, of_monitor, of_start},
    folder::{self, Folder, Launched},
    presence::QEMU,
    process::{self, Process},
    qmp::Qmp,
};
use crate::{
    child::{Bond, ChildError, Program},
    host::driver::Work,
};
use api::ResourceId;
use model::actor::ActionError;
use serde_json::json;
use std::time::Duration;

/// How long QEMU may take until it has split off; 0.2 s were measured, 4 s with 16 at once.
const START_LIMIT: Duration = Duration::from_secs(60);

/// What a machine is launched with.
pub(super) struct Wish {
    /// The boot number.
    pub(super) boot: u64,
    /// Cores.
    pub(super) cpus: u32,
    /// Memory in GB.
    pub(super) memory_gb: u32,
}

/// Launches, or completes a launch that was begun for this number.
pub(super) async fn launch(qemu: &Qemu, work: &Work, wish: Wish) -> Result<(), ActionError> {
    let folder = qemu.folders.of(work.resource);
    let found = process::find(&folder, work.resource);
    let found = found.map_err(|error| of_file("looking for its process", &error))?;
    if let Some(other) = found.as_ref().filter(|process| process.boot != wish.boot) {
        let text = format!("It runs already, for boot {}.", other.boot);
        return Err(ActionError::permanent(text));
    }
    let launched = folder.launched();
    let launched = launched.map_err(|error| of_fact("reading its last launch", &error))?;
    let last = launched.map_or(0, |launched| launched.boot);
    if last > wish.boot || (last == wish.boot && found.is_none()) {
        return Err(ActionError::permanent(format!(
            "Boot {last} was launched before."
        )));
    }
    if found.is_none() {
        start(qemu, work, &folder, &wish).await?;
    }
    (work.progress)(250);
    run(work, &folder, &wish).await?;
    if let Ok(Some(process)) = process::find(&folder, work.resource) {
        qemu.watch.over(work.resource, process, folder);
    }
    Ok(())
}

/// Has QEMU start, paused.
async fn start(qemu: &Qemu, work: &Work, folder: &Folder, wish: &Wish) -> Result<(), ActionError> {
    let cleared = folder.on_disk(|folder| -> std::io::Result<()> {
        folder.clear_process()?;
        folder::remove_file(&folder.console())
    });
    cleared
        .await
        .map_err(|error| of_file("clearing what the last launch left", &error))?;
    let nics = folder
        .nics()
        .map_err(|error| of_fact("reading its interfaces", &error))?;
    let accelerator = tokio::select! {
        accelerator = qemu.accelerator.known() => accelerator,
        () = work.kill.cancelled() => return Err(ActionError::killed()),
    };
    let launch = Launch {
        resource: work.resource,
        boot: wish.boot,
        cpus: wish.cpus,
        memory_gb: wish.memory_gb,
        nics: &nics,
        accelerator,
    };
    let program = Program {
        name: QEMU.into(),
        arguments: command::arguments(&launch, folder),
        bond: Bond::Outlives,
        limit: START_LIMIT,
    };
    match qemu.nursery.run(program, &work.kill).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let may_have_split = matches!(error, ChildError::Killed | ChildError::TooLong { .. });
            if may_have_split {
                end_all(folder, work.resource).await?;
            }
            Err(of_start(&error))
        }
    }
}

/// What has split off from a launch that was ended.
async fn end_all(folder: &Folder, resource: ResourceId) -> Result<(), ActionError> {
    let ended = async {
        for process in process::search(folder, resource)? {
            process.kill().await?;
        }
        Ok(())
    };
    ended
        .await
        .map_err(|error| of_file("ending a launch", &error))
}

/// Records the number and lets the guest run.
async fn run(work: &Work, folder: &Folder, wish: &Wish) -> Result<(), ActionError> {
    let mut qmp = Qmp::connect(&folder.monitor())
        .await
        .map_err(|error| of_monitor(&error))?;
    let named = qmp
        .execute("query-name", json!({}))
        .await
        .map_err(|error| of_monitor(&error))?;
    if named["name"] != process::name(wish.boot) {
        return Err(ActionError::permanent(
            "Its monitor belongs to another launch.",
        ));
    }
    (work.progress)(500);
    let host_boot =
        process::host_boot().map_err(|error| of_file("reading the host's own boot", &error))?;
    let launched = Launched {
        boot: wish.boot,
        host_boot,
    };
    let kept = folder.on_disk(move |folder| folder.keep_launched(&launched));
    kept.await
        .map_err(|error| of_fact("recording the launch", &error))?;
    if work.kill.is_cancelled() {
        return Err(ActionError::killed());
    }
    qmp.execute("cont", json!({}))
        .await
        .map_err(|error| of_monitor(&error))?;
    (work.progress)(1000);
    Ok(())
}

/// Why a machine that was waited for has no process any more.
pub(super) fn gone(folder: &Folder) -> ActionError {
    match super::look::ended(folder) {
        Ok(Some(model::observed::Ended::Died { reason })) => {
            ActionError::transient(format!("The machine died: {reason}"))
        }
        _ => ActionError::transient("The machine has stopped."),
    }
}

/// The process of a machine that is to be running.
pub(super) fn running(folder: &Folder, resource: ResourceId) -> Result<Process, ActionError> {
    let found = process::find(folder, resource);
    let found = found.map_err(|error| of_file("looking for its process", &error))?;
    found.ok_or_else(|| gone(folder))
}
