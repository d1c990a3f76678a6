//! What runs a guest's code: the processor itself (KVM), or QEMU in its stead (TCG).

use std::time::Duration;

/// What runs a guest's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// The accelerator of this host, once it is known.
pub(super) struct Chosen {
    given: Option<Accelerator>,
}

impl Chosen {
    pub(super) fn new(given: Option<Accelerator>) -> Self {
        Self { given }
    }

    /// Waits until it is known.
    #[allow(clippy::unused_async)]
    pub(super) async fn known(&self) -> Accelerator {
        self.given.unwrap_or(Accelerator::Tcg)
    }
}
