//! The settings of `cloudlet serve`: flag, else environment, else file, else default, made into
//! one validated [`Config`]. What the server cannot honour is refused here, before anything is
//! opened; nothing after this asks where a setting came from.

mod flags;

use crate::host::qemu::{Accelerator, QemuOptions};
use api::admin::ClockMode;
use clap::ValueEnum;
use flags::{AcceleratorName, ClockName, DriverName};
use serde::Deserialize;
use std::{
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
    time::Duration,
};

pub use flags::ServeArgs;

const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
const DEFAULT_DATA: &str = "./cloudlet-data";
const DEFAULT_SIM_SPEED: f64 = 1.0;
/// How long a guest has to end when its power button is pressed: less than a stop waits for.
const DEFAULT_STOP_LIMIT: u32 = 30;
/// The longest limit of a guest that is believed, in seconds.
const GUEST_LIMIT_MAX: u32 = 3_600;

/// Validated settings of the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The directory that holds everything.
    pub data: PathBuf,
    /// What makes machines.
    pub driver: Driver,
    /// The catalogue's file; absent: the embedded one.
    pub catalogue: Option<PathBuf>,
    /// Whether requests are counted and limited.
    pub rate_limit: Switch,
    /// Whether faults may be placed with a driver other than the simulator.
    pub allow_faults: bool,
    /// Which clock everything but the waits of requests runs on.
    pub clock: ClockMode,
}

/// What makes machines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Driver {
    /// The simulator.
    Sim {
        /// How much faster than life; 0 is instant. Finite and not negative.
        speed: f64,
        /// What its durations derive from; absent: it chooses.
        seed: Option<u64>,
    },
    /// Real machines on this host.
    Qemu(QemuOptions),
}

/// On or off, in the words of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // Documented variants would fill the help.
pub enum Switch {
    On,
    Off,
}

/// A setting that cannot be honoured, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ServeArgs {
    /// Reads the file if one is named, and validates the whole.
    ///
    /// # Errors
    /// If the file cannot be read or understood, or a setting cannot be honoured.
    pub fn resolve(self) -> Result<Config, ConfigError> {
        let file = match &self.config {
            Some(path) => flags::read(path)?,
            None => Self::default(),
        };
        self.or(file).validate()
    }

    fn validate(self) -> Result<Config, ConfigError> {
        if self.database.is_some() {
            return refuse(
                "--database: only SQLite in the data directory is built so far; leave it out",
            );
        }
        let driver = self.driver()?;
        Ok(Config {
            listen: address(self.listen.as_deref().unwrap_or(DEFAULT_LISTEN))?,
            data: self.data.unwrap_or_else(|| DEFAULT_DATA.into()),
            driver,
            catalogue: self.catalogue,
            rate_limit: self.rate_limit.unwrap_or(Switch::On),
            allow_faults: self.allow_faults.unwrap_or(false),
            clock: match self.clock {
                Some(ClockName::Manual) => ClockMode::Manual,
                Some(ClockName::Real) | None => ClockMode::Real,
            },
        })
    }

    fn driver(&self) -> Result<Driver, ConfigError> {
        match self.driver.unwrap_or(DriverName::Sim) {
            DriverName::Sim => self.simulator(),
            DriverName::Qemu => self.qemu(),
        }
    }

    fn simulator(&self) -> Result<Driver, ConfigError> {
        let real = [
            (self.accel.is_some(), "--accel"),
            (self.boot_limit.is_some(), "--boot-limit"),
            (self.stop_limit.is_some(), "--stop-limit"),
        ];
        if let Some((_, flag)) = real.iter().find(|(given, _)| *given) {
            return refuse(&format!("{flag} goes with --driver qemu only"));
        }
        let speed = self.sim_speed.unwrap_or(DEFAULT_SIM_SPEED);
        if !(speed.is_finite() && speed >= 0.0) {
            return refuse(&format!(
                "--sim-speed: {speed} is no speed; 1 is as in life, 10 ten times faster, 0 instant"
            ));
        }
        Ok(Driver::Sim {
            speed,
            seed: self.sim_seed,
        })
    }

    fn qemu(&self) -> Result<Driver, ConfigError> {
        let simulated = [
            (self.clock == Some(ClockName::Manual), "--clock manual"),
            (self.sim_speed.is_some(), "--sim-speed"),
            (self.sim_seed.is_some(), "--sim-seed"),
        ];
        if let Some((_, flag)) = simulated.iter().find(|(given, _)| *given) {
            return refuse(&format!(
                "{flag} goes with --driver sim only, not with qemu"
            ));
        }
        let boot_limit = self.boot_limit.map(|limit| seconds("--boot-limit", limit));
        let stop_limit = self.stop_limit.unwrap_or(DEFAULT_STOP_LIMIT);
        Ok(Driver::Qemu(QemuOptions {
            accelerator: match self.accel {
                None | Some(AcceleratorName::Auto) => None,
                Some(AcceleratorName::Kvm) => Some(Accelerator::Kvm),
                Some(AcceleratorName::Tcg) => Some(Accelerator::Tcg),
            },
            boot_limit: boot_limit.transpose()?,
            stop_limit: seconds("--stop-limit", stop_limit)?,
        }))
    }
}

