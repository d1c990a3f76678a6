//! `cloudlet doctor`: what this host can do for each driver, and the line that mends what is missing.
//!
//! Asks no server and changes nothing, but that it may boot the test image to see whether KVM works.

use super::{ending::Ending, screen::Screen};
use crate::{
    child::Nursery,
    host::qemu::{
        accelerator::{self, Accelerator},
        presence::{self, INSTALL, QEMU, QEMU_IMG},
    },
    places, test_image,
};
use serde::Serialize;

/// Free memory that a machine of the smallest size takes, in bytes.
const SMALLEST: u64 = 1024 * 1024 * 1024;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    /// The driver that it is for.
    driver: &'static str,
    /// Whether that is as it should be.
    fine: bool,
    /// Whether the driver works without it.
    optional: bool,
    /// What was found.
    what: String,
    /// The line that mends it.
    mend: Option<String>,
}

impl Finding {
    fn fine(what: String) -> Self {
        Self {
            driver: "qemu",
            fine: true,
            optional: false,
            what,
            mend: None,
        }
    }

    fn missing(what: String, mend: &str) -> Self {
        Self {
            fine: false,
            mend: Some(mend.to_owned()),
            ..Self::fine(what)
        }
    }

    fn optional(self) -> Self {
        Self {
            optional: true,
            ..self
        }
    }
}

/// Looks at this host. The status is 0 if every driver can be used.
pub(crate) async fn run(screen: &Screen) -> anyhow::Result<Ending> {
    let nursery = Nursery::open()?;
    let mut findings = vec![Finding {
        driver: "sim",
        ..Finding::fine("needs nothing of this host".to_owned())
    }];
    let qemu = programs(&nursery, &mut findings).await;
    findings.push(image());
    findings.push(accelerator(&nursery, qemu.as_deref()).await);
    findings.push(memory());
    let usable = findings
        .iter()
        .all(|finding| finding.fine || finding.optional);
    if screen.is_json() {
        screen.json(&findings)?;
    } else {
        findings.iter().for_each(|finding| show(screen, finding));
        screen.say("");
        screen.say(if usable {
            "Both drivers can be used: cloudlet serve --driver sim, or --driver qemu"
        } else {
            "The driver sim can be used; qemu needs what is marked with ✗"
        });
    }
    Ok(if usable { Ending::Done } else { Ending::Error })
}

fn show(screen: &Screen, finding: &Finding) {
    let mark = match (finding.fine, finding.optional) {
        (true, _) => "✓",
        (false, true) => "–",
        (false, false) => "✗",
    };
    screen.result(format!("{mark} {:4}  {}", finding.driver, finding.what));
    if let Some(mend) = &finding.mend {
        screen.result(format!("        {mend}"));
    }
}

/// The version of QEMU, if it is here.
async fn programs(nursery: &Nursery, findings: &mut Vec<Finding>) -> Option<String> {
    let (mut qemu, mut image) = (None, None);
    for program in [QEMU, QEMU_IMG, "setpriv"] {
        findings.push(match presence::version(nursery, program).await {
            Ok(Some(version)) => {
                let shown = format!("{program} {version}");
                match program {
                    QEMU => qemu = Some(version),
                    QEMU_IMG => image = Some(version),
                    _ => {}
                }
                Finding::fine(shown)
            }
            Ok(None) if program == "setpriv" => Finding::missing(
                "setpriv is missing".to_owned(),
                "sudo apt-get install util-linux",
            ),
            Ok(None) => Finding::missing(format!("{program} is missing"), INSTALL),
            Err(text) => Finding::missing(format!("{program} does not run: {text}"), INSTALL),
        });
    }
    if let (Some(qemu), Some(image)) = (&qemu, &image)
        && qemu != image
    {
        let text = format!("{QEMU} is {qemu} and {QEMU_IMG} is {image}: one version is right");
        findings.push(
            Finding::missing(
                text,
                "sudo apt-get install --allow-downgrades qemu-system-x86 qemu-utils",
            )
            .optional(),
        );
    }
    qemu
}

fn image() -> Finding {
    match places::cache().and_then(|cache| test_image::find(&cache)) {
        Some(path) => Finding::fine(format!("the test image is built: {}", path.display())),
        None => {
            let text = "the test image is not built; a server then has only what is imported";
            Finding::missing(text.to_owned(), "cloudlet admin image build-test").optional()
        }
    }
}

async fn accelerator(nursery: &Nursery, qemu: Option<&str>) -> Finding {
    let Some(qemu) = qemu else {
        let text = "whether machines run with KVM is seen once QEMU is here";
        return Finding::missing(text.to_owned(), INSTALL).optional();
    };
    let verdict = accelerator::judge(nursery, qemu).await;
    match verdict.accelerator {
        Accelerator::Kvm => Finding::fine(format!("machines run with KVM: {}", verdict.why)),
        Accelerator::Tcg => {
            let text = format!("machines run emulated, slowly: {}", verdict.why);
            let mend = "use a host whose processor runs guests (vmx or svm), and its /dev/kvm";
            Finding::missing(text, mend).optional()
        }
    }
}

fn memory() -> Finding {
    let free = presence::memory("MemAvailable").unwrap_or(0);
    let shown = format!("{} GB of memory are free", free / SMALLEST);
    match free >= SMALLEST {
        true => Finding::fine(shown),
        false => Finding::missing(
            shown,
            "end what takes memory: the smallest machine has 1 GB",
        )
        .optional(),
    }
}
