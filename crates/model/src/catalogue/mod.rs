//! What can be had: regions, data centres with their host, images, sizes. One TOML file, checked
//! as a whole when it is loaded; its form is fixed and unknown keys are refused.

mod check;

use crate::{claim::Measure, spec::Cidr};
use api::{DataCenterId, HostId};
use serde::Deserialize;
use std::fmt;

/// The catalogue that is used where no file is named.
pub const DEFAULT: &str = include_str!("default.toml");

/// What can be had.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Regions.
    #[serde(rename = "region")]
    pub regions: Vec<Region>,
    /// Data centres; the first is the default one.
    #[serde(rename = "data_center")]
    pub data_centers: Vec<DataCenter>,
    /// Images.
    #[serde(rename = "image")]
    pub images: Vec<Image>,
    /// Sizes of machines.
    #[serde(rename = "size")]
    pub sizes: Vec<Size>,
    /// Types of volumes.
    #[serde(rename = "volume_type", default)]
    pub volume_types: Vec<VolumeType>,
    /// Series of GPUs.
    #[serde(rename = "gpu_series", default)]
    pub gpu_series: Vec<GpuSeries>,
}

/// A region.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub country: Country,
}

/// A country.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Country {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its abbreviation, e.g. `US`.
    pub abbreviation: String,
}

/// A data centre: for now one host.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataCenter {
    /// Its id.
    pub id: DataCenterId,
    /// Its name.
    pub name: String,
    /// The region that it is in.
    pub region: i64,
    /// Its host's room.
    pub host: HostRoom,
    /// Public addresses: networks or single ones.
    #[serde(default)]
    pub public_ips: Vec<String>,
    /// GPUs built in.
    #[serde(default)]
    pub gpus: Vec<GpuCount>,
}

impl DataCenter {
    /// Its host. While a data centre has one host, the host goes by the data centre's id.
    pub fn host_id(&self) -> HostId {
        HostId(self.id.0)
    }

    /// Its public addresses, as ranges of numbers, ascending. The check has seen that each is one.
    pub fn public_ranges(&self) -> Vec<(u32, u32)> {
        let ranges = self.public_ips.iter().filter_map(|text| addresses(text));
        let mut ranges: Vec<_> = ranges.collect();
        ranges.sort_unstable();
        ranges
    }
}

/// A host's room.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostRoom {
    /// CPUs.
    pub cpus: u32,
    /// Memory in GB.
    pub memory_gb: u32,
    /// Disk in GB.
    pub disk_gb: u32,
    /// How many vCPUs a CPU is given out as.
    #[serde(default = "one")]
    pub cpu_overcommit: f64,
}

/// The numbers of a network's addresses, or of a single address.
pub(crate) fn addresses(text: &str) -> Option<(u32, u32)> {
    let (network, prefix) = match text.split_once('/') {
        Some((network, prefix)) => (network, prefix.parse().ok()?),
        None => (text, 32),
    };
    let network = network.parse().ok().filter(|_| prefix <= 32)?;
    let (first, last) = Cidr { network, prefix }.span();
    (last - first == u32::MAX.checked_shr(prefix.into()).unwrap_or(0)).then_some((first, last))
}

fn one() -> f64 {
    1.0
}

/// GPUs of a series in a data centre.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpuCount {
    /// The series.
    pub series: i64,
    /// How many.
    pub count: u32,
}

/// An image that a machine's disk is made from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whom to log in as.
    pub username: String,
    /// The smallest disk that it fits on, in GB.
    pub min_disk_gb: u32,
}

/// A size of machines.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Its id: a machine's `configurationId`.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its code.
    pub code: String,
    /// Its category's code.
    pub category: String,
    /// Cores.
    pub cpu: u32,
    /// Memory in GB.
    pub memory_gb: u32,
    /// Disk in GB.
    pub disk_gb: u32,
}

/// A type of volumes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeType {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Sizes on offer.
    pub sizes: Vec<VolumeSize>,
}

/// A size of volumes.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeSize {
    /// Its id.
    pub id: i64,
    /// GB.
    pub size_gb: u32,
}

/// A series of GPUs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpuSeries {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its code.
    pub code: String,
    /// What a machine has for each GPU.
    pub per_gpu: PerGpu,
}

