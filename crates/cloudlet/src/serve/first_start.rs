//! The first start on an empty store: tenant `default`, its key and the operator's.

use crate::{
    config::{Config, Driver},
    keys,
    profile::Profile,
    store::{NewKey, Store},
};
use anyhow::{Context as _, bail};
use std::{env, net::SocketAddr, path::PathBuf};

/// The variable that gives the first tenant's key.
const TENANT_KEY: &str = "CLOUDLET_BOOTSTRAP_API_KEY";
/// The variable that gives the operator's key.
const OPERATOR_KEY: &str = "CLOUDLET_BOOTSTRAP_ADMIN_KEY";

/// The keys of a first start, as far as they were made here.
pub(super) struct FirstKeys {
    tenant: Key,
    operator: Key,
    saved: Option<Saved>,
}

/// Where keys were saved.
struct Saved {
    path: PathBuf,
    /// The profile that was there before: whose it was, and where it is now.
    former: Option<(String, PathBuf)>,
}

/// Makes the first tenant and the keys if there are none yet.
pub(super) async fn prepare(
    store: &Store,
    address: SocketAddr,
) -> anyhow::Result<Option<FirstKeys>> {
    if !store.is_new().await? {
        follow_address(store, address).await;
        return Ok(None);
    }
    let tenant = given_or_new(TENANT_KEY)?;
    let operator = given_or_new(OPERATOR_KEY)?;
    if tenant.text() == operator.text() {
        bail!("{TENANT_KEY} and {OPERATOR_KEY} are the same key; give two different ones");
    }
    let saved = save(&tenant, &operator, address)?;
    store
        .create_first(tenant.to_keep(), operator.to_keep())
        .await?;
    Ok(Some(FirstKeys {
        tenant,
        operator,
        saved,
    }))
}

enum Key {
    Given(String),
    New(String),
}

impl Key {
    fn text(&self) -> &str {
        match self {
            Self::Given(text) | Self::New(text) => text,
        }
    }

    fn to_keep(&self) -> NewKey {
        NewKey {
            start: keys::start(self.text()),
            digest: keys::digest(self.text()),
        }
    }
}

fn given_or_new(variable: &str) -> anyhow::Result<Key> {
    match env::var(variable) {
        Err(_) => Ok(Key::New(keys::new_key())),
        Ok(text) if keys::is_wellformed(&text) => Ok(Key::Given(text)),
        Ok(_) => bail!("{variable} must be 'gpcn_' and at least 27 more letters and digits"),
    }
}

/// A key that a variable gave is not written anywhere.
fn save(tenant: &Key, operator: &Key, address: SocketAddr) -> anyhow::Result<Option<Saved>> {
    let new = |key: &Key| match key {
        Key::New(text) => Some(text.clone()),
        Key::Given(_) => None,
    };
    let (api_key, admin_key) = (new(tenant), new(operator));
    if api_key.is_none() && admin_key.is_none() {
        return Ok(None);
    }
    let path = Profile::path().context("there is no home directory; set CLOUDLET_PROFILE")?;
    let found = Profile::load(&path)?;
    // A key of another server must not stand beside this one's address.
    let same = |key: Option<String>, ours: &Key| key.filter(|key| key == ours.text());
    let profile = Profile {
        url: Some(format!("http://{address}")),
        api_key: api_key.or(same(found.api_key.clone(), tenant)),
        admin_key: admin_key.or(same(found.admin_key.clone(), operator)),
    };
    let lost = |old: &Option<String>, new: &Option<String>| old.is_some() && old != new;
    let former =
        if lost(&found.api_key, &profile.api_key) || lost(&found.admin_key, &profile.admin_key) {
            let whose = found.url.unwrap_or_else(|| "no address".to_owned());
            Some((whose, Profile::put_aside(&path)?))
        } else {
            None
        };
    profile.save(&path)?;
    Ok(Some(Saved { path, former }))
}

/// The profile holds the address of an earlier start: a profile with a key of this store gets the
/// new one. No other is touched, and a profile that cannot be used is no reason not to serve.
async fn follow_address(store: &Store, address: SocketAddr) {
    if let Err(error) = try_to_follow(store, address).await {
        tracing::warn!("the profile was not brought up to date: {error:#}");
    }
}

async fn try_to_follow(store: &Store, address: SocketAddr) -> anyhow::Result<()> {
    let Some(path) = Profile::path() else {
        return Ok(());
    };
    let mut profile = Profile::load(&path)?;
    let url = Some(format!("http://{address}"));
    if profile.url == url {
        return Ok(());
    }
    for key in [&profile.api_key, &profile.admin_key].into_iter().flatten() {
        if store.key(keys::digest(key)).await?.is_some() {
            profile.url = url;
            return profile.save(&path);
        }
    }
    Ok(())
}

/// What a person meets on stderr: each thing one can open, and what to type next.
#[allow(clippy::print_stderr)]
pub(super) fn greet(config: &Config, address: SocketAddr, keys: Option<&FirstKeys>) {
    // Lines of 80 columns at most, as far as paths allow.
    eprintln!("cloudlet: the API is at http://{address}/v1");
    eprintln!("cloudlet: its documentation at http://{address}/docs");
    let driver = match config.driver {
        Driver::Sim { .. } => "sim",
        Driver::Qemu(_) => "qemu",
    };
    eprintln!(
        "cloudlet: driver {driver}, data in {}",
        config.data.display()
    );
    if !address.ip().is_loopback() {
        eprintln!("cloudlet: warning: open to the network without TLS; keys travel in the clear");
    }
    if let Some(FirstKeys {
        tenant,
        operator,
        saved,
    }) = keys
    {
        if let Key::New(text) = tenant {
            eprintln!("cloudlet: tenant default, key shown once: {text}");
        }
        if let Key::New(text) = operator {
            eprintln!("cloudlet: operator, key shown once: {text}");
        }
        if let Some(Saved { path, former }) = saved {
            eprintln!("cloudlet: saved for the command line in {}", path.display());
            if let Some((whose, kept)) = former {
                eprintln!(
                    "cloudlet: the profile of {whose} is kept in {}",
                    kept.display()
                );
            }
        }
    }
    eprintln!("cloudlet: try: cloudlet vm create web-1");
}
