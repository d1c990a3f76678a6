//! What a create says of how to log in, and whether that can be honoured.

use crate::{
    facts::Refusal,
    limits::{CREATE_KEYS_LIMIT, PASSWORD_LENGTHS, USER_DATA_LIMIT, USERNAME_LIMIT},
};
use api::{
    Private,
    gpu::GpuCreate,
    machine::{AuthMethod, MachineCreate},
};

/// What a create says of how to log in.
#[derive(Clone, Copy, Debug)]
pub struct Wished<'a> {
    /// The method.
    pub method: Option<AuthMethod>,
    /// A stored key.
    pub ssh_key: Option<&'a String>,
    /// Further keys.
    pub public_keys: &'a [Private],
    /// Whom to log in as.
    pub username: Option<&'a String>,
    /// What cloud-init is to do.
    pub user_data: Option<&'a Private>,
    /// The password.
    pub password: Option<&'a Private>,
}

impl<'a> From<&'a MachineCreate> for Wished<'a> {
    fn from(body: &'a MachineCreate) -> Self {
        Self {
            method: body.auth_method,
            ssh_key: body.ssh_key_id.as_ref(),
            public_keys: body.ssh_public_keys.as_deref().unwrap_or_default(),
            username: body.username.as_ref(),
            user_data: body.user_data.as_ref(),
            password: body.password.as_ref(),
        }
    }
}

impl<'a> From<&'a GpuCreate> for Wished<'a> {
    fn from(body: &'a GpuCreate) -> Self {
        Self {
            method: None,
            ssh_key: body.ssh_key_id.as_ref(),
            public_keys: body.ssh_public_keys.as_deref().unwrap_or_default(),
            username: body.username.as_ref(),
            user_data: body.user_data.as_ref(),
            password: None,
        }
    }
}

impl Wished<'_> {
    /// Whether it may be so, the form of the keys apart. No text says what was sent.
    pub fn check(&self) -> Result<(), Refusal> {
        self.check_method()?;
        let count = self.public_keys.len();
        if count > CREATE_KEYS_LIMIT {
            let text = format!("has {count} keys; at most {CREATE_KEYS_LIMIT} are right");
            return Err(Refusal::field("sshPublicKeys", text));
        }
        if let Some(username) = self.username {
            check_username(username)?;
        }
        if let Some(Private(data)) = self.user_data
            && data.len() > USER_DATA_LIMIT
        {
            let bytes = data.len();
            let text = format!("has {bytes} bytes; at most {USER_DATA_LIMIT} (64 KiB) are right");
            return Err(Refusal::field("userData", text));
        }
        self.password
            .map_or(Ok(()), |Private(text)| check_password(text))
    }

    /// Whether anything is to be kept apart.
    pub fn is_something(&self) -> bool {
        self.ssh_key.is_some()
            || !self.public_keys.is_empty()
            || self.username.is_some()
            || self.user_data.is_some()
            || self.password.is_some()
    }

    /// What the method needs and what it excludes. A password that no method asked for is a mistake:
    /// whoever sent it would believe that the machine takes it, or that it does not.
    fn check_method(&self) -> Result<(), Refusal> {
        use AuthMethod::{Custom, Password, SshKey};
        let has_key = self.ssh_key.is_some() || !self.public_keys.is_empty();
        let (field, text) = match (self.method, self.password.is_some()) {
            (Some(SshKey), true) => (
                "password",
                "goes with authMethod 'password' or 'custom'; leave it out or change authMethod",
            ),
            (None, true) => (
                "password",
                "goes with authMethod 'password' or 'custom'; say which",
            ),
            (Some(Password), false) => ("password", "is missing; authMethod 'password' needs it"),
            (Some(SshKey), false) if !has_key => (
                "sshKeyId",
                "is missing; authMethod 'ssh-key' needs it or sshPublicKeys",
            ),
            (Some(Password), true) if self.ssh_key.is_some() => (
                "sshKeyId",
                "goes with authMethod 'ssh-key' or 'custom'; leave it out or change authMethod",
            ),
            (Some(Password), true) if has_key => (
                "sshPublicKeys",
                "goes with authMethod 'ssh-key' or 'custom'; leave it out or change authMethod",
            ),
            (None | Some(SshKey | Custom), false) | (Some(Password | Custom), true) => {
                return Ok(());
            }
        };
        Err(Refusal::field(field, text))
    }
}

fn check_username(name: &str) -> Result<(), Refusal> {
    let begins = |character: char| character.is_ascii_lowercase() || character == '_';
    let goes_on = |character| begins(character) || character.is_ascii_digit() || character == '-';
    let is_right = name.len() <= USERNAME_LIMIT
        && name.chars().next().is_some_and(begins)
        && name.chars().all(goes_on);
    if is_right {
        return Ok(());
    }
    let text = format!(
        "must be 1 to {USERNAME_LIMIT} characters: lower case letters, digits, '_' and '-', and no \
         digit or '-' at the start"
    );
    Err(Refusal::field("username", text))
}

