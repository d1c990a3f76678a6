//! Ending a machine's process: the guest is asked, then QEMU, then the kernel, each with its limit.

use super::{
    Qemu,
    fault::of_file,
    folder::Folder,
    process::{self, Process},
    qmp::{Qmp, QmpError},
};
use crate::host::driver::Work;
use model::actor::ActionError;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How often the power button is pressed again: a guest that is still booting does not feel it.
const PRESS_INTERVAL: Duration = Duration::from_secs(3);
/// How long QEMU may take to quit; 16 ms were measured.
const QUIT_LIMIT: Duration = Duration::from_secs(5);

/// Ends the process of a machine, if it has one.
pub(super) async fn shut_down(qemu: &Qemu, work: &Work) -> Result<(), ActionError> {
    let folder = qemu.folders.of(work.resource);
    let looked = |error| of_file("looking for its process", &error);
    while let Some(process) = process::find(&folder, work.resource).map_err(looked)? {
        tokio::select! {
            biased;
            () = work.kill.cancelled() => return Err(ActionError::killed()),
            ended = end(qemu, work, &folder, &process) => {
                ended.map_err(|error| of_file("ending its process", &error))?;
            }
        }
    }
    let cleared = folder.on_disk(Folder::clear_process).await;
    cleared.map_err(|error| of_file("clearing what its process left", &error))
}

async fn end(qemu: &Qemu, work: &Work, folder: &Folder, process: &Process) -> std::io::Result<()> {
    if let Asked::Ended = ask(qemu, work, folder, process).await? {
        return Ok(());
    }
    (work.progress)(800);
    if quit(folder).await.is_ok() && timeout(QUIT_LIMIT, process.ended()).await.is_ok() {
        return Ok(());
    }
    (work.progress)(900);
    process.kill().await
}

/// What came of asking the guest.
enum Asked {
    /// It has ended.
    Ended,
    /// It is not to be moved by asking.
    Refused,
}

/// Presses the power button until the guest has ended or the limit has passed. A guest that does not
/// run yet, or a monitor that is silent from the first, is not asked; one that was asked has its time,
/// whatever becomes of the monitor.
async fn ask(
    qemu: &Qemu,
    work: &Work,
    folder: &Folder,
    process: &Process,
) -> std::io::Result<Asked> {
    let begun = Instant::now();
    let mut asked = false;
    while let Some(left) = qemu.stop_limit.checked_sub(begun.elapsed()) {
        let (thousandths, whole) = (
            begun.elapsed().as_millis() * 800,
            qemu.stop_limit.as_millis().max(1),
        );
        (work.progress)(u16::try_from(thousandths / whole).unwrap_or(800));
        match press(folder).await {
            Ok(true) => asked = true,
            Err(_) if asked => {}
            Ok(false) | Err(_) => return Ok(Asked::Refused),
        }
        if let Ok(ended) = timeout(left.min(PRESS_INTERVAL), process.ended()).await {
            return ended.map(|()| Asked::Ended);
        }
    }
    Ok(Asked::Refused)
}

/// Presses the power button of a machine that runs. One that stands because the host's disk was full
/// is let go on first: it may end in order by now.
async fn press(folder: &Folder) -> Result<bool, QmpError> {
    let mut qmp = Qmp::connect(&folder.monitor()).await?;
    let status = qmp.execute("query-status", json!({})).await?;
    if status["status"] == "io-error" {
        qmp.execute("cont", json!({})).await?;
    } else if status["running"] != true {
        return Ok(false);
    }
    qmp.execute("system_powerdown", json!({})).await?;
    Ok(true)
}

async fn quit(folder: &Folder) -> Result<(), QmpError> {
    let mut qmp = Qmp::connect(&folder.monitor()).await?;
    match qmp.execute("quit", json!({})).await {
        // It may be gone before its answer is.
        Ok(_) | Err(QmpError::Broken(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
