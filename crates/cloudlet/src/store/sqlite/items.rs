//! How items, counters and pools stand in columns: `kind, owner, detail, number`.

use super::codec::broken;
use api::{DataCenterId, HostId, NicId, ResourceId, TenantId};
use model::{
    Kind,
    claim::{Counter, Item, Measure, Named, Pool},
};
use rusqlite::{Result, Row};
use std::borrow::Cow;
use uuid::Uuid;

/// What belongs to the whole installation has this owner.
const NOBODY: [u8; 16] = [0; 16];

/// Columns.
pub(super) struct Columns<'a> {
    pub(super) kind: &'static str,
    pub(super) owner: [u8; 16],
    pub(super) detail: Cow<'a, str>,
    pub(super) number: u32,
}

impl<'a> Columns<'a> {
    fn new(kind: &'static str, owner: Uuid) -> Self {
        Self {
            kind,
            owner: owner.into_bytes(),
            detail: Cow::Borrowed(""),
            number: 0,
        }
    }

    fn detail(self, detail: impl Into<Cow<'a, str>>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }

    fn number(self, number: u32) -> Self {
        Self { number, ..self }
    }
}

/// An item's.
pub(super) fn item(item: &Item) -> Columns<'_> {
    match item {
        Item::Quota(tenant, measure) => Columns::new("quota", tenant.0).detail(measure.as_str()),
        Item::Room(host, measure) => Columns::new("room", host.0).detail(measure.as_str()),
        Item::Block(tenant, block) => Columns::new("block", tenant.0).number(u32::from(*block)),
        Item::Pooled(pool, number) => self::pool(*pool).number(*number),
        Item::Nic(network, nic) => Columns::new("nic", network.0).detail(nic.to_string()),
        Item::Attachment(volume) => Columns::new("attachment", volume.0),
        Item::Name(tenant, Named::Volume, name) => {
            Columns::new("volume_name", tenant.0).detail(name)
        }
        Item::Name(tenant, Named::Network, name) => {
            Columns::new("network_name", tenant.0).detail(name)
        }
        Item::Default(tenant, data_center) => {
            Columns::new("default", tenant.0).detail(data_center.to_string())
        }
        Item::Team(tenant, kind, team) => self::team(*tenant, *kind, *team),
    }
}

/// A pool's.
pub(super) fn pool(pool: Pool) -> Columns<'static> {
    match pool {
        Pool::Private(network) => Columns::new("private", network.0),
        Pool::Public(host) => Columns::new("public", host.0),
        Pool::Gpus(host, series) => Columns::new("gpu", host.0).detail(series.to_string()),
        Pool::Networks => Columns::new("network", Uuid::from_bytes(NOBODY)),
        Pool::Macs => Columns::new("mac", Uuid::from_bytes(NOBODY)),
    }
}

/// A counter's.
pub(super) fn counter(counter: &Counter) -> Columns<'static> {
    match *counter {
        Counter::Quota(tenant, measure) => Columns::new("quota", tenant.0).detail(measure.as_str()),
        Counter::Room(host, measure) => Columns::new("room", host.0).detail(measure.as_str()),
        Counter::Block(tenant, block) => Columns::new("block", tenant.0).number(u32::from(block)),
        Counter::Pool(pool) => self::pool(pool),
        Counter::Nics(network) => Columns::new("nic", network.0),
        Counter::Team(tenant, kind, team) => self::team(tenant, kind, team),
    }
}

fn team(tenant: TenantId, kind: Kind, team: i64) -> Columns<'static> {
    Columns::new(in_team(kind), tenant.0).detail(team.to_string())
}

/// The kind of a claim on a team, apart for each kind of resource, so that it is counted apart.
pub(super) fn in_team(kind: Kind) -> &'static str {
    match kind {
        Kind::Vm => "team_vm",
        Kind::Gpu => "team_gpu",
        Kind::Volume => "team_volume",
        Kind::Network => "team_network",
    }
}

/// The four columns, from this one on.
pub(super) fn item_of(row: &Row<'_>, from: usize) -> Result<Item> {
    let (kind, detail) = (row.get_ref(from)?.as_str()?, row.get_ref(from + 2)?);
    let (owner, detail) = (Uuid::from_bytes(row.get(from + 1)?), detail.as_str()?);
    let number: u32 = row.get(from + 3)?;
    let strange = || broken(format!("no item is {kind}/{owner}/{detail}/{number}"));
    let uuid = || Uuid::parse_str(detail).map_err(|_| strange());
    let of_team = Kind::ALL.into_iter().find(|&it| in_team(it) == kind);
    if let Some(kind) = of_team {
        let team = detail.parse().map_err(|_| strange())?;
        return Ok(Item::Team(TenantId(owner), kind, team));
    }
    Ok(match kind {
        "quota" => Item::Quota(TenantId(owner), measure(detail)?),
        "room" => Item::Room(HostId(owner), measure(detail)?),
        "block" => Item::Block(
            TenantId(owner),
            u8::try_from(number).map_err(|_| strange())?,
        ),
        "nic" => Item::Nic(ResourceId(owner), NicId(uuid()?)),
        "attachment" => Item::Attachment(ResourceId(owner)),
        "volume_name" => Item::Name(TenantId(owner), Named::Volume, detail.to_owned()),
        "network_name" => Item::Name(TenantId(owner), Named::Network, detail.to_owned()),
        "default" => Item::Default(TenantId(owner), DataCenterId(uuid()?)),
        _ => Item::Pooled(pool_of(kind, owner, detail).ok_or_else(strange)?, number),
    })
}

/// A pool from its columns.
pub(super) fn pool_of(kind: &str, owner: Uuid, detail: &str) -> Option<Pool> {
    match kind {
        "private" => Some(Pool::Private(ResourceId(owner))),
        "public" => Some(Pool::Public(HostId(owner))),
        "gpu" => Some(Pool::Gpus(HostId(owner), detail.parse().ok()?)),
        "network" => Some(Pool::Networks),
        "mac" => Some(Pool::Macs),
        _ => None,
    }
}

/// A measure from its word.
pub(super) fn measure(word: &str) -> Result<Measure> {
    let mut all = Measure::ALL.into_iter();
    let known = all.find(|measure| measure.as_str() == word);
    known.ok_or_else(|| broken(format!("no measure is {word}")))
}