/// Says what is missing of it, never what it is.
fn check_password(password: &str) -> Result<(), Refusal> {
    let refuse = |text: String| Err(Refusal::field("password", text));
    let (least, most) = PASSWORD_LENGTHS;
    let count = password.chars().count();
    if !(least..=most).contains(&count) {
        return refuse(format!(
            "has {count} characters; {least} to {most} are right"
        ));
    }
    // Others are typed differently on each keyboard, or not at all on a console.
    if !password.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse("has a space or a character that is not ASCII; take it away".to_owned());
    }
    let has = |is: fn(&u8) -> bool| password.bytes().any(|byte| is(&byte));
    let kinds = [
        ("an upper case letter", has(u8::is_ascii_uppercase)),
        ("a lower case letter", has(u8::is_ascii_lowercase)),
        ("a digit", has(u8::is_ascii_digit)),
        ("a special character", has(u8::is_ascii_punctuation)),
    ];
    let missing = kinds.iter().find(|(_, is_there)| !is_there);
    match missing {
        None => Ok(()),
        Some((what, _)) => refuse(format!("has not {what}; one of each kind is right")),
    }
}

#[cfg(test)]
mod tests {
    use super::Wished;
    use api::{
        Private,
        machine::{AuthMethod, MachineCreate},
    };

    const GOOD: &str = "Correct-Horse7";

    /// The field that is refused and the text, if it is.
    fn refused(body: &MachineCreate) -> Option<(String, String)> {
        let refusal = Wished::from(body).check().err()?;
        let field = refusal.details.field.expect("a field is named");
        Some((field, refusal.message))
    }

    fn with_password(method: Option<AuthMethod>, password: Option<&str>) -> MachineCreate {
        MachineCreate {
            auth_method: method,
            password: password.map(Private::from),
            ..MachineCreate::default()
        }
    }

    #[test]
    fn a_password_is_judged_and_never_shown() {
        let long = format!("aA1!{}", "x".repeat(47));
        let cases = [
            (GOOD, None),
            ("aA1!aA1!aA1!", None),
            ("aA1!aA1!aA1", Some("has 11 characters")),
            (long.as_str(), Some("has 51 characters")),
            ("Correct Horse7-", Some("space")),
            ("Correct-Hörse77", Some("not ASCII")),
            ("correct-horse7", Some("upper case")),
            ("CORRECT-HORSE7", Some("lower case")),
            ("Correct-Horses", Some("a digit")),
            ("CorrectHorse77", Some("a special")),
        ];
        for (password, expected) in cases {
            let body = with_password(Some(AuthMethod::Password), Some(password));
            match (expected, refused(&body)) {
                (None, None) => {}
                (Some(text), Some((field, message))) => {
                    assert_eq!(field, "password");
                    assert!(message.contains(text), "{password}: {message}");
                    assert!(!message.contains(password), "{message}");
                }
                (_, found) => panic!("{password}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_method_needs_what_it_says_and_excludes_the_rest() {
        use AuthMethod::{Custom, Password, SshKey};
        let cases = [
            (None, false, false, None),
            (None, true, false, None),
            (None, false, true, Some("password")),
            (Some(SshKey), true, false, None),
            (Some(SshKey), false, false, Some("sshKeyId")),
            (Some(SshKey), true, true, Some("password")),
            (Some(Password), false, true, None),
            (Some(Password), false, false, Some("password")),
            (Some(Password), true, true, Some("sshPublicKeys")),
            (Some(Custom), false, false, None),
            (Some(Custom), true, true, None),
        ];
        for (method, key, password, expected) in cases {
            let body = MachineCreate {
                ssh_public_keys: key.then(|| vec!["ssh-ed25519 AAAA".into()]),
                ..with_password(method, password.then_some(GOOD))
            };
            let found = refused(&body).map(|(field, _)| field);
            assert_eq!(found.as_deref(), expected, "{method:?} {key} {password}");
        }
    }

    #[test]
    fn names_keys_and_user_data_have_their_limits() {
        let named = |name: &str| MachineCreate {
            username: Some(name.to_owned()),
            ..MachineCreate::default()
        };
        for name in ["a", "_", "deploy-7", &"x".repeat(32)] {
            assert_eq!(refused(&named(name)), None, "{name}");
        }
        for name in ["", "7a", "-a", "Root", "a b", "ä", &"x".repeat(33)] {
            let found = refused(&named(name)).map(|(field, _)| field);
            assert_eq!(found.as_deref(), Some("username"), "{name}");
        }
        // Bytes, not characters.
        for (data, is_right) in [
            ("x".repeat(65_536), true),
            ("x".repeat(65_537), false),
            ("ä".repeat(32_769), false),
        ] {
            let body = MachineCreate {
                user_data: Some(data.into()),
                ..MachineCreate::default()
            };
            let found = refused(&body).map(|(field, _)| field);
            assert_eq!(found.is_none(), is_right);
            assert_eq!(found.as_deref().unwrap_or("userData"), "userData");
        }
        for (count, expected) in [(16, None), (17, Some("sshPublicKeys"))] {
            let body = MachineCreate {
                ssh_public_keys: Some(vec!["ssh-ed25519 AAAA".into(); count]),
                ..MachineCreate::default()
            };
            let found = refused(&body).map(|(field, _)| field);
            assert_eq!(found.as_deref(), expected);
        }
    }
}
