//! Requests of tenants: every operation, mostly sensible, on whatever there is.

use super::Pair;
use api::{NicId, ResourceId, TenantId};
use model::{
    Context, Kind, Resource,
    accept::{Accepted, Idempotency, Repeatable, once},
    ops::{
        gpu_create, gpu_delete, network_create, network_delete, network_update, nic_add,
        nic_remove, nic_set_primary, public_ip_allocate, public_ip_release, vm_create, vm_delete,
        vm_rename, vm_reset, vm_resize, vm_start, vm_stop, volume_attach, volume_create,
        volume_delete, volume_detach, volume_resize,
    },
    secret::{Carried, Sealed, Secret},
    writes::AnswerKey,
};
use rand::{RngExt, seq::IndexedRandom};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

/// A body as a client sends it.
fn body<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

impl Pair {
    /// Asks both, often with an idempotency key, which another request may have had already.
    async fn ask<T: Repeatable + Clone + Send + PartialEq + std::fmt::Debug + 'static>(
        &mut self,
        rule: impl Fn(&Context<'_>) -> Accepted<T> + Send + 'static,
    ) {
        let idempotency = self.random.random_bool(0.4).then(|| Idempotency {
            key: AnswerKey([self.random.random_range(0..40); 16]),
            request: [self.random.random_range(0..2); 16],
        });
        let rule = move |context: &Context<'_>| once(context, idempotency, || rule(context));
        let _ = self.both(Box::new(rule)).await;
    }

    /// Something to keep apart for every second job, from a few bytes to some pages.
    fn carried(&self) -> Carried {
        let number = self.memory.last_number;
        let size = usize::try_from(number * 7_919 % 20_000).unwrap();
        let secret = Secret {
            salt: Uuid::from_u128(number.into()),
            username: None,
            public_keys: Vec::new(),
            user_data: Some("x".repeat(size).into()),
            password: None,
        };
        let digest = secret.salt.to_string();
        Carried {
            secret: number
                .is_multiple_of(2)
                .then_some(Sealed { secret, digest }),
            ..Carried::default()
        }
    }

    /// Some resource of a kind, mostly the tenant's, mostly one that has been made.
    fn of_kind(&mut self, tenant: TenantId, kind: Kind) -> Option<Resource> {
        let (foreign, made) = (self.random.random_bool(0.05), self.random.random_bool(0.8));
        let all = self.memory.resources.values();
        let fits = |one: &&Resource| {
            one.kind() == kind
                && (foreign || one.tenant == tenant)
                && !(made && one.shown.is_absent())
        };
        let all: Vec<_> = all.filter(fits).collect();
        all.choose(&mut self.random).map(|&one| one.clone())
    }

    /// Its id, or that of nothing.
    fn id_of(&mut self, tenant: TenantId, kind: Kind) -> ResourceId {
        let known = self.of_kind(tenant, kind);
        known.map_or(ResourceId(Uuid::nil()), |one| one.id)
    }

    /// Some data centre: mostly the first, so that things meet.
    fn place(&mut self) -> String {
        let index = self.random.random_range(0..6_usize).saturating_sub(3);
        self.catalogue.data_centers[index].id.to_string()
    }

    /// A request of a tenant.
    pub(super) async fn request(&mut self, tenant: TenantId) {
        match self.random.random_range(0..20) {
            0..=4 => self.create(tenant).await,
            5..=7 => self.delete(tenant).await,
            8..=10 => self.change_machine(tenant).await,
            11..=13 => self.change_volume(tenant).await,
            14..=18 => self.change_interface(tenant).await,
            _ => self.change_network(tenant).await,
        }
    }

    async fn create(&mut self, tenant: TenantId) {
        let place = self.place();
        let number = self.random.random_range(0..8);
        match self.random.random_range(0..9) {
            0..=2 => {
                let size = self.catalogue.sizes.choose(&mut self.random).unwrap().id;
                let network = self.of_kind(tenant, Kind::Network);
                let network = network.filter(|_| self.random.random_bool(0.5));
                let mut create = json!({
                    "name": "web", "datacenterId": place, "imageId": 12, "configurationId": size,
                    "numberOfInstances": self.random.random_range(1..3),
                    "allocatePublicIp": self.random.random_bool(0.5),
                });
                if let Some(network) = network {
                    create["datacenterId"] = json!(network.data_center);
                    create["networkInterfaces"] = json!([{"networkId": network.id}]);
                }
                let create = body(create);
                let carried = self.carried();
                self.ask(move |context| vm_create::accept(context, tenant, &create, &carried))
                    .await;
            }
            3..=4 => {
                let create = body(json!({
                    "name": "gpu", "gpuCount": 1,
                    "datacenterId": self.catalogue.data_centers[0].id,
                    "seriesId": self.catalogue.data_centers[0].gpus[0].series,
                }));
                let carried = self.carried();
                self.ask(move |context| gpu_create::accept(context, tenant, &create, &carried))
                    .await;
            }
            5..=7 => {
                let create = body(json!({
                    "name": format!("data-{number}"), "datacenterId": place,
                    "volumeTypeId": 1, "volumeSizeId": 11, "sizeGb": 100,
                }));
                self.ask(move |context| volume_create::accept(context, tenant, &create))
                    .await;
            }
            _ => {
                let mut create = json!({
                    "name": format!("net-{number}"), "datacenterId": place,
                    "networkType": "custom",
                });
                if self.random.random_bool(0.8) {
                    create["networkType"] = json!("standard");
                    // So small that its addresses are soon given out once, and some again.
                    create["cidrBlock"] = json!(format!("10.200.{number}.0/29"));
                }
                let create = body(create);
                self.ask(move |context| network_create::accept(context, tenant, &create))
                    .await;
            }
        }
    }

