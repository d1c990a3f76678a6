//! Volumes.

use super::Where;
use crate::{
    catalogue::Catalogue,
    resource::{Resource, Status},
};
use api::volume::{VolumeDetail, VolumeStatus, VolumeTypeOf};

/// A volume in full, `machine` being the one that it is on.
pub fn volume_detail(
    volume: &Resource,
    machine: Option<&Resource>,
    catalogue: &Catalogue,
) -> VolumeDetail {
    let record = volume.volume();
    let id = record.map_or(0, |record| record.volume_type);
    let of_type = catalogue.volume_type(id);
    let size_gb = volume.volume_gb().unwrap_or(0);
    let sizes = of_type.map_or(&[][..], |of_type| &of_type.sizes);
    let size = sizes.iter().find(|size| size.size_gb == size_gb);
    VolumeDetail {
        id: volume.id,
        name: volume.name.clone(),
        size_gb,
        volume_size_id: size.map(|size| size.id),
        volume_type: VolumeTypeOf {
            id,
            name: of_type.map(|one| one.name.clone()).unwrap_or_default(),
            description: of_type
                .map(|one| one.description.clone())
                .unwrap_or_default(),
        },
        datacenter: Where::of(volume, catalogue).flat(volume),
        virtual_machine_id: record.and_then(|record| record.machine),
        virtual_machine_name: machine.map(|machine| machine.name.clone()),
        status: match volume.status {
            Status::Volume(status) => status,
            Status::Machine(_) | Status::Network(_) => VolumeStatus::Error,
        },
        team_id: volume.team(),
        created_at: volume.created_at,
        updated_at: volume.updated_at,
    }
}
