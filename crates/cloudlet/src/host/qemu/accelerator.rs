//! What runs a guest's code: the processor itself (KVM), or QEMU in its stead (TCG).
//!
//! That `/dev/kvm` opens proves nothing: there are hosts where a guest then hangs in its first second.
//! So KVM is used only where the test image has really booted with it. The verdict holds for this
//! start of the host and this version of QEMU, and is kept in the user's cache.

use super::{
    presence::{QEMU, is_missing},
    process,
};
use crate::{
    child::{Bond, ChildError, Nursery, Program},
    places, test_image,
};
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsString,
    fmt, fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long the test image may take to boot with KVM; it takes two seconds where that works.
const PROBE_LIMIT: Duration = Duration::from_secs(15);
/// How often the guest's console is looked at meanwhile.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// What runs a guest's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accelerator {
    /// The processor.
    Kvm,
    /// QEMU, translating.
    Tcg,
}

impl Accelerator {
    /// How long a guest may take from its launch until it is ready.
    pub(super) fn boot_limit(self) -> Duration {
        match self {
            Self::Kvm => Duration::from_secs(120),
            Self::Tcg => Duration::from_secs(300),
        }
    }
}

impl fmt::Display for Accelerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        })
    }
}

/// What is used on this host, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What is used.
    pub accelerator: Accelerator,
    /// Why, for people.
    pub why: String,
}

/// The verdict as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    host_boot: String,
    qemu: String,
    verdict: Verdict,
}

/// The accelerator of this host, known at once or soon.
pub(super) struct Chosen {
    known: watch::Receiver<Option<Accelerator>>,
}

impl Chosen {
    /// What was asked for, or else what is found out from now on. Never waits.
    pub(super) fn new(asked: Option<Accelerator>, nursery: Nursery, qemu: String) -> Self {
        let (tell, known) = watch::channel(asked);
        if asked.is_none() {
            tokio::spawn(async move {
                let Verdict { accelerator, why } = judge(&nursery, &qemu).await;
                tracing::info!("machines run with {accelerator}: {why}");
                tell.send_replace(Some(accelerator));
            });
        }
        Self { known }
    }

    /// Waits until it is known.
    pub(super) async fn known(&self) -> Accelerator {
        let mut known = self.known.clone();
        let known = known.wait_for(Option::is_some).await;
        // Whoever finds it out tells it, unless the server stops.
        known
            .ok()
            .and_then(|known| *known)
            .unwrap_or(Accelerator::Tcg)
    }
}

/// Which accelerator is to be used here.
pub async fn judge(nursery: &Nursery, qemu: &str) -> Verdict {
    if let Err(error) = fs::File::options().read(true).write(true).open("/dev/kvm") {
        return tcg(format!("/dev/kvm cannot be opened ({error})"));
    }
    if !processor_can() {
        return tcg("the processor shows neither vmx nor svm".to_owned());
    }
    let (cache, host_boot) = (places::cache(), process::host_boot().unwrap_or_default());
    let file = cache.as_ref().map(|cache| cache.join("accelerator.json"));
    let kept = file.as_ref().and_then(|file| kept(file, &host_boot, qemu));
    if let Some(verdict) = kept {
        return verdict;
    }
    let Some(image) = cache.and_then(|cache| test_image::find(&cache)) else {
        let text = "there is no test image to try KVM with; build it with: cloudlet admin image build-test";
        return tcg(text.to_owned());
    };
    let verdict = match boots(nursery, &image, Accelerator::Kvm, PROBE_LIMIT).await {
        Ok(()) => Verdict {
            accelerator: Accelerator::Kvm,
            why: "a guest has booted with it".to_owned(),
        },
        // It says nothing of KVM, and is tried again by whoever asks next.
        Err(NotSeen::Untried(text)) => return tcg(format!("KVM cannot be tried ({text})")),
        Err(NotSeen::Fails(text)) => {
            let again = file.as_ref().map_or(String::new(), |file| {
                format!("; to have it tried again: rm {}", file.display())
            });
            tcg(format!("a guest does not boot with KVM ({text}){again}"))
        }
    };
    if let Some(file) = file {
        let qemu = qemu.to_owned();
        keep(
            &file,
            &Kept {
                host_boot,
                qemu,
                verdict: verdict.clone(),
            },
        );
    }
    verdict
}

fn tcg(why: String) -> Verdict {
    let accelerator = Accelerator::Tcg;
    Verdict { accelerator, why }
}

/// Whether the processor says that it can run guests; where it does not, no guest is tried.
fn processor_can() -> bool {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = text.lines().find(|line| line.starts_with("flags"));
    flags.is_some_and(|flags| {
        flags
            .split_whitespace()
            .any(|flag| flag == "vmx" || flag == "svm")
    })
}

fn kept(file: &Path, host_boot: &str, qemu: &str) -> Option<Verdict> {
    let kept: Kept = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    (kept.host_boot == host_boot && kept.qemu == qemu).then_some(kept.verdict)
}

