//! What lies on disk of one resource: the folder that is its own, and the facts that are kept in it.
//!
//! Whatever syncs or removes goes through `Folder::on_disk`: a slow disk holds up its own machine alone.
//! A fact is a small JSON file that is replaced whole and synced, so that a power cut leaves the old
//! one or the new one. This decides nothing and starts nothing.

use anyhow::Context as _;
use api::ResourceId;
use model::{actor::Ledger, spec::NicSpec};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// The folder of all that this host keeps, in the data directory.
pub const HOST_FOLDER: &str = "host";
/// The longest path of a socket, in bytes, without the zero at its end (`sockaddr_un`).
pub(super) const SOCKET_PATH_LIMIT: usize = 107;

/// The folders of all resources of this host.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    root: PathBuf,
}

/// The folder of one resource.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

/// The launch that was recorded last: written when the process is there, before the guest runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Launched {
    /// The boot number.
    pub(super) boot: u64,
    /// Which start of the host itself that was in.
    pub(super) host_boot: String,
}

impl Folders {
    /// The folders in a data directory; made if there are none.
    ///
    /// # Errors
    /// If they cannot be made, or the path is so long that no socket fits in.
    pub(super) fn open(data: &Path) -> anyhow::Result<Self> {
        let folders = Self::check(data)?;
        make_private(&folders.root)
            .with_context(|| format!("cannot make {}", folders.root.display()))?;
        Ok(folders)
    }

    /// The same, but nothing is made.
    pub(super) fn check(data: &Path) -> anyhow::Result<Self> {
        let data = std::path::absolute(data)?;
        let root = data.join(HOST_FOLDER);
        let any = ResourceId(uuid::Uuid::nil());
        let folders = Self { root };
        let longest = folders.of(any).monitor().as_os_str().len();
        if let Some(over) = longest
            .checked_sub(SOCKET_PATH_LIMIT)
            .filter(|&over| over > 0)
        {
            let most = data.as_os_str().len().saturating_sub(over);
            anyhow::bail!(
                "the data directory {} has too long a path for the sockets in it: choose one of at most {most} bytes with --data",
                data.display()
            );
        }
        Ok(folders)
    }

    /// The folder of a resource, whether there is one or not.
    pub(super) fn of(&self, resource: ResourceId) -> Folder {
        let path = self.root.join(resource.0.to_string());
        Folder { path }
    }

    /// The resources that have a folder. What is not named like one is not ours.
    pub(super) fn list(&self) -> io::Result<Vec<ResourceId>> {
        let mut resources = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.parse().ok());
            resources.extend(id.map(ResourceId));
        }
        Ok(resources)
    }
}

impl Folder {
    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The machine's own disk, whole.
    pub(super) fn disk(&self) -> PathBuf {
        self.path.join("disk.qcow2")
    }

    /// The disk while it is made.
    pub(super) fn new_disk(&self) -> PathBuf {
        self.path.join("disk.new")
    }

    /// QEMU's monitor.
    pub(super) fn monitor(&self) -> PathBuf {
        self.path.join("qmp.sock")
    }

    /// The guest agent's channel.
    pub(super) fn agent(&self) -> PathBuf {
        self.path.join("qga.sock")
    }

    /// Where QEMU keeps its process id, locked. It removes it when it ends in order, so one that is
    /// left without a process is of a process that died.
    pub(super) fn pid(&self) -> PathBuf {
        self.path.join("pid")
    }

    /// What the guest wrote on its serial console since its last launch.
    pub(super) fn console(&self) -> PathBuf {
        self.path.join("console.log")
    }

    /// Makes the folder if there is none; a new one is there after a power cut.
    pub(super) fn make(&self) -> io::Result<()> {
        if self.path.is_dir() {
            return Ok(());
        }
        make_private(&self.path)?;
        self.path.parent().map_or(Ok(()), sync_folder)
    }

    /// Works on it beside all else.
    pub(super) async fn on_disk<T, E>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<io::Error> + Send + 'static,
    {
        let folder = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        done.unwrap_or_else(|error| Err(io::Error::from(error).into()))
    }

    pub(super) fn ledger(&self) -> anyhow::Result<Option<Ledger>> {
        self.read("ledger.json")
    }

    pub(super) fn keep_ledger(&self, ledger: &Ledger) -> anyhow::Result<()> {
        self.keep("ledger.json", ledger)
    }

    pub(super) fn launched(&self) -> anyhow::Result<Option<Launched>> {
        self.read("launched.json")
    }

    pub(super) fn keep_launched(&self, launched: &Launched) -> anyhow::Result<()> {
        self.keep("launched.json", launched)
    }

    /// The interfaces that the next launch plugs in.
    pub(super) fn nics(&self) -> anyhow::Result<Vec<NicSpec>> {
        Ok(self.read("nics.json")?.unwrap_or_default())
    }

    pub(super) fn keep_nics(&self, nics: &[NicSpec]) -> anyhow::Result<()> {
        if nics.is_empty() {
            return Ok(remove_file(&self.path.join("nics.json"))?);
        }
        self.keep("nics.json", nics)
    }

    /// The boot number whose guest has said that it is ready.
    pub(super) fn ready(&self) -> anyhow::Result<Option<u64>> {
        self.read("ready.json")
    }

    pub(super) fn keep_ready(&self, boot: u64) -> anyhow::Result<()> {
        self.keep("ready.json", &boot)
    }

    /// The catalogue's image that the disk was made from.
    pub(super) fn image(&self) -> anyhow::Result<Option<i64>> {
        self.read("image.json")
    }

    pub(super) fn keep_image(&self, image: i64) -> anyhow::Result<()> {
        self.keep("image.json", &image)
    }

    /// Removes what a process that has ended may leave. The console stays, for whoever asks why.
    pub(super) fn clear_process(&self) -> io::Result<()> {
        for path in [self.pid(), self.monitor(), self.agent()] {
            remove_file(&path)?;
        }
        Ok(())
    }

    /// Removes the disk and what the guest wrote; what the host remembers stays.
    pub(super) fn clear_disk(&self) -> io::Result<()> {
        for path in [self.new_disk(), self.disk(), self.console()] {
            remove_file(&path)?;
        }
        for fact in ["image.json", "ready.json"] {
            remove_file(&self.path.join(fact))?;
        }
        sync_folder(&self.path)
    }

    /// Removes the folder with all that is in it.
    pub(super) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> anyhow::Result<Option<T>> {
        let path = self.path.join(name);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let fact = serde_json::from_slice(&text);
        Ok(Some(fact.with_context(|| {
            format!("{} is damaged", path.display())
        })?))
    }

    fn keep<T: Serialize + ?Sized>(&self, name: &str, fact: &T) -> anyhow::Result<()> {
        let path = self.path.join(name);
        let new = self.path.join(format!("{name}.new"));
        let write = || -> io::Result<()> {
            self.make()?;
            let mut file = File::options()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&new)?;
            file.write_all(&serde_json::to_vec(fact)?)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            sync_folder(&self.path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}

/// What was made or renamed in a folder is there after a power cut.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Removes a file that may be gone already.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A folder that nobody else can look into; there may be one.
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(path)
}
