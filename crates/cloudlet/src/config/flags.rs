//! The flags of `cloudlet serve` as they are given: on the command line, in the environment, in a file.
//! Whether they can be honoured is judged elsewhere.

use super::{ConfigError, Switch};
use crate::values;
use clap::{Args, ValueEnum};
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DriverName {
    Sim,
    Qemu,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AcceleratorName {
    Auto,
    Kvm,
    Tcg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ClockName {
    Real,
    Manual,
}

/// The flags of `cloudlet serve`; each also in the environment and, but for `--config`, in the file.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServeArgs {
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(
        long,
        value_name = "ADDR",
        env = "CLOUDLET_LISTEN",
        hide_env_values = true
    )]
    pub(super) listen: Option<String>,
    /// Directory that holds everything; made if missing [default: ./cloudlet-data]
    #[arg(
        long,
        value_name = "DIR",
        env = "CLOUDLET_DATA",
        hide_env_values = true
    )]
    pub(super) data: Option<PathBuf>,
    /// What makes machines: sim simulates them, qemu runs real ones on this host [default: sim]
    #[arg(
        long,
        value_enum,
        value_name = "sim|qemu",
        hide_possible_values = true,
        env = "CLOUDLET_DRIVER",
        hide_env_values = true
    )]
    pub(super) driver: Option<DriverName>,
    /// How fast simulated machines are: 1 as in life, 10 ten times faster, 0 instant [default: 1]
    #[arg(
        long,
        value_name = "F",
        env = "CLOUDLET_SIM_SPEED",
        hide_env_values = true,
        value_parser = values::number,
        allow_negative_numbers = true
    )]
    pub(super) sim_speed: Option<f64>,
    /// Seed of the simulator's durations, for the same run again
    #[arg(
        long,
        value_name = "N",
        env = "CLOUDLET_SIM_SEED",
        hide_env_values = true,
        value_parser = values::whole::<u64>
    )]
    pub(super) sim_seed: Option<u64>,
    /// What runs the guests of qemu: kvm the processor, tcg QEMU in its stead; auto finds out [default: auto]
    #[arg(
        long,
        value_enum,
        value_name = "auto|kvm|tcg",
        hide_possible_values = true,
        env = "CLOUDLET_ACCEL",
        hide_env_values = true
    )]
    pub(super) accel: Option<AcceleratorName>,
    /// Seconds that a guest of qemu may take until it is ready [default: 120 with kvm, 300 with tcg]
    #[arg(
        long,
        value_name = "S",
        env = "CLOUDLET_BOOT_LIMIT",
        hide_env_values = true,
        value_parser = values::whole::<u32>
    )]
    pub(super) boot_limit: Option<u32>,
    /// Seconds that a guest of qemu has to end by itself when it is stopped [default: 30]
    #[arg(
        long,
        value_name = "S",
        env = "CLOUDLET_STOP_LIMIT",
        hide_env_values = true,
        value_parser = values::whole::<u32>
    )]
    pub(super) stop_limit: Option<u32>,
    /// Which clock to run on; manual moves by `cloudlet admin clock advance` only [default: real]
    #[arg(
        long,
        value_enum,
        value_name = "real|manual",
        hide_possible_values = true,
        env = "CLOUDLET_CLOCK",
        hide_env_values = true
    )]
    pub(super) clock: Option<ClockName>,
    /// Data centres, images and sizes; without it an embedded one is used
    #[arg(
        long,
        value_name = "FILE",
        env = "CLOUDLET_CATALOGUE",
        hide_env_values = true
    )]
    pub(super) catalogue: Option<PathBuf>,
    /// Whether to limit requests per key and address [default: on]
    #[arg(
        long,
        value_enum,
        value_name = "on|off",
        hide_possible_values = true,
        env = "CLOUDLET_RATE_LIMIT",
        hide_env_values = true
    )]
    pub(super) rate_limit: Option<Switch>,
    /// Let the operator place faults with real machines, too (the simulator always does)
    #[arg(
        long,
        env = "CLOUDLET_ALLOW_FAULTS", hide_env_values = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_name = "true|false",
        hide_possible_values = true,
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub(super) allow_faults: Option<bool>,
    /// Database of several replicas (not built yet; without it, SQLite in the data directory)
    #[arg(
        long,
        value_name = "URL",
        env = "CLOUDLET_DATABASE",
        hide_env_values = true,
        hide_env_values = true
    )]
    pub(super) database: Option<String>,
    /// TOML file with these settings (sim_speed = 10 …); flags and environment win over it
    #[arg(
        long,
        value_name = "FILE",
        env = "CLOUDLET_CONFIG",
        hide_env_values = true
    )]
    #[serde(skip)]
    pub(super) config: Option<PathBuf>,
}

impl ServeArgs {
    /// These settings, where they are absent those of `file`.
    pub(super) fn or(self, file: Self) -> Self {
        Self {
            listen: self.listen.or(file.listen),
            data: self.data.or(file.data),
            driver: self.driver.or(file.driver),
            sim_speed: self.sim_speed.or(file.sim_speed),
            sim_seed: self.sim_seed.or(file.sim_seed),
            accel: self.accel.or(file.accel),
            boot_limit: self.boot_limit.or(file.boot_limit),
            stop_limit: self.stop_limit.or(file.stop_limit),
            clock: self.clock.or(file.clock),
            catalogue: self.catalogue.or(file.catalogue),
            rate_limit: self.rate_limit.or(file.rate_limit),
            allow_faults: self.allow_faults.or(file.allow_faults),
            database: self.database.or(file.database),
            config: self.config,
        }
    }
}

/// The settings of a file.
pub(super) fn read(path: &Path) -> Result<ServeArgs, ConfigError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|e| ConfigError(format!("--config: cannot read {shown}: {e}")))?;
    toml::from_str(&text).map_err(|e| ConfigError(format!("--config: {shown}: {e}")))
}
