//! Keys that `ssh-keygen` has made, what is none, and pairs that are made here.

use super::*;

/// Code, line and fingerprint.
const GOOD: &[[&str; 3]] = &[
    [
        "ed25519",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMPRAanOfgC3TDBX6AavAPOcXg11NkJRNSvM6QSqymYY",
        "SHA256:cm/Kr+qjzNQOizk3dT3PAmoEsYpM0Tl9DSjUz0Z69aw",
    ],
    [
        "rsa-2048",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCgKLzqkSrTpg55OyXfxNOavcfcFyKpjak7JvnwZeRs7rUYW3g17854\
     wlRaNgOamcL0+g7h3Y2mFCmKyKZF73N1JBQq3n+gWCN6gMjT9oGI4ZI1cKjs4oq13rkjx6siGw9wbicnlJX2Macj4mnN\
     3uC9KgxjN7VKxsaipGejRJEMzSTh1hFEaEh8rkKD3Fe9NzDd2KE3Fo73yXJwpMmLSE+U3wEWlmvAXyadO3bnnat/6J4Y\
     dnEmV7oyR0FAc0BhInmi8UByEHOuRQYka3vh+8jrGiu+qNSgj+QTzV3NJF3Kq4MbPlrd7IAzsznAdE6pQMbOI3kc8Dyw\
     ZfEesZhdwc4B",
        "SHA256:oi4yVeUBhk3oG9y5Ve4KjJGOK8mxIHstH3RvKs1GzQg",
    ],
    [
        "rsa-3072",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC4oPhjMiyXop5fF8nGfQIgDlOvqjl7scz3dDVPcFmu7lN29c5VVwDZ\
     vmlKxQ5iGtZseWg2/lHdO8Nxw7oUn6FUrzVGMAo4JjraAj/bJQ26OeCFwMppm7zTskVAD0e9B/HNF7bbbDaHVGQUY+gt\
     XnXSCSIRjEhyJJjvP+2TxQLiWmf3JnLiOT+a+/2AompqIWIvAJmcr47ynjV/u4WRe8VxlZei4mAj/EXJbg2IfL6cT7nw\
     x7d45gjEtqfpEuxh3uEmnD9o9roIkJQ4iCL2A4kbSgVessI0Qkxs8KPjU/NzRcDGyUBf61CHfSg6o5RlgHqKtkCnQWQI\
     4bK2Kjj5voWt4/S8jw0xRPTWBx+OvoBlFjBx7HEvCcFRqLzKQ46ABdlEpQmC1cn7P6b+wbDSR0H3DaL4LeOvgdGl2A0U\
     2Gy5N7K9l2XCqRnkO6SkjHUZVzy4kcYIDYBaP5QzY5GPErzWX6JGTswnDa6ZKZGFIXiQeQay+i0kCptOB0vbs7Gjt+M=",
        "SHA256:tUKjiR0GzjqSwSwW5zGLIDNV9+vMmb0bHSBYzXOzaQA",
    ],
    [
        "ecdsa-p256",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBNvkI8QgX+8UQTq/Ls4a\
     EH8CUlN2czxQn5/5bWcw0y0uMEsRbDb+AXthyw/gbWNK6rUhr7ek0MSoP7QBzozdOPk=",
        "SHA256:pUw9tXuauB0+ysjgL26X7ckXAcgwboqF8C2jIWGPjv4",
    ],
    [
        "ecdsa-p384",
        "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBGPy9w4NIfzDEWCgroYZ\
     7bZnYbeBMaXw29ySmMlGCHTqEkxT/fBaE2Rupl+IxWmekfkT81FqaKvE7vZnyvVwMniH4OL5ku35r2cH4x+H5d4cxnpO\
     fyjU0Hjsl0bRe3GJqg==",
        "SHA256:V+v3tgc6TKz7cCFdkUMhome2WwpKvDYvdC+t01fJfYM",
    ],
    [
        "ecdsa-p521",
        "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAAkLrINkm3C+d3iynYD\
     lINUbY7489VS1y0ijunWxTeXScJ5PnxJsScXEkzoaJN+VIhIq/BOartMFqO5trCBtzhchgCsE7FJMmAO/ztRPzQkej2A\
     Ia+ktjitWGjBJIDE/VBcozXDRWu45+b3pwdpJno4WZStzp4UiquBChueOH/HPQ58zg==",
        "SHA256:1zJrHs+q/DOIwzY+xgsj/5UHbTV0+aey0F1/YhZEnbY",
    ],
    [
        "sk-ed25519",
        "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAID/e7T1BaFN+S0+IIb6AM\
     AzSLiWeKVRKtVsGZRZ3hnx2AAAABHNzaDo=",
        "SHA256:Cfb92gd1GOWDIXLOdhDEDFMxsoqGn6k3MZ781kcKs8E",
    ],
];

/// An RSA key of 1024 bits.
const WEAK: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCZXqqk00CVbwyZ7TIceYa5NS9K8ppFdZSuQwtQ/GlLxk7wfSVEQFFF\
     SI86d76sWFyE/OFXx4+uu0RuDm0eHwQnRfiAtCjA1gSZ1K5GBb7flftyxfn5M/Ivpt9f7RWhAiY29QoWsWLs9IPTn0je\
     QvXBcWnWJmA7741BzqCPMwpg4Q==";

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
    for [code, line, fingerprint] in GOOD {
        for sent in [
            (*line).to_owned(),
            format!("{line} user@example.com"),
            format!("  {line} a comment, \u{1f980} even\r\n"),
        ] {
            let key = read("ci", &sent).expect(code);
            assert_eq!((key.name.as_str(), key.algorithm.as_str()), ("ci", *code));
            assert_eq!(key.fingerprint, *fingerprint);
            assert_eq!(key.public_key, sent.trim());
        }
    }
}

#[test]
fn no_part_of_a_key_is_a_key() {
    for [_, line, _] in GOOD {
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
    let ed25519 = GOOD[0][1];
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
        (WEAK.to_owned(), "1024 bits; 2048 to 16384"),
        (line("ssh-rsa", &[&exponent, &big]), "16392 bits"),
        (
            line("ssh-rsa", &[&exponent, &even]),
            "numbers that no such key has",
        ),
        (
            line("ssh-rsa", &[&[1], &odd]),
            "numbers that no such key has",
        ),
        (
            line("ssh-rsa", &[&[], &odd]),
            "numbers that no such key has",
        ),
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
