//! Keys that `ssh-keygen` has made, what is none, and pairs that are made here.

use super::*;

/// Code, fingerprint and line of each; the last one is too short.
const KNOWN: &str = include_str!("../tests/public_keys.tsv");

fn known() -> Vec<[&'static str; 3]> {
    let cells = |line: &'static str| line.split('\t').collect::<Vec<_>>();
    let rows = KNOWN.lines().map(|line| cells(line).try_into().unwrap());
    rows.collect()
}

/// Those that are taken.
fn good() -> Vec<[&'static str; 3]> {
    let mut rows = known();
    rows.pop();
    rows
}

/// A line of a kind of key, and its data: texts and numbers one after the other.
fn line(kind: &str, parts: &[&[u8]]) -> String {
    let mut data = Vec::new();
    for part in [&[kind.as_bytes()], parts].concat() {
        data.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        data.extend(part);
    }
    format!("{kind} {}", base64(&data))
}

fn base64(bytes: &[u8]) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut bits = 0_u32;
        for place in 0..3 {
            bits = bits << 8 | u32::from(chunk.get(place).copied().unwrap_or(0));
        }
        for place in 0..4 {
            let digit = digits[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() {
                digit.into()
            } else {
                '='
            });
        }
    }
    text
}

fn refused(sent: &str) -> String {
    read("ci", sent).expect_err(sent)
}

#[test]
fn keys_of_every_kind_that_sshd_takes() {
    for [code, fingerprint, line] in good() {
        for sent in [
            line.to_owned(),
            format!("{line} user@example.com"),
            format!("  {line} a comment, \u{1f980} even\r\n"),
        ] {
            let key = read("ci", &sent).expect(code);
            assert_eq!((key.name.as_str(), key.algorithm.as_str()), ("ci", code));
            assert_eq!(key.fingerprint, fingerprint);
            assert_eq!(key.public_key, sent.trim());
        }
    }
}

#[test]
fn no_part_of_a_key_is_a_key() {
    for [_, _, line] in good() {
        for end in 0..line.len() - 2 {
            refused(&line[..end]);
        }
        for start in 1..40 {
            refused(&line[start..]);
        }
        refused(&format!("{line}AAAA"));
    }
}

#[test]
fn what_is_no_key_says_what_would_be_right() {
    let (ed25519, weak) = (good()[0][2], known()[7][2]);
    let (kind, data) = ed25519.split_once(' ').unwrap();
    let (big, even) = (
        [&[0][..], &[255; 2049]].concat(),
        [&[0][..], &[254; 256]].concat(),
    );
    let (exponent, odd) = ([1, 0, 1], [&[0][..], &[255; 256]].concat());
    for (sent, says) in [
        (String::new(), "'ssh-ed25519 AAAA… comment' is right"),
        ("ssh-ed25519".to_owned(), "no public key"),
        (data.to_owned(), "no public key"),
        (format!("{kind}  {data}"), "no public key"),
        (format!("ssh-rsa {data}"), "no public key"),
        (
            format!("{kind} {}", data.replace('A', "*")),
            "no public key",
        ),
        (format!("no-pty {ed25519}"), "no public key"),
        (format!("{ed25519}\n{ed25519}"), "line break"),
        (format!("{ed25519} a\u{7}b"), "control character"),
        (format!("{ed25519}\0"), "control character"),
        (
            format!("{ed25519} {}", "x".repeat(PUBLIC_KEY_LIMIT)),
            "at most 16384",
        ),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n".to_owned(),
            "never send one",
        ),
        (weak.to_owned(), "1024 bits; 2048 to 16384"),
        (line("ssh-rsa", &[&exponent, &big]), "16392 bits"),
        (line("ssh-rsa", &[&exponent, &even]), "is right"),
        (line("ssh-rsa", &[&[1], &odd]), "is right"),
        (line("ssh-rsa", &[&[], &odd]), "is right"),
        (
            line("ssh-dss", &[&odd, &odd, &odd, &odd]),
            "of a kind that is not taken",
        ),
        (line("ssh-new", &[&odd]), "right"),
        (line("ssh-ed25519-cert-v01@openssh.com", &[&odd]), "right"),
    ] {
        let error = refused(&sent);
        assert!(error.contains(says), "{says}: {error}");
        assert!(
            !error.contains("b3Blbn") && !error.contains(data),
            "{error}"
        );
    }
    assert!(read("ci", &line("ssh-rsa", &[&exponent, &odd])).is_ok());
}

#[test]
fn a_pair_fits_together() {
    for (algorithm, passphrase) in [
        (SshAlgorithm::Ed25519, Some("open sesame")),
        (SshAlgorithm::Ed25519, None),
        (SshAlgorithm::EcdsaP256, Some("\u{1f980}")),
        (SshAlgorithm::Rsa2048, None),
    ] {
        let pair = make("ci \u{1f980}", algorithm, passphrase).unwrap();
        assert_eq!(
            read("ci \u{1f980}", &pair.kept.public_key).unwrap(),
            pair.kept
        );
        assert_eq!(pair.kept.algorithm, algorithm.as_str());
        let private = PrivateKey::from_openssh(&pair.private).unwrap();
        assert_eq!(private.is_encrypted(), passphrase.is_some());
        let private = match passphrase {
            Some(right) => {
                assert!(private.decrypt("wrong").is_err());
                private.decrypt(right).unwrap()
            }
            None => private,
        };
        assert_eq!(
            private.public_key().to_openssh().unwrap(),
            pair.kept.public_key
        );
        let again = make("ci", algorithm, None).unwrap();
        assert_ne!(again.kept.fingerprint, pair.kept.fingerprint);
    }
}
