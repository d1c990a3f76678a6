//! `cloudlet admin quota`: what a tenant may have, and what it has.

use crate::cli::{admin::find, ending::Ending, ending::Usage, session::Session, table::table};
use api::admin::{Quota, QuotaChange, Quotas};
use clap::{Args, Subcommand};
use std::str::FromStr;

#[derive(Debug, Subcommand)]
pub(crate) enum QuotaCommand {
    /// Show a tenant's quotas and what is used of them.
    #[command(before_help = "\
Examples:
  cloudlet admin quota show acme
  cloudlet admin quota show acme --output json")]
    Show {
        /// The tenant's name or id
        #[arg(value_name = "TENANT")]
        tenant: String,
    },
    /// Set quotas; those not named stay. One below what is used is allowed.
    #[command(before_help = "\
Examples:
  cloudlet admin quota set acme --virtual-machines 10
  cloudlet admin quota set acme --vcpus unlimited --memory-gb 64")]
    Set {
        /// The tenant's name or id
        #[arg(value_name = "TENANT")]
        tenant: String,
        #[command(flatten)]
        limits: Limits,
    },
}

/// A number, or `unlimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit(Option<u64>);

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "unlimited" => Ok(Self(None)),
            number => number
                .parse()
                .map(|number| Self(Some(number)))
                .map_err(|_| "give a whole number, or the word unlimited".into()),
        }
    }
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Machines
    #[arg(long, value_name = "N|unlimited")]
    virtual_machines: Option<Limit>,
    /// Cores of all machines
    #[arg(long, value_name = "N|unlimited")]
    vcpus: Option<Limit>,
    /// Memory of all machines, in GB
    #[arg(long, value_name = "N|unlimited")]
    memory_gb: Option<Limit>,
    /// Volumes
    #[arg(long, value_name = "N|unlimited")]
    volumes: Option<Limit>,
    /// Size of all volumes, in GB
    #[arg(long, value_name = "N|unlimited")]
    volume_gb: Option<Limit>,
    /// Networks
    #[arg(long, value_name = "N|unlimited")]
    networks: Option<Limit>,
    /// Public addresses
    #[arg(long, value_name = "N|unlimited")]
    public_ips: Option<Limit>,
    /// GPUs
    #[arg(long, value_name = "N|unlimited")]
    gpus: Option<Limit>,
}

impl Limits {
    fn change(self) -> QuotaChange {
        let plain = |limit: Option<Limit>| limit.map(|limit| limit.0);
        QuotaChange {
            virtual_machines: plain(self.virtual_machines),
            vcpus: plain(self.vcpus),
            memory_gb: plain(self.memory_gb),
            volumes: plain(self.volumes),
            volume_gb: plain(self.volume_gb),
            networks: plain(self.networks),
            public_ips: plain(self.public_ips),
            gpus: plain(self.gpus),
        }
    }
}

pub(crate) async fn run(session: &Session, command: QuotaCommand) -> anyhow::Result<Ending> {
    let Session { client, screen, .. } = session;
    let tenant = match command {
        QuotaCommand::Show { tenant } => find(session, &tenant).await?,
        QuotaCommand::Set { tenant, limits } => {
            let change = limits.change();
            if change == QuotaChange::default() {
                let text = "name at least one quota to set, e.g. --virtual-machines 10";
                return Err(Usage(text.into()).into());
            }
            let tenant = find(session, &tenant).await?;
            client.set_quotas(tenant.id, &change).await?;
            client.tenant(tenant.id).await?
        }
    };
    if screen.is_json() {
        screen.json(&tenant.quotas)?;
    } else {
        screen.result(shown(&tenant.quotas));
    }
    Ok(Ending::Done)
}

/// All quotas as a table.
pub(crate) fn shown(quotas: &Quotas) -> String {
    let rows = [
        ("machines", quotas.virtual_machines),
        ("vCPUs", quotas.vcpus),
        ("memory GB", quotas.memory_gb),
        ("volumes", quotas.volumes),
        ("volume GB", quotas.volume_gb),
        ("networks", quotas.networks),
        ("public IPs", quotas.public_ips),
        ("GPUs", quotas.gpus),
    ];
    let rows = rows.map(|(name, quota)| vec![name.into(), quota.used.to_string(), limit(quota)]);
    table(&["QUOTA", "USED", "LIMIT"], rows.to_vec())
}

/// A quota in a cell: `3 of 10`.
pub(crate) fn brief(quota: Quota) -> String {
    match quota.limit {
        Some(limit) => format!("{} of {limit}", quota.used),
        None => quota.used.to_string(),
    }
}

fn limit(quota: Quota) -> String {
    quota
        .limit
        .map_or_else(|| "unlimited".into(), |limit| limit.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_unlimited() {
        for (text, limit) in [("0", Some(0)), ("10", Some(10)), ("unlimited", None)] {
            assert_eq!(text.parse(), Ok(Limit(limit)));
        }
        assert!("-1".parse::<Limit>().is_err());
        assert!("none".parse::<Limit>().is_err());
    }
}
