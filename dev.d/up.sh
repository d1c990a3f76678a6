# `./dev up`: a server with a first machine, and what to type next.

data="${CLOUDLET_DATA:-cloudlet-data}"
server="" url="" output="" log="" driver=""

up() {
    umask 077
    mkdir -p "$data"
    data=$(cd "$data" && pwd)
    # The key lives beside the data it opens: neither a profile that you use elsewhere is touched, nor
    # that of other data whose env this shell has read.
    export CLOUDLET_PROFILE="$data/profile.toml"
    unset CLOUDLET_URL CLOUDLET_API_KEY CLOUDLET_ADMIN_KEY
    output=$(mktemp "$data/stdout.XXXXXX")
    choose_address
    choose_driver
    # It becomes server.log once the server is ready: until then that may be another server's.
    log=$(mktemp "$data/starting.XXXXXX")
    "$cloudlet" serve --listen "$CLOUDLET_LISTEN" --data "$data" --driver "$driver" >"$output" 2>"$log" &
    server=$!
    trap 'stop 0' INT TERM HUP
    trap 'stop $?' EXIT
    wait_until_ready "$output" "$log"
    cat "$log" >&2
    [ ! -f "$data/server.log" ] || mv -f "$data/server.log" "$data/server.log.old"
    mv "$log" "$data/server.log"
    rm -f "$output"
    write_env
    first_machine
    what_next
    wait "$server" || { # it should not end by itself
        say "The server ended with status $?. The last lines of $data/server.log:"
        tail -n 20 "$data/server.log" >&2
        exit 1
    }
}

# The default address, or a free port from 18080 on where something else has it: the documents use
# those next to 8080 for servers of their own.
choose_address() {
    local port
    [ -z "${CLOUDLET_LISTEN:-}" ] || return 0
    for port in 8080 $(seq 18080 18099); do
        export CLOUDLET_LISTEN="127.0.0.1:$port"
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    [ "$port" = 8080 ] || say "Port 8080 is taken: using $port. (CLOUDLET_LISTEN=ADDR:PORT chooses.)"
}

# Real machines where that is possible, else simulated ones, with the reason.
choose_driver() {
    driver="${CLOUDLET_DRIVER:-}"
    [ -z "$driver" ] || return 0
    driver=sim
    if [ -e "$data/sim-world.db" ]; then
        say "$data holds simulated machines: going on with those. (Remove it for real ones.)"
    elif ! need_qemu; then
        say "Machines are simulated, since QEMU is not here."
    elif ! "$cloudlet" admin image build-test >/dev/null; then
        say "Machines are simulated, since the test image could not be built; why stands above."
    elif [ "$(printf %s "$data" | wc -c)" -gt 56 ]; then
        say "Machines are simulated, since the path $data is too long for the sockets of real ones."
    else
        driver=qemu
    fi
}

wait_until_ready() { # FILES with the server's stdout and stderr
    until url=$(sed -n 's/^cloudlet listening on //p' "$1") && [ -n "$url" ]; do
        kill -0 "$server" 2>/dev/null || {
            cat "$2" >&2
            say "The server did not start; what it said stands above."
            ! grep -q 'is in use by' "$2" || served_already
            exit 1
        }
        sleep 0.05
    done
}

# This data has a server; the profile says where, and brings it up to date at each start.
served_already() {
    local at
    [ -f "$CLOUDLET_PROFILE" ] || return 0
    at=$(sed -n 's/^ *url *= *"\([^"]*\)".*/\1/p' "$CLOUDLET_PROFILE" | head -n 1)
    [ -z "$at" ] || say "This data is served already, at $at. Its keys: . $data/env"
}

profile_key() { # NAME of the key in the profile
    [ ! -f "$CLOUDLET_PROFILE" ] || sed -n "s/^ *$1 *= *\"\(gpcn_[A-Za-z0-9]*\)\".*/\1/p" "$CLOUDLET_PROFILE" | head -n 1
}

env_key() { # NAME of the variable in what was written before
    [ ! -f "$data/env" ] || sed -n "s/^export $1='\(gpcn_[A-Za-z0-9]*\)'.*/\1/p" "$data/env" | head -n 1
}

# What the lines of what_next, the README's tour and the examples read.
write_env() {
    local key admin
    key="${CLOUDLET_BOOTSTRAP_API_KEY:-$(profile_key api_key)}"
    admin="${CLOUDLET_BOOTSTRAP_ADMIN_KEY:-$(profile_key admin_key)}"
    # Keys that were given at the first start stand in no profile, but in what was written then.
    key="${key:-$(env_key CLOUDLET_API_KEY)}"
    admin="${admin:-$(env_key CLOUDLET_ADMIN_KEY)}"
    [ -n "$key" ] || say "No key of this data is known here. Its operator can make one:" \
        "CLOUDLET_URL=$url CLOUDLET_ADMIN_KEY=… cloudlet admin key create default NAME"
    export CLOUDLET_URL="$url" CLOUDLET_API_KEY="$key"
    cat >"$data/env" <<ENV
export CLOUDLET_URL='$CLOUDLET_URL'
export CLOUDLET_API_KEY='$CLOUDLET_API_KEY'
export CLOUDLET_ADMIN_KEY='$admin'
export CLOUDLET_PROFILE='$CLOUDLET_PROFILE'
export PATH='$(cd "$(dirname "$cloudlet")" && pwd)':"\$PATH"
ENV
}

first_machine() {
    say ""
    if "$cloudlet" vm show first-machine >/dev/null 2>&1; then
        say "first-machine is there already:  cloudlet vm show first-machine"
        return 0
    fi
    local words=(vm create first-machine)
    [ "$driver" != qemu ] || words+=(--console)
    say "Creating a virtual machine:  cloudlet ${words[*]}"
    "$cloudlet" "${words[@]}" || {
        say "That did not work; the server goes on. What it says: $data/server.log"
        return 0
    }
    [ "$driver" != qemu ] || say "It is a real one. More of its console:  cloudlet vm console first-machine --follow"
}

what_next() {
    cat <<NEXT

Serving at $url until Ctrl-C. In another terminal:

  . $data/env    # address, key, PATH

  cloudlet vm list
  cloudlet vm create web --count 3
  curl -H "X-API-Key: \$CLOUDLET_API_KEY" \\
    "\$CLOUDLET_URL/v1/resource/virtual-machines"
  sh $PWD/examples/shell/create.sh

The API in a browser: $url/docs
The server's log: $data/server.log
NEXT
}

# Ends the server that this script started, and no other.
stop() { # STATUS to exit with, if the server has none to tell
    local status=$1 ended=0
    trap - INT TERM HUP EXIT
    kill -TERM "$server" 2>/dev/null && say "Stopping. Jobs under way go on at the next start."
    [ "$driver" != qemu ] || say "Machines that run go on without it; the next ./dev up finds them. (vm delete ends one.)"
    wait "$server" 2>/dev/null || ended=$?
    rm -f "$output" "$log"
    exit $((status == 0 ? ended : status))
}
