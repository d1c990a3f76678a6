# `./dev up`: a server with a first machine, and what to type next.

data="${CLOUDLET_DATA:-cloudlet-data}"
server="" url=""

up() {
    local output
    umask 077
    mkdir -p "$data"
    data=$(cd "$data" && pwd)
    # The key lives beside the data it opens, so this never touches a profile that you use elsewhere.
    export CLOUDLET_PROFILE="${CLOUDLET_PROFILE:-$data/profile.toml}"
    output=$(mktemp "$data/stdout.XXXXXX")
    choose_address
    "$cloudlet" serve --listen "$CLOUDLET_LISTEN" --data "$data" >"$output" 2>"$data/server.log" &
    server=$!
    trap 'stop 0' INT TERM HUP
    trap 'stop $?' EXIT
    wait_until_ready "$output"
    rm -f "$output"
    cat "$data/server.log" >&2
    write_env
    first_machine
    what_next
    wait "$server" || { # it should not end by itself
        say "The server ended with status $?. The last lines of $data/server.log:"
        tail -n 20 "$data/server.log" >&2
        exit 1
    }
}

# The default address, or the next free port where something else has it.
choose_address() {
    local port
    [ -z "${CLOUDLET_LISTEN:-}" ] || return 0
    for port in $(seq 8080 8099); do
        export CLOUDLET_LISTEN="127.0.0.1:$port"
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    [ "$port" = 8080 ] || say "Port 8080 is taken by another program: using $port. (CLOUDLET_LISTEN=ADDR:PORT chooses.)"
}

wait_until_ready() { # FILE with the server's stdout
    until url=$(sed -n 's/^cloudlet listening on //p' "$1") && [ -n "$url" ]; do
        kill -0 "$server" 2>/dev/null || {
            cat "$data/server.log" >&2
            rm -f "$1"
            say "The server did not start; what it said stands above."
            exit 1
        }
        sleep 0.05
    done
}

profile_key() { # NAME of the key in the profile
    [ ! -f "$CLOUDLET_PROFILE" ] || sed -n "s/^ *$1 *= *\"\(gpcn_[A-Za-z0-9]*\)\".*/\1/p" "$CLOUDLET_PROFILE" | head -n 1
}

# What the lines of what_next, the README's tour and the examples read.
write_env() {
    local key admin
    key="${CLOUDLET_BOOTSTRAP_API_KEY:-$(profile_key api_key)}"
    admin="${CLOUDLET_BOOTSTRAP_ADMIN_KEY:-$(profile_key admin_key)}"
    export CLOUDLET_URL="$url" CLOUDLET_API_KEY="${key:-${CLOUDLET_API_KEY:-}}"
    cat >"$data/env" <<ENV
export CLOUDLET_URL='$CLOUDLET_URL'
export CLOUDLET_API_KEY='$CLOUDLET_API_KEY'
export CLOUDLET_ADMIN_KEY='${admin:-${CLOUDLET_ADMIN_KEY:-}}'
export CLOUDLET_PROFILE='$CLOUDLET_PROFILE'
export PATH='$(cd "$(dirname "$cloudlet")" && pwd)':"\$PATH"
ENV
}

first_machine() {
    say ""
    say "Creating a virtual machine:  cloudlet vm create first-machine"
    "$cloudlet" vm create first-machine ||
        say "That did not work; the server goes on. What it says: $data/server.log"
}

what_next() {
    cat <<NEXT

Serving at $url until Ctrl-C. In another terminal:

  . $data/env        # address, key and PATH for these lines

  cloudlet vm list
  cloudlet vm create web --count 3
  curl -H "X-API-Key: \$CLOUDLET_API_KEY" \$CLOUDLET_URL/v1/resource/virtual-machines
  sh $PWD/examples/shell/create.sh

The API in a browser: $url/docs      The server's log: $data/server.log
NEXT
}

# Ends the server that this script started, and no other.
stop() { # STATUS to exit with, if the server has none to tell
    local status=$1 ended=0
    trap - INT TERM HUP EXIT
    kill -TERM "$server" 2>/dev/null && say "Stopping. Jobs under way go on at the next start."
    wait "$server" 2>/dev/null || ended=$?
    exit $((status == 0 ? ended : status))
}
