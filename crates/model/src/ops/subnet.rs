//! The addresses of a network, from what a body says of them.

use crate::{
    facts::Refusal,
    limits::DESCRIPTION_LIMIT,
    spec::{Cidr, Subnet},
};
use api::network::{NetworkSettings, NetworkType};
use std::net::Ipv4Addr;

/// The longest and the shortest mask that leave a network room for a gateway and a machine.
const PREFIXES: std::ops::RangeInclusive<u8> = 8..=30;

/// What a network gives to machines: what a body says, else what it has, else what is usual.
pub(super) fn subnet(
    network_type: NetworkType,
    settings: &NetworkSettings,
    has: Option<&Subnet>,
) -> Result<Option<Subnet>, Refusal> {
    if network_type == NetworkType::Custom {
        return nothing_of(settings).map(|()| None);
    }
    let given = text(settings.cidr_block.as_deref()).map(cidr).transpose()?;
    let known = given.or(has.map(|has| has.cidr));
    let cidr = known.ok_or_else(|| {
        let text = "is missing; a standard network needs one, for example 10.0.0.0/24";
        Refusal::field("cidrBlock", text)
    })?;
    // What was chosen for another block says nothing of this one.
    let has = has.filter(|has| has.cidr == cidr);
    let gateway = gateway(settings, cidr, has)?;
    let (first, last) = range(settings, cidr, (has, gateway))?;
    let flag = |given: Option<bool>, of: fn(&Subnet) -> bool| given.unwrap_or(has.is_none_or(of));
    let dns = match &settings.dns_servers {
        Some(servers) => dns(&servers.text())?,
        None => has.map(|has| has.dns.clone()).unwrap_or_default(),
    };
    Ok(Some(Subnet {
        cidr,
        gateway,
        first,
        last,
        snat: flag(settings.snat_enabled, |has| has.snat),
        dhcp: flag(settings.dhcp_server_enabled, |has| has.dhcp),
        default_route: flag(settings.default_route_enabled, |has| has.default_route),
        serve_dns: flag(settings.serve_dns_servers_enabled, |has| has.serve_dns),
        dns,
    }))
}

/// Refuses what is wrong whatever the network is: a text that is none of what its field takes.
pub(super) fn check_form(settings: &NetworkSettings) -> Result<(), Refusal> {
    check_description(settings)?;
    text(settings.cidr_block.as_deref()).map(cidr).transpose()?;
    let addresses = [
        ("dhcpStartAddress", settings.dhcp_start_address.as_deref()),
        ("dhcpEndAddress", settings.dhcp_end_address.as_deref()),
        ("defaultRoute", settings.default_route.as_deref()),
    ];
    for (field, given) in addresses {
        text(given).map(|given| address(field, given)).transpose()?;
    }
    let servers = settings.dns_servers.as_ref();
    servers.map(|servers| dns(&servers.text())).transpose()?;
    Ok(())
}

/// Refuses a description that is too long.
fn check_description(settings: &NetworkSettings) -> Result<(), Refusal> {
    let count = settings
        .description
        .as_deref()
        .map_or(0, |text| text.chars().count());
    if count <= DESCRIPTION_LIMIT {
        return Ok(());
    }
    let text = format!("has {count} characters; at most {DESCRIPTION_LIMIT} are right");
    Err(Refusal::field("description", text))
}

/// A custom network is plain layer 2: whoever wishes more of it would be disappointed.
fn nothing_of(settings: &NetworkSettings) -> Result<(), Refusal> {
    let dns = settings.dns_servers.as_ref().map(|servers| servers.text());
    let texts = [
        ("cidrBlock", settings.cidr_block.as_deref()),
        ("dhcpStartAddress", settings.dhcp_start_address.as_deref()),
        ("dhcpEndAddress", settings.dhcp_end_address.as_deref()),
        ("defaultRoute", settings.default_route.as_deref()),
        ("dnsServers", dns.as_deref()),
    ];
    let flags = [
        ("snatEnabled", settings.snat_enabled),
        ("dhcpServerEnabled", settings.dhcp_server_enabled),
        ("defaultRouteEnabled", settings.default_route_enabled),
        ("serveDNSServersEnabled", settings.serve_dns_servers_enabled),
    ];
    let texts = texts
        .into_iter()
        .filter(|(_, given)| text(*given).is_some());
    let flags = flags.into_iter().filter(|(_, given)| *given == Some(true));
    let mut wished = texts
        .map(|(field, _)| field)
        .chain(flags.map(|(field, _)| field));
    match wished.next() {
        None => Ok(()),
        Some(field) => {
            let text = "a custom network is plain layer 2 and has none; leave it out, or make a \
                standard one";
            Err(Refusal::field(field, text))
        }
    }
}

