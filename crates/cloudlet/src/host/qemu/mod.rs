//! Real machines: QEMU, one process for each, on this host.
//!
//! Everything is read afresh from the world: files in a folder for each machine (`folder`), processes
//! (`process`), QEMU's monitor (`qmp`). A machine's process outlives the server; it is found again by
//! its folder and its UUID. This never decides what to do next: that is the planner's.

pub mod accelerator;
mod command;
mod console;
mod disk;
mod fault;
mod folder;
mod launch;
mod look;
pub mod presence;
mod process;
mod qmp;
mod ready;
mod shutdown;
mod watch;

pub use accelerator::Accelerator;
pub use folder::HOST_FOLDER;

use super::{
    console::{Part, Text},
    driver::{Answer, Driver, Sightings, Work},
};
use crate::{
    child::Nursery,
    images::{Images, Readiness},
};
use accelerator::Chosen;
use anyhow::Context as _;
use api::ResourceId;
use fault::{of_disk, of_fact, of_file};
use folder::{Folder, Folders};
use model::{
    DriverAbilities, Observed,
    actor::{ActionError, Ledger},
    plan::Action,
    spec::NicSpec,
};
use process::Process;
use std::{collections::BTreeMap, path::Path, time::Duration};
use tokio::task::JoinSet;
use watch::Watch;

/// How many machines are looked at at once.
const LOOKS_AT_ONCE: usize = 32;
/// How much longer than its guest a boot may take as a whole before it counts as stalled.
const BOOT_MARGIN: Duration = Duration::from_secs(30);

/// How real machines are run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QemuOptions {
    /// What runs guests; nothing: it is found out.
    pub accelerator: Option<Accelerator>,
    /// How long a guest may take from its launch until it is ready; nothing: what suits the accelerator.
    pub boot_limit: Option<Duration>,
    /// How long a guest has to end when its power button is pressed.
    pub stop_limit: Duration,
}

/// The driver.
pub struct QemuDriver {
    qemu: Qemu,
}

/// What its parts work with.
struct Qemu {
    folders: Folders,
    images: Images,
    nursery: Nursery,
    accelerator: Chosen,
    watch: Watch,
    boot_limit: Option<Duration>,
    stop_limit: Duration,
}

impl QemuDriver {
    /// Looks whether this host can run machines whose files lie in a data directory; changes nothing.
    ///
    /// # Errors
    /// What is in the way, and what would be right.
    pub async fn check(data: &Path) -> anyhow::Result<()> {
        process::check()?;
        Folders::check(data)?;
        let nursery = Nursery::open().context("cannot start a thread")?;
        presence::both(&nursery).await.map(drop)
    }

    /// Opens the host's folders in a data directory.
    ///
    /// # Errors
    /// If they cannot be used, or QEMU is not here.
    pub async fn open(data: &Path, images: Images, options: QemuOptions) -> anyhow::Result<Self> {
        let nursery = Nursery::open().context("cannot start a thread")?;
        let version = presence::both(&nursery).await?;
        let folders = Folders::open(data)?;
        let qemu = Qemu {
            folders,
            images,
            nursery: nursery.clone(),
            accelerator: Chosen::new(options.accelerator, nursery, version),
            watch: Watch::new(),
            boot_limit: options.boot_limit,
            stop_limit: options.stop_limit,
        };
        Ok(Self { qemu })
    }
}

impl Qemu {
    /// What a look has shown; a process that it found is watched from now on.
    fn seen(
        &self,
        resource: ResourceId,
        looked: anyhow::Result<(Observed, Option<Process>)>,
    ) -> Result<Observed, ActionError> {
        let looked = looked.map_err(|error| of_fact("looking at the machine", &error));
        let (observed, process) = looked?;
        if let Some(process) = process {
            self.watch
                .over(resource, process, self.folders.of(resource));
        }
        Ok(observed)
    }

    async fn run(&self, work: Work) -> Result<(), ActionError> {
        if work.kill.is_cancelled() {
            return Err(ActionError::killed());
        }
        let folder = self.folders.of(work.resource);
        match &work.action {
            Action::MakeDisk { image, size_gb } => {
                self.make_disk(&work, &folder, *image, *size_gb).await
            }
            Action::RemoveDisk => {
                let removed = folder.on_disk(Folder::clear_disk).await;
                removed.map_err(|error| of_file("removing the disk", &error))
            }
            Action::PlugNic(nic) => plug(&folder, *nic).await,
            Action::UnplugNic(nic) => {
                let nic = *nic;
                change_nics(&folder, move |nics| nics.retain(|is| is.id != nic)).await
            }
            Action::Launch {
                boot,
                cpus,
                memory_gb,
            } => {
                let (boot, cpus, memory_gb) = (*boot, *cpus, *memory_gb);
                let wish = launch::Wish {
                    boot,
                    cpus,
                    memory_gb,
                };
                launch::launch(self, &work, wish).await
            }
            Action::AwaitReady { boot } => ready::wait(self, &work, *boot).await,
            Action::Shutdown => shutdown::shut_down(self, &work).await,
            // Refused when they are asked for, so none of them is ever planned.
            other => Err(ActionError::permanent(format!(
                "The driver qemu cannot do this yet: {}.",
                other.word()
            ))),
        }
    }

