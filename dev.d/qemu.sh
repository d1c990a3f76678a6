# QEMU: the programs that run real machines, all of them at one version.

qemu_version() { LC_ALL=C "$1" --version 2>/dev/null | sed -n '1s/.*version \([0-9.]*\).*/\1/p'; }

qemu_is_whole() {
    local machine image
    machine=$(qemu_version qemu-system-x86_64)
    image=$(qemu_version qemu-img)
    [ -n "$machine" ] && [ "$machine" = "$image" ]
}

# need_qemu: installs it, or says in one line why not and returns 1.
need_qemu() {
    local version
    ! qemu_is_whole || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "Missing on this machine: QEMU. Install it with: sudo apt-get install --no-install-recommends qemu-system-x86 qemu-utils"
        return 1
    fi
    say "Missing on this machine: QEMU, which runs real machines. Installing with apt-get (17 MB)."
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update >/dev/null || say "The lists of packages could not be refreshed; trying with those at hand."
    # The candidate first, then whatever else is on offer: where a suite that is gone has left a part of a
    # newer one, only a version that has all four packages can be had, and apt goes back for nothing by itself.
    while read -r version; do
        qemu_packages "$version" -s >/dev/null 2>&1 || continue
        qemu_packages "$version" >/dev/null 2>&1
        ! qemu_is_whole || return 0
    done < <(
        LC_ALL=C apt-cache policy qemu-system-x86 | sed -n 's/^ *Candidate: //p'
        LC_ALL=C apt-cache madison qemu-system-x86 | awk '{print $3}'
    )
    say "QEMU could not be installed: no version of it has all of its packages here."
    return 1
}

qemu_packages() { # VERSION [apt-get's options]; the data's package has no suffix of a rebuild
    local version=$1
    apt-get -qq -y --no-install-recommends --allow-downgrades -o DPkg::Lock::Timeout=120 "${@:2}" install \
        "qemu-system-x86=$version" "qemu-system-common=$version" "qemu-utils=$version" \
        "qemu-system-data=${version%+b[0-9]*}" </dev/null
}
