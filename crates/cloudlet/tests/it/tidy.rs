//! House rules that no compiler checks: sizes, directions, licences, and what the rules may depend on.
//!
//! Each test names every offender at once, and what to do about it.

use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The longest a source file may be, its tests included.
const MAX_FILE_LINES: usize = 800;

/// Files that nobody writes by hand.
const GENERATED: &[&str] = &["Cargo.lock", "openapi.json", "LICENSE"];

/// `(module, what it must never mention, why)` within `crates/cloudlet/src`.
const DIRECTIONS: &[(&str, &str, &str)] = &[
    (
        "store",
        "http",
        "the store knows rules and rows, not requests",
    ),
    (
        "store",
        "engine",
        "the engine uses the store, never the reverse",
    ),
    ("store", "host", "no driver is called inside a transaction"),
    ("host", "store", "a host never has database credentials"),
    ("host", "http", "a host knows no requests"),
    (
        "http",
        "host",
        "a handler goes through the store; the engine drives hosts",
    ),
    ("engine", "http", "jobs go on without a request"),
];

/// All that the rules may be compiled with: data formats, ids and times as plain values.
const MODEL_MAY_USE: &[&str] = &[
    "api",
    "itoa",
    "jiff",
    "jiff-core",
    "memchr",
    "proc-macro2",
    "quote",
    "serde",
    "serde_core",
    "serde_derive",
    "serde_json",
    "serde_spanned",
    "syn",
    "toml",
    "toml_datetime",
    "toml_parser",
    "toml_writer",
    "unicode-ident",
    "uuid",
    "winnow",
    "zmij",
];

/// Parts of the standard library through which a rule could reach the world.
const MODEL_MUST_NOT_MENTION: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io",
    "std::net::Tcp",
    "std::net::Udp",
    "std::net::ToSocketAddrs",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "SystemTime",
    "now_v7",
    "new_v4",
];

/// Licences that may be linked into one binary under Apache-2.0.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[test]
fn files_stay_readable() {
    let long = tracked()
        .into_iter()
        .filter(|path| !GENERATED.contains(&path.as_str()) && !path.ends_with(".snap"))
        .filter_map(|path| Some((text(&path)?.lines().count(), path)))
        .filter(|(lines, _)| *lines > MAX_FILE_LINES)
        .map(|(lines, path)| {
            format!("{path} has {lines} lines, at most {MAX_FILE_LINES}: split it by idea")
        });
    none_of(long);
}

#[test]
fn no_file_names_the_machine_it_was_written_on() {
    // Put together here so that this file does not name them itself.
    let paths = ["work", "root", "home", "Users"].map(|folder| format!("/{folder}/"));
    none_of(lines_of_tracked().filter_map(|(place, line)| {
        let path = paths.iter().find(|path| line.contains(path.as_str()))?;
        Some(format!(
            "{place} mentions {path}: use a path inside the repository"
        ))
    }));
}

#[test]
fn modules_point_one_way() {
    let mut wrong = Vec::new();
    for path in tracked() {
        let Some(rest) = path.strip_prefix("crates/cloudlet/src/") else {
            continue;
        };
        let module = rest.split(['/', '.']).next().unwrap();
        let used = modules_used(&text(&path).unwrap());
        for (from, to, why) in DIRECTIONS {
            if module == *from && used.contains(*to) {
                wrong.push(format!("{path} mentions crate::{to}: {why}"));
            }
        }
        if !["cli", "main"].contains(&module) && used.contains("cli") {
            wrong.push(format!("{path} mentions the command line: only main may"));
        }
    }
    none_of(wrong);
}

