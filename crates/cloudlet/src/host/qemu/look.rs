//! What there is of a machine on this host: files, process, monitor, read afresh each time.

use super::{
    disk,
    folder::{Folder, Launched},
    process::{self, Process},
    qmp::{Qmp, QmpError},
};
use api::ResourceId;
use model::{
    MachineObserved, Observed,
    observed::{Ended, ProcessObserved},
};
use serde_json::json;

/// What there is of one resource. Only machines leave anything here.
pub(super) async fn look(
    folder: &Folder,
    resource: ResourceId,
) -> anyhow::Result<(Observed, Option<Process>)> {
    let process = process::find(folder, resource)?;
    let launched = folder.launched()?;
    let disk = disk::look(folder)?;
    let nics = folder.nics()?;
    let mut seen = MachineObserved {
        disk,
        nics,
        launched: launched.as_ref().map_or(0, |launched| launched.boot),
        ..MachineObserved::default()
    };
    if let Some(process) = &process {
        seen.process = Some(ProcessObserved {
            boot: process.boot,
            up: is_up(folder, process, launched.as_ref()).await,
            ready: folder.ready()? == Some(process.boot),
        });
        // A launch counts from the moment that there is a process for it.
        seen.launched = seen.launched.max(process.boot);
    } else {
        seen.ended = ended(folder)?;
    }
    let observed = match seen == MachineObserved::default() {
        true => Observed::Nothing,
        false => Observed::Machine(seen),
    };
    Ok((observed, process))
}

/// Whether the guest was let run. A monitor that is silent cannot tell: then the record counts.
async fn is_up(folder: &Folder, process: &Process, launched: Option<&Launched>) -> bool {
    match status(folder).await {
        Ok(status) => status != "prelaunch",
        Err(error) => {
            tracing::warn!("process {} runs a machine, but {error}", process.pid);
            launched.is_some_and(|launched| launched.boot >= process.boot)
        }
    }
}

async fn status(folder: &Folder) -> Result<String, QmpError> {
    let mut qmp = Qmp::connect(&folder.monitor()).await?;
    let status = qmp.execute("query-status", json!({})).await?;
    Ok(status["status"].as_str().unwrap_or_default().to_owned())
}

/// How a machine without a process came to have none. QEMU removes its process id when it ends in
/// order; one that is left is of a process that was killed or broke down, unless the host itself was
/// started anew since.
pub(super) fn ended(folder: &Folder) -> anyhow::Result<Option<Ended>> {
    let Some(launched) = folder.launched()? else {
        return Ok(None);
    };
    let died = folder.pid().exists() && launched.host_boot == process::host_boot()?;
    Ok(Some(match died {
        true => Ended::Died {
            reason: "Its process ended without being asked to: it was killed, or QEMU broke down."
                .to_owned(),
        },
        false => Ended::Quietly,
    }))
}