fn seconds(flag: &str, limit: u32) -> Result<Duration, ConfigError> {
    if (1..=GUEST_LIMIT_MAX).contains(&limit) {
        return Ok(Duration::from_secs(limit.into()));
    }
    refuse(&format!(
        "{flag}: {limit} is no limit; 1 to {GUEST_LIMIT_MAX} seconds are right"
    ))
}

fn address(text: &str) -> Result<SocketAddr, ConfigError> {
    let found = text
        .to_socket_addrs()
        .ok()
        .and_then(|mut found| found.next());
    found.ok_or_else(|| {
        ConfigError(format!(
            "--listen: '{text}' is not an address with a port; one looks like {DEFAULT_LISTEN}"
        ))
    })
}

fn refuse<T>(why: &str) -> Result<T, ConfigError> {
    Err(ConfigError(why.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::path::Path;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        serve: ServeArgs,
    }

    fn flags(line: &str) -> ServeArgs {
        let words = std::iter::once("serve").chain(line.split_whitespace());
        Flags::try_parse_from(words).unwrap().serve
    }

    #[test]
    fn defaults() {
        assert_eq!(
            flags("").resolve().unwrap(),
            Config {
                listen: "127.0.0.1:8080".parse().unwrap(),
                data: "./cloudlet-data".into(),
                driver: Driver::Sim {
                    speed: 1.0,
                    seed: None
                },
                catalogue: None,
                rate_limit: Switch::On,
                allow_faults: false,
                clock: ClockMode::Real,
            }
        );
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cloudlet.toml");
        let text = "listen = '127.0.0.1:1'\nsim_speed = 3\nsim_seed = 7\nrate_limit = 'off'\nclock = 'manual'\nallow_faults = true\n";
        std::fs::write(&path, text).unwrap();
        let line = format!(
            "--listen 127.0.0.1:2 --sim-speed 0 --config {}",
            path.display()
        );
        let config = flags(&line).resolve().unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(
            config.driver,
            Driver::Sim {
                speed: 0.0,
                seed: Some(7)
            }
        );
        assert_eq!(config.rate_limit, Switch::Off);
        assert_eq!(config.clock, ClockMode::Manual);
        assert!(config.allow_faults);
        assert_eq!(config.data, Path::new("./cloudlet-data"));
        let line = format!("--allow-faults=off --config {}", path.display());
        assert!(!flags(&line).resolve().unwrap().allow_faults);
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_by_name() {
        for (line, says) in [
            ("--accel kvm", "--accel goes with --driver qemu only"),
            (
                "--boot-limit 5",
                "--boot-limit goes with --driver qemu only",
            ),
            (
                "--driver qemu --boot-limit 0",
                "--boot-limit: 0 is no limit; 1 to 3600 seconds are right",
            ),
            (
                "--driver qemu --clock manual",
                "--clock manual goes with --driver sim only",
            ),
            (
                "--driver qemu --sim-speed 2",
                "--sim-speed goes with --driver sim only",
            ),
            (
                "--driver qemu --sim-seed 2",
                "--sim-seed goes with --driver sim only",
            ),
            ("--database postgres://x/y", "--database"),
            ("--sim-speed -1", "--sim-speed: -1 is no speed"),
            ("--sim-speed nan", "is no speed"),
            ("--sim-speed inf", "is no speed"),
            ("--listen 127.0.0.1", "is not an address with a port"),
            (
                "--config /nonexistent/c.toml",
                "cannot read /nonexistent/c.toml",
            ),
        ] {
            let error = flags(line).resolve().unwrap_err().to_string();
            assert!(error.contains(says), "{line}: {error}");
        }
    }

    #[test]
    fn an_unknown_key_of_the_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cloudlet.toml");
        std::fs::write(&path, "sim-speed = 3\n").unwrap();
        let error = flags(&format!("--config {}", path.display()))
            .resolve()
            .unwrap_err();
        assert!(error.to_string().contains("sim-speed"), "{error}");
    }
}