/// `cargo tree` walks the resolved graph with the features that the model asks for by itself; the
/// graph in `cargo metadata` has those of all members together, the server's OpenAPI included.
#[test]
fn the_rules_cannot_reach_the_world() {
    let tree = cargo(&[
        "tree",
        "--package",
        "model",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let used: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(
        used.contains("model") && used.contains("serde_core"),
        "not the graph that was asked for:\n{tree}"
    );
    none_of(used.iter().filter(|name| **name != "model" && !MODEL_MAY_USE.contains(name)).map(|name| {
        format!("model depends on {name}: take it out, or list it in MODEL_MAY_USE if it can do no I/O")
    }));
    none_of(
        lines_of_tracked()
            .filter(|(place, _)| place.starts_with("crates/model/src/"))
            .filter_map(|(place, line)| {
                let code = line.split("//").next()?;
                let found = MODEL_MUST_NOT_MENTION
                    .iter()
                    .find(|name| code.contains(**name))?;
                Some(format!(
                    "{place} mentions {found}: facts and time are passed in"
                ))
            }),
    );
}

#[test]
fn every_licence_is_allowed() {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version", "1"])).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(
        packages.len() > 50,
        "only {} packages: not the graph that was asked for",
        packages.len()
    );
    none_of(packages.iter().filter_map(|package| {
        let licence = package["license"].as_str().unwrap_or("none named");
        let (name, version) = (package["name"].as_str()?, package["version"].as_str()?);
        (!allowed(licence)).then(|| format!("{name} {version} is under {licence}"))
    }));
}

#[test]
fn every_crate_comes_from_the_public_registry() {
    let lock = text("Cargo.lock").unwrap();
    let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    none_of(
        lock.lines()
            .filter(|line| line.starts_with("source = ") && *line != public),
    );
}

#[test]
fn decisions_are_numbered_once() {
    let mut numbers = BTreeSet::new();
    none_of(tracked().into_iter().filter_map(|path| {
        let name = path.strip_prefix("docs/decisions/")?;
        let (number, title) = name.split_once('-').unwrap_or((name, ""));
        let numbered = number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit());
        let fine = numbered && title.ends_with(".md") && numbers.insert(number.to_owned());
        (!fine).then(|| format!("{path}: call it NNNN-title.md with a number of its own"))
    }));
}

/// Words that end the name of a constant which bounds something.
const BOUNDS: &[&str] = &[
    "LIMIT",
    "TIMEOUT",
    "PATIENCE",
    "RETENTION_MS",
    "INTERVAL_MS",
    "ATTEMPTS",
    "SLOTS",
    "RETRY",
    "BATCH",
    "MAX",
    "CACHED",
    "KEPT",
    "WAITING",
    "READERS",
    "STALL_MS",
    "FIRST_MS",
    "LONGEST_MS",
];

#[test]
fn every_limit_stands_in_the_architecture() {
    let table = text("ARCHITECTURE.md").unwrap();
    let server = [
        "crates/model/src/",
        "crates/cloudlet/src/",
        "crates/client/src/",
    ];
    let of_server = |path: &String| {
        server.iter().any(|folder| path.starts_with(folder)) && !path.contains("/cli/")
    };
    none_of(
        lines_of_tracked()
            .filter(|(path, _)| of_server(path))
            .filter_map(|(path, line)| {
                let (_, declared) = line.split_once("const ")?;
                let (name, _) = declared.split_once(':')?;
                let bounds = BOUNDS.iter().any(|word| name.ends_with(word));
                // `crates/client/src/pace.rs:7` stands there as `client/pace.rs`.
                let (file, _line) = path.rsplit_once(':')?;
                let file = file.replacen("crates/", "", 1).replacen("/src/", "/", 1);
                let row = |line: &str| {
                    line.starts_with(&format!("| `{name}` |"))
                        && line.ends_with(&format!("| `{file}` |"))
                };
                let known = table.lines().any(row);
                (bounds && !known)
                    .then(|| format!("ARCHITECTURE.md's table has no row of {name} in {file}"))
            }),
    );
}

#[test]
fn every_error_code_is_explained() {
    let page = text("docs/errors.md").unwrap();
    none_of(api::ErrorCode::ALL.iter().filter_map(|code| {
        let row = format!("| `{}` | {} |", code.as_str(), code.status());
        (!page.contains(&row)).then(|| format!("docs/errors.md has no row that begins with: {row}"))
    }));
}