/// An empty text counts as absent.
fn text(given: Option<&str>) -> Option<&str> {
    given.map(str::trim).filter(|given| !given.is_empty())
}

fn cidr(text: &str) -> Result<Cidr, Refusal> {
    let refusal = |why: String| Refusal::field("cidrBlock", why);
    let example = "a network address with its mask is right, for example 10.0.0.0/24";
    let parts = text.split_once('/').and_then(|(network, prefix)| {
        let plain = prefix.bytes().all(|byte| byte.is_ascii_digit());
        Some((
            network.parse::<Ipv4Addr>().ok()?,
            prefix.parse::<u8>().ok().filter(|_| plain)?,
        ))
    });
    let long = text.split_once('/').is_some_and(|(_, mask)| mask.len() > 2);
    let Some((address, prefix)) = parts.filter(|_| !long) else {
        return Err(refusal(format!("is not of that form; {example}")));
    };
    if !PREFIXES.contains(&prefix) {
        let (least, most) = (PREFIXES.start(), PREFIXES.end());
        return Err(refusal(format!(
            "has the mask /{prefix}; /{least} to /{most} are right"
        )));
    }
    let (first, _) = Cidr {
        network: address,
        prefix,
    }
    .span();
    let mask = u32::MAX << (32 - u32::from(prefix));
    let network = Ipv4Addr::from(first & mask);
    if network != address {
        let text = format!("{address} is no network address of /{prefix}; {network}/{prefix} is");
        return Err(refusal(text));
    }
    if matches!(network.octets()[0], 0 | 127 | 224..) {
        let text = format!("{network}/{prefix} has no addresses for machines; {example}");
        return Err(refusal(text));
    }
    Ok(Cidr { network, prefix })
}

/// Hosts of a block: neither its network address nor its broadcast address.
pub(super) fn hosts(cidr: Cidr) -> (u32, u32) {
    let (first, last) = cidr.span();
    (first + 1, last - 1)
}

/// Deployed clients always send `10.0.0.1`, whatever the block: one that lies outside is not meant.
fn gateway(
    settings: &NetworkSettings,
    cidr: Cidr,
    has: Option<&Subnet>,
) -> Result<Ipv4Addr, Refusal> {
    let (first, last) = hosts(cidr);
    let usual = has.map_or(Ipv4Addr::from(first), |has| has.gateway);
    let Some(given) = text(settings.default_route.as_deref()) else {
        return Ok(usual);
    };
    let address = address("defaultRoute", given)?;
    let is_host = (first..=last).contains(&u32::from(address));
    Ok(if is_host { address } else { usual })
}

fn range(
    settings: &NetworkSettings,
    cidr: Cidr,
    (has, gateway): (Option<&Subnet>, Ipv4Addr),
) -> Result<(Ipv4Addr, Ipv4Addr), Refusal> {
    let (first, last) = hosts(cidr);
    let usual = has.map_or((Ipv4Addr::from(first), Ipv4Addr::from(last)), |has| {
        (has.first, has.last)
    });
    let end = |field: &str, given: Option<&str>, usual: Ipv4Addr| match text(given) {
        None => Ok(usual),
        Some(given) => {
            let address = address(field, given)?;
            if (first..=last).contains(&u32::from(address)) {
                return Ok(address);
            }
            let (first, last) = (Ipv4Addr::from(first), Ipv4Addr::from(last));
            let text = format!("{address} is no host of {cidr}; {first} to {last} are right");
            Err(Refusal::field(field, text))
        }
    };
    let start = end(
        "dhcpStartAddress",
        settings.dhcp_start_address.as_deref(),
        usual.0,
    )?;
    let stop = end(
        "dhcpEndAddress",
        settings.dhcp_end_address.as_deref(),
        usual.1,
    )?;
    if start > stop {
        let text = format!("{stop} lies before dhcpStartAddress, {start}");
        return Err(Refusal::field("dhcpEndAddress", text));
    }
    if start == stop && start == gateway {
        let text = format!("only {gateway} is left, which is the gateway's; widen the range");
        return Err(Refusal::field("dhcpEndAddress", text));
    }
    Ok((start, stop))
}

fn address(field: &str, text: &str) -> Result<Ipv4Addr, Refusal> {
    text.parse().map_err(|_| {
        let text = "is no IPv4 address; four numbers with points between are right, for example \
            10.0.0.10";
        Refusal::field(field, text)
    })
}

fn dns(text: &str) -> Result<Vec<Ipv4Addr>, Refusal> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts.map(|part| address("dnsServers", part)).collect()
}

#[cfg(test)]
mod tests;
