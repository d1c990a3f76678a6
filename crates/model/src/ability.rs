//! What a driver can do beyond a machine's own life, which every driver can: create, delete, start,
//! stop, reset. What a driver cannot do is refused when it is accepted, and never planned.
//!
//! Says nothing of how a driver does what it can.

use crate::{facts::Refusal, limits::BOOT_STALL_MS};
use api::ErrorCode;

/// What not every driver can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Make volumes, and put them on machines.
    Volumes,
    /// Make networks, and connect machines by them.
    Networks,
    /// Give interfaces public addresses.
    PublicIps,
    /// Give a machine another size.
    Resize,
    /// Give a machine GPUs.
    Gpus,
    /// Hand a machine what its create carried. Without it a create is not refused, for clients always
    /// send a key: the machine has a notice.
    Carry,
}

impl Ability {
    /// Every ability there is.
    pub const ALL: &[Self] = &[
        Self::Volumes,
        Self::Networks,
        Self::PublicIps,
        Self::Resize,
        Self::Gpus,
        Self::Carry,
    ];

    /// What a driver without it does not do, as a sentence goes on with it.
    fn words(self) -> &'static str {
        match self {
            Self::Volumes => "work with volumes",
            Self::Networks => "connect machines by networks",
            Self::PublicIps => "give public addresses",
            Self::Resize => "resize machines",
            Self::Gpus => "give machines GPUs",
            Self::Carry => "hand keys, a user's name, user data or a password to machines",
        }
    }
}

/// A driver's name and what it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverAbilities {
    /// As `--driver` has it.
    pub name: &'static str,
    /// What it can do.
    pub can: &'static [Ability],
    /// Milliseconds that whatever starts a machine may take without a new low of what remains, where
    /// that is longer than its operation's own limit.
    pub boot_stall_ms: u64,
}

impl DriverAbilities {
    /// The simulator can do everything.
    pub const SIM: Self = Self {
        name: "sim",
        can: Ability::ALL,
        boot_stall_ms: 0,
    };

    /// QEMU on this host, for now: a machine's own life and no more.
    pub const QEMU: Self = Self {
        name: "qemu",
        can: &[],
        boot_stall_ms: BOOT_STALL_MS,
    };

    /// Whether it can do this.
    pub fn can(&self, ability: Ability) -> bool {
        self.can.contains(&ability)
    }

    /// Refuses what needs an ability that it lacks: 409 `NOT_SUPPORTED`.
    pub fn require(&self, ability: Ability) -> Result<(), Refusal> {
        if self.can(ability) {
            return Ok(());
        }
        let (name, words) = (self.name, ability.words());
        let text = format!("The driver {name} does not {words} yet; the driver sim does");
        let mut refusal = Refusal::new(ErrorCode::NotSupported, text);
        refusal.details.driver = Some(name.to_owned());
        Err(refusal)
    }

    /// The same of a field of the body; `right` is what it may be.
    pub fn require_for(&self, field: &str, ability: Ability, right: &str) -> Result<(), Refusal> {
        self.require(ability).map_err(|mut refusal| {
            let (name, words) = (self.name, ability.words());
            refusal.message = format!("{field}: the driver {name} does not {words} yet; {right}");
            refusal.details.field = Some(field.to_owned());
            refusal
        })
    }

    /// What whoever uses a machine should know of this driver, in sentences; nothing: all is as usual.
    /// `carried` is whether its create carried anything.
    pub fn notices(&self, carried: bool) -> Vec<String> {
        let mut notices = Vec::new();
        if !self.can(Ability::Networks) {
            notices.push(format!(
                "The driver {} does not connect machines with each other yet: the addresses that are \
                shown lead nowhere.",
                self.name
            ));
        }
        if carried && !self.can(Ability::Carry) {
            let (name, words) = (self.name, Ability::Carry.words());
            notices.push(format!(
                "The driver {name} does not {words} yet: this one was made without what its create \
                carried.",
            ));
        }
        notices
    }
}

/// What a store works for until it is told otherwise.
impl Default for DriverAbilities {
    fn default() -> Self {
        Self::SIM
    }
}

#[cfg(test)]
mod tests {
    use super::{Ability, DriverAbilities};
    use api::ErrorCode;

    #[test]
    fn who_can_do_all_is_never_refused_and_who_can_do_nothing_always() {
        for &ability in Ability::ALL {
            assert_eq!(DriverAbilities::SIM.require(ability), Ok(()));
            let refusal = DriverAbilities::QEMU.require(ability).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::NotSupported);
            assert_eq!(refusal.details.driver.as_deref(), Some("qemu"));
            let started = refusal.message.starts_with("The driver qemu does not ");
            assert!(started, "{}", refusal.message);
        }
        assert!(DriverAbilities::SIM.notices(true).is_empty());
        assert_eq!(DriverAbilities::QEMU.notices(false).len(), 1);
        let notices = DriverAbilities::QEMU.notices(true);
        assert!(
            notices[1].contains("user data or a password"),
            "{notices:?}"
        );
    }
}
