# Building the binary so that one sees that it lives.

target="${CARGO_TARGET_DIR:-target}"
cloudlet="$target/debug/cloudlet"

build() {
    if [ -x "$cloudlet" ]; then
        say "Building Cloudlet: seconds when little has changed."
    else
        say "Building Cloudlet. The first build takes about 2 minutes on two cores."
    fi
    if [ -t 2 ]; then
        cargo build --locked -p cloudlet
    else
        build_quietly
    fi
}

# Off a terminal cargo's list of crates is noise: a line every 10 s, and all of it only on failure.
build_quietly() {
    local log cargo_pid since=$SECONDS tick=0
    mkdir -p "$target"
    log=$(mktemp "$target/build.XXXXXX")
    cargo build --locked -p cloudlet >"$log" 2>&1 &
    cargo_pid=$!
    trap 'kill "$cargo_pid" 2>/dev/null; rm -f "$log"; exit 130' INT TERM
    while kill -0 "$cargo_pid" 2>/dev/null; do
        sleep 1
        ((++tick % 10)) || say "  building for $((SECONDS - since)) s, $(grep -c Compiling "$log") crates begun"
    done
    trap - INT TERM
    wait "$cargo_pid" || {
        cat "$log" >&2
        rm -f "$log"
        say "The build failed; what the compiler said stands above."
        exit 1
    }
    rm -f "$log"
}
