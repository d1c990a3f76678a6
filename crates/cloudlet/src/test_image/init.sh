#!/bin/busybox sh
# The first process of the test image's guest: drivers, the power button, an address, one line that says
# that it is ready, and a shell on the serial console.
export PATH=/bin
/bin/busybox mkdir -p /proc /sys /dev /tmp /run
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev 2>/dev/null
/bin/busybox --install -s /bin
exec </dev/ttyS0 >/dev/ttyS0 2>&1
echo "cloudlet test image: starting"
for module in $(cat /modules); do insmod "/mod/$module.ko" || echo "no driver $module"; done

# One of several input devices is the power button, and it need not be the first.
for event in /sys/class/input/event*; do
    [ "$(cat "$event/device/name")" = "Power Button" ] || continue
    (
        dd if="/dev/input/${event##*/}" bs=24 count=1 >/dev/null 2>&1
        echo "cloudlet test image: powering off"
        sync
        poweroff -f
    ) &
done

ip link set lo up
if [ -e /sys/class/net/eth0 ]; then
    ip link set eth0 up
    udhcpc -i eth0 -q -t 5 -T 1 -s /udhcpc.sh >/dev/null 2>&1 &
fi
echo "cloudlet test image: ready after $(cut -d' ' -f1 /proc/uptime) s"
while :; do
    setsid cttyhack sh </dev/ttyS0 || sh
    sleep 1
done
