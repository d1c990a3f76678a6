//! The first start on an empty store: tenant `default`, its key and the operator's.

use crate::{
    config::Config,
    keys,
    profile::Profile,
    store::{Owner, Store},
};
use anyhow::{Context as _, bail};
use std::{env, net::SocketAddr};

/// The variable that gives the first tenant's key.
const TENANT_KEY: &str = "CLOUDLET_BOOTSTRAP_API_KEY";
/// The variable that gives the operator's key.
const OPERATOR_KEY: &str = "CLOUDLET_BOOTSTRAP_ADMIN_KEY";

/// The keys of a first start, as far as they were made here.
pub(super) struct FirstKeys {
    tenant: Key,
    operator: Key,
    saved: Option<String>,
}

/// Makes the first tenant and the keys if there are none yet.
pub(super) async fn prepare(
    store: &Store,
    address: SocketAddr,
) -> anyhow::Result<Option<FirstKeys>> {
    if !store.is_new().await? {
        return Ok(None);
    }
    let id = match store.create_tenant("default".to_owned()).await? {
        Some(tenant) => tenant.id,
        None => {
            let tenants = store.tenants().await?;
            let found = tenants.into_iter().find(|row| row.name == "default");
            found.context("the tenant default is there and is not")?.id
        }
    };
    let tenant = given_or_new(TENANT_KEY)?;
    let operator = given_or_new(OPERATOR_KEY)?;
    let saved = save(&tenant, &operator, address)?;
    keep(store, Owner::Tenant(id), &tenant).await?;
    // Last, since its presence is what says that the first start is over.
    keep(store, Owner::Operator, &operator).await?;
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
}

fn given_or_new(variable: &str) -> anyhow::Result<Key> {
    match env::var(variable) {
        Err(_) => Ok(Key::New(keys::new_key())),
        Ok(text) if keys::is_wellformed(&text) => Ok(Key::Given(text)),
        Ok(_) => bail!("{variable} must be 'gpcn_' and at least 27 more letters and digits"),
    }
}

async fn keep(store: &Store, owner: Owner, key: &Key) -> anyhow::Result<()> {
    let text = key.text();
    store
        .create_key(
            owner,
            "first".to_owned(),
            keys::start(text),
            keys::digest(text),
        )
        .await?;
    Ok(())
}

/// A key that a variable gave is not written anywhere.
fn save(tenant: &Key, operator: &Key, address: SocketAddr) -> anyhow::Result<Option<String>> {
    let new = |key: &Key| match key {
        Key::New(text) => Some(text.clone()),
        Key::Given(_) => None,
    };
    let (api_key, admin_key) = (new(tenant), new(operator));
    if api_key.is_none() && admin_key.is_none() {
        return Ok(None);
    }
    let path = Profile::path().context("there is no home directory; set CLOUDLET_PROFILE")?;
    let mut profile = Profile::load(&path)?;
    profile.url = Some(format!("http://{address}"));
    profile.api_key = api_key.or(profile.api_key);
    profile.admin_key = admin_key.or(profile.admin_key);
    profile.save(&path)?;
    Ok(Some(path.display().to_string()))
}

/// What a person meets on stderr: each thing one can open, and what to type next.
#[allow(clippy::print_stderr)]
pub(super) fn greet(config: &Config, address: SocketAddr, keys: Option<&FirstKeys>) {
    eprintln!("cloudlet: API at http://{address}/v1, documentation at http://{address}/docs");
    eprintln!("cloudlet: driver sim, data in {}", config.data.display());
    if !address.ip().is_loopback() {
        eprintln!(
            "cloudlet: warning: listening beyond this machine without TLS; keys travel in the clear"
        );
    }
    if let Some(FirstKeys {
        tenant,
        operator,
        saved,
    }) = keys
    {
        if let Key::New(text) = tenant {
            eprintln!("cloudlet: the key of tenant default, shown this once: {text}");
        }
        if let Key::New(text) = operator {
            eprintln!("cloudlet: the operator's key, shown this once: {text}");
        }
        if let Some(path) = saved {
            eprintln!("cloudlet: saved in {path}; the command line takes them from there");
        }
    }
    eprintln!("cloudlet: try: cloudlet vm create web-1");
}