    async fn delete(&mut self, tenant: TenantId) {
        let kind = *Kind::ALL.choose(&mut self.random).unwrap();
        let id = self.id_of(tenant, kind);
        self.ask(move |context| match kind {
            Kind::Vm => vm_delete::accept(context, tenant, id),
            Kind::Gpu => gpu_delete::accept(context, tenant, id),
            Kind::Volume => volume_delete::accept(context, tenant, id),
            Kind::Network => network_delete::accept(context, tenant, id),
        })
        .await;
    }

    async fn change_machine(&mut self, tenant: TenantId) {
        let id = self.id_of(tenant, Kind::Vm);
        match self.random.random_range(0..5) {
            0 => {
                self.ask(move |context| vm_start::accept(context, tenant, id))
                    .await
            }
            1 => {
                self.ask(move |context| vm_stop::accept(context, tenant, id))
                    .await
            }
            2 => {
                self.ask(move |context| vm_reset::accept(context, tenant, id))
                    .await
            }
            3 => {
                let size = self.catalogue.sizes.choose(&mut self.random).unwrap().id;
                let resize = body(json!({"configurationId": size}));
                self.ask(move |context| vm_resize::accept(context, (tenant, id), &resize))
                    .await;
            }
            _ => {
                let name = format!("name-{}", self.random.random_range(0..3));
                let rename = body(json!({"name": name}));
                let of = (tenant, id, Kind::Vm);
                self.ask(move |context| vm_rename::accept(context, of, &rename))
                    .await;
            }
        }
    }

    async fn change_volume(&mut self, tenant: TenantId) {
        let id = self.id_of(tenant, Kind::Volume);
        match self.random.random_range(0..5) {
            0..=1 => {
                let machine = self.id_of(tenant, Kind::Vm);
                let attach = body(json!({"virtualMachineId": machine}));
                self.ask(move |context| volume_attach::accept(context, (tenant, id), &attach))
                    .await;
            }
            2..=3 => {
                self.ask(move |context| volume_detach::accept(context, tenant, id))
                    .await
            }
            _ => {
                let resize = body(json!({"newSizeGb": 256}));
                self.ask(move |context| volume_resize::accept(context, (tenant, id), &resize))
                    .await;
            }
        }
    }

    async fn change_interface(&mut self, tenant: TenantId) {
        let machine = self.of_kind(tenant, Kind::Vm);
        let Some(machine) = machine else {
            return;
        };
        let of = (tenant, machine.id);
        let nics = machine.shown.machine().map_or(&[][..], |spec| &spec.nics);
        let nic = nics.choose(&mut self.random);
        let nic = nic.map_or(NicId(Uuid::nil()), |nic| nic.id);
        match self.random.random_range(0..6) {
            0..=1 => {
                let network = self.id_of(tenant, Kind::Network);
                let add = body(json!({"networkId": network}));
                self.ask(move |context| nic_add::accept(context, of, &add))
                    .await;
            }
            2 => {
                self.ask(move |context| nic_remove::accept(context, of, nic))
                    .await
            }
            3 => {
                self.ask(move |context| nic_set_primary::accept(context, of, nic))
                    .await
            }
            4 => {
                self.ask(move |context| public_ip_allocate::accept(context, of, nic))
                    .await
            }
            _ => {
                self.ask(move |context| public_ip_release::accept(context, of, nic))
                    .await
            }
        }
    }

    async fn change_network(&mut self, tenant: TenantId) {
        let id = self.id_of(tenant, Kind::Network);
        let name = format!("net-{}", self.random.random_range(0..8));
        let update = match self.random.random_bool(0.5) {
            true => json!({"name": name}),
            false => json!({"description": name, "snatEnabled": false}),
        };
        let update = body(update);
        self.ask(move |context| network_update::accept(context, (tenant, id), &update))
            .await;
    }
}
