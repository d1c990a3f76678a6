# What a command of ./dev needs on this machine, and how it gets there.

say() { printf '%s\n' "$*" >&2; }

# need NAME… makes sure that each is there: Debian packages together, the rest one by one.
need() {
    local name missing=()
    PATH="$PATH:${HOME:-/nowhere}/.cargo/bin"
    for name in "$@"; do
        case "$name" in
        cargo | fmt | clippy | nextest | schemathesis | typescript) ;;
        cc) command -v cc >/dev/null || missing+=(build-essential) ;;
        go) command -v go >/dev/null || missing+=(golang-go) ;;
        node) command -v node >/dev/null || missing+=(nodejs) ;;
        venv) python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv) ;;
        *) command -v "$name" >/dev/null || missing+=("$name") ;;
        esac
    done
    ((${#missing[@]} == 0)) || need_packages "${missing[@]}"
    for name in "$@"; do
        case "$name" in
        cargo) need_cargo ;;
        fmt) need_component fmt rustfmt ;;
        clippy) need_component clippy clippy ;;
        nextest) need_nextest ;;
        schemathesis) need_schemathesis ;;
        typescript) need_typescript ;;
        esac
    done
}

need_packages() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "Missing on this machine: $*. Install with:"
        say "  sudo apt-get update && sudo apt-get install -y $*"
        exit 1
    fi
    say "Missing on this machine: $*. Installing with apt-get."
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

need_cargo() {
    command -v cargo >/dev/null && return
    say "Cloudlet is built with Rust. Install a toolchain (1.95 or later) from https://rustup.rs, then try again."
    exit 1
}

need_component() { # SUBCOMMAND COMPONENT
    cargo "$1" --version >/dev/null 2>&1 && return
    say "Missing in this Rust toolchain: $2. Installing with: rustup component add $2"
    rustup component add "$2"
}

need_nextest() {
    cargo nextest --version >/dev/null 2>&1 && return
    say "Missing on this machine: cargo-nextest, which runs the tests. Building it, once: about 5 minutes on two cores."
    cargo install cargo-nextest --locked
}

# Into the target directory, from PyPI; the marker is written last, so that half an install is done again.
need_schemathesis() {
    local venv="$target/schemathesis"
    cmp -s dev.d/schemathesis.txt "$venv/installed.txt" && return
    say "Missing on this machine: Schemathesis, which tests the API against its document. Installing it into $venv."
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r dev.d/schemathesis.txt
    cp dev.d/schemathesis.txt "$venv/installed.txt"
}

# The same for the compiler of examples/typescript, from npm.
need_typescript() {
    local folder="$target/typescript"
    cmp -s examples/typescript/package-lock.json "$folder/installed.json" && return
    say "Missing on this machine: TypeScript, which checks a client. Installing it into $folder."
    rm -rf "$folder"
    mkdir -p "$folder"
    cp examples/typescript/package.json examples/typescript/package-lock.json "$folder"
    (cd "$folder" && npm ci --silent --no-audit --no-fund --ignore-scripts)
    cp "$folder/package-lock.json" "$folder/installed.json"
}
