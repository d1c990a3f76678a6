//! Every way to say a network's addresses, right and wrong.

use super::subnet;
use api::network::{NetworkSettings, NetworkType};

fn settings(cidr: &str) -> NetworkSettings {
    NetworkSettings {
        cidr_block: Some(cidr.to_owned()),
        ..NetworkSettings::default()
    }
}

#[test]
fn what_is_usual() {
    let made = subnet(NetworkType::Standard, &settings("10.1.0.0/24"), None);
    let made = made.expect("well-formed").expect("standard");
    let shown = [made.gateway, made.first, made.last].map(|address| address.to_string());
    assert_eq!(shown, ["10.1.0.1", "10.1.0.1", "10.1.0.254"]);
    assert!(made.snat && made.dhcp && made.default_route && made.serve_dns);
    let numbers = [0x0a01_0002, 0x0a01_00fe];
    assert_eq!(
        made.ranges(),
        [(numbers[0], numbers[1])],
        "never the gateway"
    );
}

#[test]
fn blocks_that_are_none() {
    for (block, words) in [
        ("10.0.0.1/24", "10.0.0.0/24 is"),
        ("10.0.0.0", "not of that form"),
        ("10.0.0.0/+24", "not of that form"),
        ("10.0.0/24", "not of that form"),
        ("10.0.0.0/33", "/33"),
        ("10.0.0.0/024", "not of that form"),
        ("0.0.0.0/8", "no addresses for machines"),
        ("127.0.0.0/8", "no addresses for machines"),
        ("224.0.0.0/24", "no addresses for machines"),
        ("255.255.255.0/24", "no addresses for machines"),
        ("10.0.0.0/31", "/8 to /30"),
        ("0.0.0.0/0", "/8 to /30"),
        ("fe80::/64", "not of that form"),
        ("", "is missing"),
    ] {
        let refused = subnet(NetworkType::Standard, &settings(block), None);
        let refused = refused.expect_err(block);
        assert_eq!(
            refused.details.field.as_deref(),
            Some("cidrBlock"),
            "{block}"
        );
        assert!(
            refused.message.contains(words),
            "{block}: {}",
            refused.message
        );
    }
}

#[test]
fn ranges_lie_inside() {
    for (start, end, field) in [
        ("10.0.0.10", "10.0.0.20", None),
        ("10.0.1.10", "", Some("dhcpStartAddress")),
        ("10.0.0.0", "", Some("dhcpStartAddress")),
        ("", "10.0.0.255", Some("dhcpEndAddress")),
        ("10.0.0.20", "10.0.0.10", Some("dhcpEndAddress")),
        ("10.0.0.1", "10.0.0.1", Some("dhcpEndAddress")),
        ("ten", "", Some("dhcpStartAddress")),
    ] {
        let body = NetworkSettings {
            dhcp_start_address: Some(start.to_owned()),
            dhcp_end_address: Some(end.to_owned()),
            ..settings("10.0.0.0/24")
        };
        let refused = subnet(NetworkType::Standard, &body, None).err();
        let found = refused.and_then(|refusal| refusal.details.field);
        assert_eq!(found.as_deref(), field, "{start} to {end}");
    }
}

#[test]
fn a_gateway_outside_is_not_meant() {
    let body = NetworkSettings {
        default_route: Some("10.0.0.1".to_owned()),
        ..settings("192.168.7.0/24")
    };
    let made = subnet(NetworkType::Standard, &body, None).expect("taken");
    assert_eq!(made.expect("standard").gateway.to_string(), "192.168.7.1");
}

#[test]
fn a_custom_network_has_nothing_of_this() {
    let empty = NetworkSettings {
        snat_enabled: Some(false),
        ..settings("")
    };
    assert_eq!(subnet(NetworkType::Custom, &empty, None), Ok(None));
    let refused = subnet(NetworkType::Custom, &settings("10.0.0.0/24"), None);
    let field = refused.expect_err("plain").details.field;
    assert_eq!(field.as_deref(), Some("cidrBlock"));
}

#[test]
fn what_is_absent_stays() {
    let first = subnet(NetworkType::Standard, &settings("10.0.0.0/24"), None);
    let first = first.expect("well-formed");
    let change = NetworkSettings {
        snat_enabled: Some(false),
        dhcp_start_address: Some("10.0.0.100".to_owned()),
        ..NetworkSettings::default()
    };
    let second = subnet(NetworkType::Standard, &change, first.as_ref()).expect("well-formed");
    let second = second.expect("standard");
    assert!(!second.snat && second.dhcp);
    assert_eq!(second.first.to_string(), "10.0.0.100");
    assert_eq!(second.last.to_string(), "10.0.0.254");
}
