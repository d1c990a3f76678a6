//! GPU machines and what there is of GPUs.

use super::{
    Where,
    machine::{image, primary, private_ip, status, username},
};
use crate::{
    catalogue::{Catalogue, DataCenter, GpuSeries, PerGpu},
    limits::GPU_COUNTS,
    resource::Resource,
};
use api::gpu::{GpuAvailability, GpuAvailable, GpuConfiguration, GpuDetail, GpuInventoryRow};

/// A GPU machine in full.
pub fn gpu_detail(machine: &Resource, catalogue: &Catalogue) -> GpuDetail {
    let image = image(machine, catalogue);
    let ssh_key = machine.machine().and_then(|record| record.ssh_key.as_ref());
    GpuDetail {
        id: machine.id,
        name: machine.name.clone(),
        created_at: machine.created_at,
        updated_at: machine.updated_at,
        deleted_at: None,
        status: status(machine),
        configuration: configuration(machine, catalogue),
        ip: primary(machine).and_then(private_ip),
        datacenter: Where::of(machine, catalogue).flat(machine),
        resource_group_id: None,
        resource_group_name: None,
        image: image.map(|image| image.name.clone()).unwrap_or_default(),
        jupyter_url: None,
        username: username(machine, catalogue),
        ssh_key_id: ssh_key.map(|key| key.id),
        ssh_key_name: ssh_key.map(|key| key.name.clone()),
        has_stored_credentials: false,
        team_id: machine.team(),
    }
}

fn configuration(machine: &Resource, catalogue: &Catalogue) -> GpuConfiguration {
    let wish = machine.machine().and_then(|record| record.gpus);
    let (id, gpu_count) = wish.map_or((0, 0), |wish| (wish.series, wish.count));
    let series = catalogue.series(id);
    let code = series.map(|series| series.code.clone()).unwrap_or_default();
    let asked = series.map(|series| series.of(gpu_count));
    let made = machine.shown.machine().map(|made| PerGpu {
        cpu: made.cpus,
        memory_gb: made.memory_gb,
        disk_gb: made.disk_gb,
    });
    let size = made.or(asked);
    GpuConfiguration {
        name: series.map(|series| series.name.clone()).unwrap_or_default(),
        code: code.clone(),
        gpu_count,
        cpu: size.map_or(0, |size| size.cpu),
        ram: size.map_or(0, |size| size.memory_gb),
        disk: size.map_or(0, |size| size.disk_gb),
        sku_id: id.to_string(),
        sku_code: code,
    }
}

/// What there is of GPUs, `used` saying how many of a series a data centre has given out.
pub fn inventory(
    catalogue: &Catalogue,
    used: impl Fn(&DataCenter, &GpuSeries) -> u64,
) -> Vec<GpuInventoryRow> {
    let row = |series: &GpuSeries| {
        let data_centers = catalogue.data_centers.iter();
        let with_some =
            data_centers.filter(|dc| dc.gpus.iter().any(|gpus| gpus.series == series.id));
        GpuInventoryRow {
            series_id: series.id,
            series_name: series.name.clone(),
            series_code: series.code.clone(),
            availability: with_some
                .map(|dc| availability(catalogue, dc, series, used(dc, series)))
                .collect(),
        }
    };
    catalogue.gpu_series.iter().map(row).collect()
}

fn availability(
    catalogue: &Catalogue,
    data_center: &DataCenter,
    series: &GpuSeries,
    used: u64,
) -> GpuAvailability {
    let total = u64::from(catalogue.gpus(data_center.host_id(), series.id));
    let left = total.saturating_sub(used);
    let counts = GPU_COUNTS.into_iter().map(|count| {
        let available = u64::from(count) <= left;
        (count.to_string(), GpuAvailable { available })
    });
    GpuAvailability {
        datacenter_id: data_center.id,
        datacenter_name: data_center.name.clone(),
        gpu_counts: counts.collect(),
    }
}