    async fn make_disk(
        &self,
        work: &Work,
        folder: &Folder,
        image: i64,
        size_gb: u32,
    ) -> Result<(), ActionError> {
        let launched = folder
            .launched()
            .map_err(|error| of_fact("reading its last launch", &error))?;
        if launched.is_some() {
            // A new disk in its place would be empty, and nobody would be told.
            let text =
                "The machine has run, and its disk is damaged or gone; an operator may restore it.";
            return Err(ActionError::permanent(text));
        }
        let file = self.images.file(image);
        let file = file.map_err(|error| of_fact("reading the image", &error))?;
        let file = file.ok_or_else(|| {
            ActionError::permanent(format!("The file of image {image} is not on this host."))
        })?;
        let kept = folder.on_disk(move |folder| folder.keep_image(image)).await;
        kept.map_err(|error| of_fact("recording the image", &error))?;
        let made = disk::make(&self.nursery, folder, &file, size_gb, &work.kill).await;
        made.map_err(|error| of_disk(image, &error))
    }

    /// How the guest on this disk says that it is ready.
    fn readiness(&self, folder: &Folder) -> Result<Readiness, ActionError> {
        let image = folder
            .image()
            .map_err(|error| of_fact("reading which image it is of", &error))?;
        let note = image.map(|image| self.images.note(image)).transpose();
        let note = note.map_err(|error| of_fact("reading the image", &error))?;
        Ok(note.flatten().map_or(Readiness::None, |note| note.ready))
    }

    /// How long a guest may take until it is ready.
    async fn boot_limit(&self) -> Duration {
        match self.boot_limit {
            Some(limit) => limit,
            None => self.accelerator.known().await.boot_limit(),
        }
    }
}

async fn plug(folder: &Folder, nic: NicSpec) -> Result<(), ActionError> {
    let change = move |nics: &mut Vec<NicSpec>| {
        nics.retain(|is| is.id != nic.id);
        nics.push(nic);
        nics.sort_by_key(|nic| nic.slot);
    };
    change_nics(folder, change).await
}

async fn change_nics(
    folder: &Folder,
    change: impl FnOnce(&mut Vec<NicSpec>) + Send + 'static,
) -> Result<(), ActionError> {
    let changed = |folder: &Folder| -> anyhow::Result<()> {
        let mut nics = folder.nics()?;
        change(&mut nics);
        folder.keep_nics(&nics)
    };
    let changed = folder.on_disk(changed).await;
    changed.map_err(|error| of_fact("keeping its interfaces", &error))
}

impl Driver for QemuDriver {
    fn abilities(&self) -> DriverAbilities {
        let of_limit = |limit: Duration| (limit + BOOT_MARGIN).as_millis();
        let asked = self.qemu.boot_limit.map(of_limit);
        let asked = asked.and_then(|limit| u64::try_from(limit).ok());
        DriverAbilities {
            boot_stall_ms: asked.unwrap_or(DriverAbilities::QEMU.boot_stall_ms),
            ..DriverAbilities::QEMU
        }
    }

    fn list(&self) -> Answer<'_, anyhow::Result<Sightings>> {
        Box::pin(async {
            let mut all = Sightings::new();
            // A monitor that is silent takes its time, and is not to take the others'.
            for some in self.qemu.folders.list()?.chunks(LOOKS_AT_ONCE) {
                let mut looks = JoinSet::new();
                for &resource in some {
                    let folder = self.qemu.folders.of(resource);
                    looks.spawn(async move { (resource, look::look(&folder, resource).await) });
                }
                for (resource, looked) in looks.join_all().await {
                    all.insert(resource, self.qemu.seen(resource, looked));
                }
            }
            all.retain(|_, seen| !matches!(seen, Ok(Observed::Nothing)));
            Ok(all)
        })
    }

    fn observe(&self, resource: ResourceId) -> Answer<'_, Result<Observed, ActionError>> {
        Box::pin(async move {
            let folder = self.qemu.folders.of(resource);
            self.qemu
                .seen(resource, look::look(&folder, resource).await)
        })
    }

    fn act(&self, work: Work) -> Answer<'_, Result<(), ActionError>> {
        Box::pin(self.qemu.run(work))
    }

    fn save(&self, resource: ResourceId, ledger: Ledger) -> Answer<'_, anyhow::Result<()>> {
        let folder = self.qemu.folders.of(resource);
        Box::pin(async move {
            let keep = move |folder: &Folder| folder.keep_ledger(&ledger);
            folder.on_disk(keep).await
        })
    }

    fn ledgers(&self) -> Answer<'_, anyhow::Result<BTreeMap<ResourceId, Ledger>>> {
        Box::pin(async {
            let mut all = BTreeMap::new();
            for resource in self.qemu.folders.list()? {
                let folder = self.qemu.folders.of(resource);
                match folder.on_disk(Folder::ledger).await {
                    Ok(ledger) => all.extend(ledger.map(|ledger| (resource, ledger))),
                    Err(error) => tracing::error!("the ledger of {resource}: {error:#}"),
                }
            }
            Ok(all)
        })
    }

    fn ledger(&self, resource: ResourceId) -> Answer<'_, anyhow::Result<Option<Ledger>>> {
        let folder = self.qemu.folders.of(resource);
        Box::pin(async move { folder.on_disk(Folder::ledger).await })
    }

    fn forget(&self, resource: ResourceId) -> Answer<'_, anyhow::Result<()>> {
        let folder = self.qemu.folders.of(resource);
        Box::pin(async move { Ok(folder.on_disk(Folder::remove).await?) })
    }

    fn console(&self, machine: ResourceId, part: Part) -> Answer<'_, anyhow::Result<Option<Text>>> {
        let folder = self.qemu.folders.of(machine);
        Box::pin(async move {
            let read = folder.on_disk(move |folder| console::read(folder, part));
            read.await.map(Some)
        })
    }

    fn changed(&self) -> Answer<'_, ResourceId> {
        Box::pin(self.qemu.watch.next())
    }
}