impl GpuSeries {
    /// What a machine with so many GPUs has.
    pub fn of(&self, count: u32) -> PerGpu {
        PerGpu {
            cpu: self.per_gpu.cpu.saturating_mul(count),
            memory_gb: self.per_gpu.memory_gb.saturating_mul(count),
            disk_gb: self.per_gpu.disk_gb.saturating_mul(count),
        }
    }
}

/// What a machine has for each of its GPUs.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerGpu {
    /// Cores.
    pub cpu: u32,
    /// Memory in GB.
    pub memory_gb: u32,
    /// Disk in GB.
    pub disk_gb: u32,
}

/// Why a catalogue cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueError(pub String);

impl fmt::Display for CatalogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CatalogueError {}

impl Catalogue {
    /// Reads and checks a catalogue.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let catalogue: Self =
            toml::from_str(text).map_err(|error| CatalogueError(error.to_string()))?;
        check::check(&catalogue)?;
        Ok(catalogue)
    }

    /// What can be had on one real host where no catalogue is given: the sizes of the embedded one,
    /// in its first data centre, and nothing that a host may not have.
    pub fn of_host(room: HostRoom) -> Result<Self, CatalogueError> {
        let mut catalogue = Self::parse(DEFAULT)?;
        catalogue.data_centers.truncate(1);
        for data_center in &mut catalogue.data_centers {
            "This host".clone_into(&mut data_center.name);
            data_center.host = room;
            data_center.public_ips.clear();
            data_center.gpus.clear();
        }
        catalogue.volume_types.clear();
        catalogue.gpu_series.clear();
        catalogue.images.clear();
        check::check(&catalogue)?;
        Ok(catalogue)
    }

    /// A data centre by its id.
    pub fn data_center(&self, id: DataCenterId) -> Option<&DataCenter> {
        self.data_centers
            .iter()
            .find(|data_center| data_center.id == id)
    }

    /// The region that a data centre is in.
    pub fn region(&self, id: i64) -> Option<&Region> {
        self.regions.iter().find(|region| region.id == id)
    }

    /// An image by its id.
    pub fn image(&self, id: i64) -> Option<&Image> {
        self.images.iter().find(|image| image.id == id)
    }

    /// A size by its id.
    pub fn size(&self, id: i64) -> Option<&Size> {
        self.sizes.iter().find(|size| size.id == id)
    }

    /// A type of volumes by its id.
    pub fn volume_type(&self, id: i64) -> Option<&VolumeType> {
        self.volume_types.iter().find(|one| one.id == id)
    }

    /// A series of GPUs by its id.
    pub fn series(&self, id: i64) -> Option<&GpuSeries> {
        self.gpu_series.iter().find(|series| series.id == id)
    }

    /// How many GPUs of a series a host has.
    pub fn gpus(&self, host: HostId, series: i64) -> u32 {
        let mut hosts = self.data_centers.iter();
        let host = hosts.find(|data_center| data_center.host_id() == host);
        let gpus = host.map_or(&[][..], |host| &host.gpus);
        let of_series = gpus.iter().filter(|gpus| gpus.series == series);
        of_series.fold(0, |sum, gpus| sum.saturating_add(gpus.count))
    }

    /// How much of a measure a host has to give out.
    pub fn room(&self, host: HostId, measure: Measure) -> u64 {
        let Some(data_center) = self.data_centers.iter().find(|dc| dc.host_id() == host) else {
            return 0;
        };
        let room = data_center.host;
        match measure {
            Measure::Vcpus => vcpus(room),
            Measure::MemoryGb => u64::from(room.memory_gb),
            Measure::DiskGb => u64::from(room.disk_gb),
            // Of these a host has pools, or as many as anybody likes.
            Measure::VirtualMachines
            | Measure::Volumes
            | Measure::VolumeGb
            | Measure::Networks
            | Measure::PublicIps
            | Measure::Gpus => u64::MAX,
        }
    }
}

/// The vCPUs of a host; the check has bounded both factors, so the product fits.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn vcpus(room: HostRoom) -> u64 {
    (f64::from(room.cpus) * room.cpu_overcommit).floor() as u64
}
