//! HTTP: every route on one page ([`router`](mod@router)), handlers that decide nothing.
//!
//! A request passes the [`front`] door (path, key, rate, body, panics), then its route, then the extractors of
//! its handler in the order of their arguments: caller (and faults that strike it), drain,
//! path, query, body. That order is the
//! order of errors that the API promises. What is decided is decided by a rule in `model`, run by the
//! store. Never mentions hosts or drivers.

mod admin;
mod answer;
mod auth;
mod body;
mod calls;
mod catalogue_rows;
mod console;
mod data_centers;
mod document;
mod error;
mod front;
mod gpu;
mod interfaces;
mod job_filter;
mod jobs;
mod json;
mod key_wish;
pub mod limits;
pub mod listen;
mod listing;
mod meters;
mod networks;
mod operations;
mod own_keys;
mod pages;
mod params;
mod rates;
mod repeat;
mod resource_lists;
mod router;
mod shown;
mod slash;
mod ssh_keys;
mod strikes;
mod surrogates;
mod teams;
mod virtual_machines;
mod volumes;
mod windows;

pub use document::openapi;
pub use error::ApiError;
pub use router::router;

use crate::{
    config::{Config, Driver, Switch},
    engine::Engine,
    images::Images,
    secrets,
    store::{Store, Urgency},
    supply::Supply,
};
use api::{SshKeyId, TenantId};
use meters::Meters;
use model::{
    Context,
    accept::{self, Accepted, Idempotency, Repeatable},
    catalogue::Catalogue,
    secret::{Carried, Wished},
};
use operations::Operations;
use rates::Rates;
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;
use tokio::sync::{Mutex, Semaphore};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// What handlers work with; clones are the same.
#[derive(Clone)]
pub struct App {
    /// The engine, and through it store, clock and faults.
    pub engine: Engine,
    /// What can be had.
    pub supply: Supply,
    /// The host's own images; absent: images are the catalogue's.
    pub images: Option<Images>,
    /// Whether an operator may place faults.
    pub faults_allowed: bool,
    meters: Arc<Meters>,
    operations: Arc<Operations>,
    /// Absent: nobody is limited.
    rates: Option<Arc<Rates>>,
    /// Places for SSH keys that are being made.
    key_makers: Arc<Semaphore>,
    /// This process, for repeats of what ends with it.
    process: Uuid,
    /// Held while something is done once that the store has no part in.
    apart: Arc<Mutex<()>>,
    /// What is so done, whether whoever asked still waits or not.
    deeds: TaskTracker,
}

impl App {
    /// What handlers work with. Faults strike simulated machines only, unless the settings say so.
    pub fn new(engine: Engine, supply: Supply, images: Option<Images>, config: &Config) -> Self {
        let is_simulated = matches!(config.driver, Driver::Sim { .. });
        Self {
            engine,
            supply,
            images,
            faults_allowed: is_simulated || config.allow_faults,
            meters: Arc::default(),
            operations: Arc::new(Operations::of_document()),
            rates: (config.rate_limit == Switch::On).then(|| Arc::new(Rates::new())),
            key_makers: Arc::new(Semaphore::new(limits::KEY_MAKERS_LIMIT)),
            process: uuid::Builder::from_random_bytes(rand::random()).into_uuid(),
            apart: Arc::default(),
            deeds: TaskTracker::new(),
        }
    }

    /// Waits until what was begun apart from the store is done and recorded. Nothing may be asked any more.
    pub async fn deeds_done(&self) {
        self.deeds.close();
        self.deeds.wait().await;
    }

    /// The catalogue as it is now.
    fn catalogue(&self) -> Arc<Catalogue> {
        self.supply.catalogue()
    }

    fn store(&self) -> &Store {
        self.engine.store()
    }

    /// What a create carries apart from its job. Whether a key that it names is there is judged by the
    /// rule, so that a repeat is answered as before whatever has become of the key.
    async fn carried(&self, tenant: TenantId, wished: Wished<'_>) -> Result<Carried, ApiError> {
        let id = wished.ssh_key.and_then(|id| id.parse::<SshKeyId>().ok());
        let stored = match id {
            Some(id) => self.store().ssh_key(tenant, id).await?,
            None => None,
        };
        Ok(secrets::carried(wished, stored)?)
    }

    /// Runs an accepting rule, unless its request is the repeat of one that was accepted; what it
    /// accepted is on disk when this answers.
    async fn accept<T: Repeatable + Send + 'static>(
        &self,
        repeat: Option<Idempotency>,
        rule: impl Fn(&Context<'_>) -> Accepted<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let once = move |context: &Context<'_>| accept::once(context, repeat, || rule(context));
        let outcome = self.store().transact(Urgency::Request, once).await?;
        Ok(outcome?)
    }

    /// What the same request did before, where it makes no job.
    async fn before<K: DeserializeOwned>(
        &self,
        repeat: Option<Idempotency>,
    ) -> Result<Option<K>, ApiError> {
        let Some(repeat) = repeat else {
            return Ok(None);
        };
        let known = self.store().answered(repeat).await??;
        let kept = known.and_then(|answer| answer.kept);
        let kept = kept.map(|kept| serde_json::from_str(&kept));
        let broken = |error| ApiError::internal(format!("a stored answer: {error}"));
        kept.transpose().map_err(broken)
    }

    /// Does what the store has no part in, unless the same request did it before: then that is the
    /// answer. Also if whoever asked has left. A server that ends between the deed and its record has
    /// done it, and a repeat finds it done.
    async fn once_apart<T>(
        &self,
        repeat: Option<Idempotency>,
        deed: impl Future<Output = Result<T, ApiError>> + Send + 'static,
    ) -> Result<T, ApiError>
    where
        T: Serialize + DeserializeOwned + Clone + Send + 'static,
    {
        let panicked = |error| ApiError::internal(format!("a request's deed: {error}"));
        let Some(known) = repeat else {
            return self.deeds.spawn(deed).await.map_err(panicked)?;
        };
        let app = self.clone();
        let once = self.deeds.spawn(async move {
            let _alone = app.apart.lock().await;
            if let Some(before) = app.before(repeat).await? {
                return Ok(before);
            }
            let done = deed.await?;
            Ok(app.store().remember(known, done, None).await??.either())
        });
        once.await.map_err(panicked)?
    }
}