#[test]
fn licence_expressions_are_read_as_they_are_meant() {
    for (licence, expected) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT", true),
        ("GPL-3.0-only AND MIT", false),
        ("GPL-2.0/MIT", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND GPL-2.0", false),
        ("GPL-2.0 OR (MIT AND ISC)", true),
        ("MIT OR GPL-2.0 AND GPL-3.0", true),
        ("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true),
        ("none named", false),
    ] {
        assert_eq!(allowed(licence), expected, "{licence}");
    }
}

#[test]
fn module_mentions_are_found_in_every_form() {
    let text = "use crate::store::Store;\nuse crate::{\n    engine::{self, http},\n    host,\n};\n\
                // crate::cli is only talked about\nlet x = crate::config::Config;\nuse cloudlet::model;";
    let found: Vec<String> = modules_used(text).into_iter().collect();
    assert_eq!(found, ["config", "engine", "host", "model", "store"]);
}

/// Fails with every line of `wrong`, if there is one.
fn none_of<T: AsRef<str>>(wrong: impl IntoIterator<Item = T>) {
    let wrong: Vec<T> = wrong.into_iter().collect();
    let listed: Vec<&str> = wrong.iter().map(AsRef::as_ref).collect();
    assert!(wrong.is_empty(), "\n{}\n", listed.join("\n"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file that is in the repository or about to be, by its path from the root.
fn tracked() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git is there: this is a clone");
    assert!(
        output.status.success(),
        "git ls-files: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let listed = String::from_utf8(output.stdout).unwrap();
    let files: Vec<String> = listed
        .lines()
        .filter(|path| root().join(path).is_file())
        .map(str::to_owned)
        .collect();
    assert!(
        files.iter().any(|path| path == "Cargo.toml"),
        "not the repository: {files:?}"
    );
    files
}

/// The file as text; `None` for pictures and the like.
fn text(path: &str) -> Option<String> {
    String::from_utf8(fs::read(root().join(path)).unwrap()).ok()
}

/// Every line of every text file, with `file:line` before it.
fn lines_of_tracked() -> impl Iterator<Item = (String, String)> {
    tracked().into_iter().flat_map(|path| {
        let text = text(&path).unwrap_or_default();
        let lines: Vec<(String, String)> = text
            .lines()
            .zip(1..)
            .map(|(line, number)| (format!("{path}:{number}"), line.to_owned()))
            .collect();
        lines
    })
}

/// Runs cargo on this workspace, for this platform, without the network.
fn cargo(arguments: &[&str]) -> String {
    let version = Command::new(env!("CARGO")).arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let platform = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let filter = if arguments[0] == "tree" {
        "--target"
    } else {
        "--filter-platform"
    };
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--locked", filter, platform])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The top modules of its own crate that a source file mentions in code.
fn modules_used(text: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .filter_map(|line| line.split("//").next())
        .collect();
    let mut found = BTreeSet::new();
    for prefix in ["crate::", "cloudlet::"] {
        for (start, _) in code.match_indices(prefix) {
            let rest = &code[start + prefix.len()..];
            match rest.strip_prefix('{') {
                Some(group) => found.extend(top_names(group)),
                None => found.extend(first_name(rest)),
            }
        }
    }
    found
}

/// `a::{b, c}, d}` has the names `a` and `d`.
fn top_names(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut names = Vec::new();
    let mut item = String::new();
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.extend(first_name(&std::mem::take(&mut item))),
            _ if depth == 0 => item.push(character),
            _ => {}
        }
    }
    names.extend(first_name(&item));
    names
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text
        .trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (!name.is_empty()).then_some(name)
}

/// Whether an SPDX expression leaves a choice that is allowed. `AND` binds closer than `OR`.
fn allowed(licence: &str) -> bool {
    let licence = licence.replace('/', " OR ");
    parts(&licence, " OR ").iter().any(|choice| {
        parts(choice, " AND ").iter().all(|part| {
            match part
                .trim()
                .strip_prefix('(')
                .and_then(|inner| inner.strip_suffix(')'))
            {
                Some(inner) => allowed(inner),
                None => LICENCES.contains(&part.trim()),
            }
        })
    })
}

/// Cuts `text` at each `separator` outside of parentheses.
fn parts<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut cuts, mut depth, mut begin) = (Vec::new(), 0, 0);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 && at >= begin && text[at..].starts_with(separator) => {
                cuts.push(&text[begin..at]);
                begin = at + separator.len();
            }
            _ => {}
        }
    }
    cuts.push(&text[begin..]);
    cuts
}
