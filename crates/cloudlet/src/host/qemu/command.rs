//! The command line of a launch: a pure function, so that a table can test it.

use super::{accelerator::Accelerator, folder::Folder, process};
use api::ResourceId;
use model::spec::NicSpec;
use std::{ffi::OsString, net::Ipv4Addr, path::Path};

/// MiB of translated code that an emulated guest may fill. It bounds the process's memory.
const TRANSLATION_MIB: u32 = 128;

/// What a launch is of.
pub(super) struct Launch<'a> {
    /// The machine.
    pub(super) resource: ResourceId,
    /// Its boot number.
    pub(super) boot: u64,
    /// Cores.
    pub(super) cpus: u32,
    /// Memory in GB.
    pub(super) memory_gb: u32,
    /// Its interfaces; this driver gives the first one a card.
    pub(super) nics: &'a [NicSpec],
    /// What runs the guest's code.
    pub(super) accelerator: Accelerator,
}

/// QEMU's arguments. It starts paused, splits off, and holds the lock of its process id.
pub(super) fn arguments(launch: &Launch<'_>, folder: &Folder) -> Vec<OsString> {
    let mut line = Line::default();
    line.two(
        "-name",
        format!("{},debug-threads=on", process::name(launch.boot)),
    );
    line.two("-uuid", launch.resource.0.to_string());
    for flag in ["-nodefaults", "-no-user-config", "-S", "-daemonize"] {
        line.0.push(flag.into());
    }
    line.two("-display", "none");
    match launch.accelerator {
        Accelerator::Kvm => {
            line.two("-accel", "kvm");
            line.two("-cpu", "host");
        }
        Accelerator::Tcg => {
            line.two(
                "-accel",
                format!("tcg,thread=multi,tb-size={TRANSLATION_MIB}"),
            );
            line.two("-cpu", "max");
        }
    }
    line.two("-M", "q35");
    line.two("-smp", launch.cpus.to_string());
    line.two("-m", format!("{}M", u64::from(launch.memory_gb) * 1024));
    line.path("-pidfile", "", &folder.pid(), "");
    line.path("-qmp", "unix:", &folder.monitor(), ",server=on,wait=off");
    // Appended to, so that the file may be cut while QEMU has it open.
    line.path(
        "-chardev",
        "file,id=console,append=on,path=",
        &folder.console(),
        "",
    );
    line.two("-serial", "chardev:console");
    line.two("-device", "virtio-serial-pci");
    line.path(
        "-chardev",
        "socket,id=agent,server=on,wait=off,path=",
        &folder.agent(),
        "",
    );
    line.two(
        "-device",
        "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
    );
    line.path(
        "-blockdev",
        "driver=qcow2,node-name=disk,discard=unmap,file.driver=file,file.filename=",
        &folder.disk(),
        "",
    );
    line.two("-device", "virtio-blk-pci,drive=disk,bootindex=0");
    line.two("-device", "virtio-rng-pci");
    if let Some(nic) = launch.nics.first() {
        line.two("-netdev", user_network(nic.address));
        line.two(
            "-device",
            format!("virtio-net-pci,netdev=net0,mac={},romfile=", nic.mac),
        );
    }
    line.0
}

/// A network of the machine's own: it reaches the outside, and nothing reaches it. DHCP hands out the
/// address that the API shows.
fn user_network(address: Option<Ipv4Addr>) -> String {
    let Some(address) = address else {
        return "user,id=net0".to_owned();
    };
    let [a, b, ..] = address.octets();
    let others = (1..=3).map(|last| Ipv4Addr::new(a, b, 0, last));
    let mut others = others.filter(|other| *other != address);
    let mut other = || others.next().unwrap_or(Ipv4Addr::new(a, b, 0, 4));
    let (gateway, names) = (other(), other());
    // As large as the default networks, the only ones here: in a smaller one some of their addresses
    // would be the network's own or its broadcast.
    format!("user,id=net0,net={a}.{b}.0.0/16,host={gateway},dns={names},dhcpstart={address}")
}

#[derive(Default)]
struct Line(Vec<OsString>);

impl Line {
    fn two(&mut self, flag: &str, value: impl Into<OsString>) {
        self.0.extend([flag.into(), value.into()]);
    }

    /// In QEMU's lists of options a comma of a path stands twice.
    fn path(&mut self, flag: &str, before: &str, path: &Path, after: &str) {
        let shown = path.to_string_lossy();
        let shown = if flag == "-pidfile" {
            shown.into_owned()
        } else {
            shown.replace(',', ",,")
        };
        self.two(flag, format!("{before}{shown}{after}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_a_default_network_is_one_that_a_guest_can_have() {
        for (address, gateway, names) in [
            ("10.128.0.7", "10.128.0.1", "10.128.0.2"),
            ("10.128.0.1", "10.128.0.2", "10.128.0.3"),
            ("10.128.0.2", "10.128.0.1", "10.128.0.3"),
            ("10.128.0.255", "10.128.0.1", "10.128.0.2"),
            ("10.128.1.0", "10.128.0.1", "10.128.0.2"),
            ("10.128.255.254", "10.128.0.1", "10.128.0.2"),
        ] {
            let expected = format!(
                "user,id=net0,net=10.128.0.0/16,host={gateway},dns={names},dhcpstart={address}"
            );
            assert_eq!(user_network(address.parse().ok()), expected);
        }
        assert_eq!(user_network(None), "user,id=net0");
    }
}