/// What cannot be kept is found out again.
fn keep(file: &Path, kept: &Kept) {
    let text = serde_json::to_vec(kept).unwrap_or_default();
    if let Err(error) = fs::write(file, text) {
        tracing::warn!("{} cannot be written: {error}", file.display());
    }
}

/// Why a guest was not seen to boot, in words.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotSeen {
    /// QEMU was not even started.
    Untried(String),
    /// It was, and the guest did not get ready.
    Fails(String),
}

/// Boots the test image with an accelerator until its guest is ready.
pub(super) async fn boots(
    nursery: &Nursery,
    image: &Path,
    accelerator: Accelerator,
    limit: Duration,
) -> Result<(), NotSeen> {
    let folder = tempfile::tempdir().map_err(|error| NotSeen::Untried(error.to_string()))?;
    let console = folder.path().join("console");
    let program = Program {
        name: QEMU.into(),
        arguments: trial(image, &console, accelerator),
        bond: Bond::Dies,
        limit: limit * 2,
    };
    let kill = CancellationToken::new();
    let _ended = kill.clone().drop_guard();
    tokio::select! {
        ended = nursery.run(program, &kill) => Err(match ended {
            Ok(_) => NotSeen::Fails("QEMU ended by itself".to_owned()),
            Err(error) if is_missing(&error) => NotSeen::Untried(error.to_string()),
            Err(error @ ChildError::NotStarted { .. }) => NotSeen::Untried(error.to_string()),
            Err(error) => NotSeen::Fails(error.to_string()),
        }),
        seen = tokio::time::timeout(limit, seen(console)) => {
            seen.map_err(|_| NotSeen::Fails(format!("not ready within {} s", limit.as_secs())))
        }
    }
}

async fn seen(console: PathBuf) {
    let words = test_image::READY.as_bytes();
    loop {
        let text = fs::read(&console).unwrap_or_default();
        if text.windows(words.len()).any(|part| part == words) {
            return;
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

fn trial(image: &Path, console: &Path, accelerator: Accelerator) -> Vec<OsString> {
    let escaped = |path: &Path| path.to_string_lossy().replace(',', ",,");
    let cpu = match accelerator {
        Accelerator::Kvm => "host",
        Accelerator::Tcg => "max",
    };
    let disk = format!("file={},format=qcow2,if=virtio,snapshot=on", escaped(image));
    let serial = format!("file,id=console,path={}", escaped(console));
    let words = [
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-M",
        "q35",
        "-m",
        "128",
        "-accel",
        if accelerator == Accelerator::Kvm {
            "kvm"
        } else {
            "tcg"
        },
        "-cpu",
        cpu,
        "-drive",
        &disk,
        "-chardev",
        &serial,
        "-serial",
        "chardev:console",
    ];
    words.iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_image;

    /// Emulated on a busy machine a boot was seen to take 19 s.
    const BOOT_TAKES: Duration = Duration::from_secs(180);

    #[test]
    fn a_verdict_holds_for_one_start_of_the_host_and_one_version() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("accelerator.json");
        assert_eq!(kept(&file, "boot", "7.2"), None);
        let verdict = tcg("a guest does not boot with KVM".to_owned());
        let (host_boot, qemu) = ("boot".to_owned(), "7.2".to_owned());
        let record = Kept {
            host_boot,
            qemu,
            verdict: verdict.clone(),
        };
        keep(&file, &record);
        assert_eq!(kept(&file, "boot", "7.2"), Some(verdict));
        assert_eq!(kept(&file, "another boot", "7.2"), None);
        assert_eq!(kept(&file, "boot", "8.0"), None);
    }

    #[tokio::test]
    #[allow(
        clippy::print_stderr,
        reason = "whoever reads the tests' output is to see it"
    )]
    async fn only_a_guest_that_boots_is_a_proof() {
        let nursery = Nursery::open().unwrap();
        if super::super::presence::both(&nursery).await.is_err() {
            eprintln!("SKIPPED: whether a guest boots: QEMU is not on this host");
            return;
        }
        let cache = tempfile::tempdir().unwrap();
        let built = test_image::build(cache.path(), false, |_| {}).unwrap();
        let boots_with = |image, accelerator, limit| {
            let nursery = &nursery;
            async move { boots(nursery, image, accelerator, limit).await }
        };
        assert_eq!(
            boots_with(&built.path, Accelerator::Tcg, BOOT_TAKES).await,
            Ok(())
        );
        let limit = Duration::from_secs(1);
        let soon = boots_with(&built.path, Accelerator::Tcg, limit).await;
        assert_eq!(soon, Err(NotSeen::Fails("not ready within 1 s".to_owned())));
        // Where the processor shows nothing of it, KVM may open and no guest gets anywhere with it.
        if !processor_can() {
            let limit = Duration::from_secs(5);
            let tried = boots_with(&built.path, Accelerator::Kvm, limit).await;
            assert!(tried.is_err(), "the hint is wrong here: {tried:?}");
        }
    }
}
