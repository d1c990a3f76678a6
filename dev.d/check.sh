# `./dev check`: everything that can be said of the sources without running the program.

check() {
    step "Formatting" cargo fmt --all --check
    step "Lints" cargo clippy --workspace --all-targets --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" step "Documentation" \
        cargo doc --workspace --no-deps --document-private-items --locked
    step "Licences, sizes, directions" cargo nextest run --workspace --locked --test it -E 'test(/^tidy::/)'
    step "Spelling" spelling
    step "Shell syntax" shell_syntax
    say "All checks passed."
}

step() { # TITLE COMMAND…
    say "== $1"
    "${@:2}" || {
        say "$1: failed. The command was: ${*:2}"
        exit 1
    }
}

spelling() {
    local venv="$target/typos"
    [ -x "$venv/bin/typos" ] || {
        python3 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check typos==1.52.0
    }
    "$venv/bin/typos"
}

shell_syntax() {
    bash -n dev && bash -n .ci/run || return 1
    local file
    for file in dev.d/*.sh; do bash -n "$file" || return 1; done
    for file in examples/shell/*.sh; do bash -n "$file" && dash -n "$file" || return 1; done
}
