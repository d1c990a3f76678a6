//! `cloudlet serve`: starts the parts of the server, and ends them in order.

use crate::{
    clock::Clock,
    config::{Config, Driver},
    engine::Engine,
    faults::Faults,
    host::{
        self,
        qemu::{HOST_FOLDER, QemuDriver},
        sim::{SimDriver, SimOptions, WORLD_FILE},
    },
    http::{self, App, listen},
    images::Images,
    places,
    store::Store,
    supply::Supply,
    test_image,
};
use anyhow::Context as _;
use api::admin::ClockMode;
use model::{
    DriverAbilities,
    catalogue::{self, Catalogue},
};
use std::{io::IsTerminal, net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

mod first_start;
mod this_host;

/// How long requests under way may take to end when the server shuts down.
const DRAIN_LIMIT: Duration = Duration::from_secs(4);
/// How long what was begun apart from the store may take to be recorded after that.
const DEEDS_LIMIT: Duration = Duration::from_secs(1);
/// What the simulator's durations derive from where no seed is given.
const DEFAULT_SEED: u64 = 1;

/// A server that answers.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    app: App,
    closing: CancellationToken,
    serving: JoinHandle<()>,
}

impl Server {
    /// Opens the store, takes up what was under way, and answers.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        raise_file_limit();
        same_as_before(config)?;
        if let Driver::Qemu(_) = config.driver {
            QemuDriver::check(&config.data).await?;
        }
        std::fs::create_dir_all(&config.data)
            .with_context(|| format!("cannot make the data directory {}", config.data.display()))?;
        let images = open_images(config)?;
        let supply = supply(config, images.as_ref())?;
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}", config.listen))?;
        let address = listener.local_addr()?;
        let (store, clock) = open_store(config, &supply).await?;
        // The store has locked the directory: from here on it is this server's.
        if let Some(images) = &images {
            take_in_images(images, &supply)?;
        }
        let keys = first_start::prepare(&store, address).await?;
        // Without a seed no two servers share the ids of their faults.
        let seed = match config.driver {
            Driver::Sim { seed, .. } => seed,
            Driver::Qemu(_) => None,
        };
        let faults = Faults::seeded(seed.unwrap_or_else(rand::random));
        let engine = Engine::new(store, clock.clone(), faults, &supply.catalogue());
        let driver = open_driver(config, clock, images.clone()).await?;
        engine.start(driver).await?;
        first_start::greet(config, address, keys.as_ref());
        let app = App::new(engine, supply, images, config);
        let closing = CancellationToken::new();
        let limits = listen::Limits::draining_for(DRAIN_LIMIT);
        let served = listen::serve(listener, http::router(app.clone()), closing.clone(), limits);
        let serving = tokio::spawn(served);
        Ok(Self {
            address,
            app,
            closing,
            serving,
        })
    }

    /// Shuts down in order: nothing new, waiting calls answered, requests ended, actions ended or
    /// left to be repeated, store closed.
    pub async fn stop(self) -> anyhow::Result<()> {
        // Until nothing acts any more, whoever comes is answered: 503, or what it waited for.
        let App { engine, images, .. } = &self.app;
        engine.drain();
        if let Some(images) = images {
            images.close();
        }
        engine.stop_agent().await;
        self.closing.cancel();
        self.serving.await?;
        if timeout(DEEDS_LIMIT, self.app.deeds_done()).await.is_err() {
            tracing::warn!("a request's deed is under way; a repeat finds it done");
        }
        engine.stop().await;
        Ok(())
    }
}

/// Serves until SIGTERM or Ctrl-C.
pub fn run(config: Config) -> anyhow::Result<()> {
    log_to_stderr();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(serve(&config));
    // A file on a dead disk may hold a thread for ever.
    runtime.shutdown_timeout(DRAIN_LIMIT);
    served
}

async fn serve(config: &Config) -> anyhow::Result<()> {
    // Before anybody can know that there is a server to stop.
    let mut stop = StopSignal::listen()?;
    let server = Server::start(config).await?;
    announce(server.address);
    stop.received().await;
    tracing::info!("shutting down; jobs under way go on at the next start");
    server.stop().await
}

/// Plain words; `CLOUDLET_LOG` is a level such as `debug`.
fn log_to_stderr() {
    let level = std::env::var("CLOUDLET_LOG")
        .ok()
        .and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(level.unwrap_or(tracing::Level::INFO))
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

/// The one line on stdout that scripts wait for.
#[allow(clippy::print_stdout)]
fn announce(address: SocketAddr) {
    println!("cloudlet listening on http://{address}");
}

/// SIGTERM or Ctrl-C.
struct StopSignal {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignal {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

async fn open_driver(
    config: &Config,
    clock: Clock,
    images: Option<Images>,
) -> anyhow::Result<Arc<dyn host::driver::Driver>> {
    Ok(match (config.driver, images) {
        (Driver::Sim { speed, seed }, _) => {
            let options = SimOptions {
                speed,
                seed: seed.unwrap_or(DEFAULT_SEED),
            };
            Arc::new(SimDriver::open(&config.data, clock, options)?)
        }
        (Driver::Qemu(options), Some(images)) => {
            Arc::new(QemuDriver::open(&config.data, images, options).await?)
        }
        (Driver::Qemu(_), None) => anyhow::bail!("the driver qemu has no images"),
    })
}

/// One directory holds machines of one driver: what the other made would be nowhere.
fn same_as_before(config: &Config) -> anyhow::Result<()> {
    let (before, other) = match config.driver {
        Driver::Sim { .. } => (HOST_FOLDER, "qemu"),
        Driver::Qemu(_) => (WORLD_FILE, "sim"),
    };
    if config.data.join(before).exists() {
        anyhow::bail!(
            "the data directory {} holds machines of --driver {other}: serve it with that, or choose another with --data",
            config.data.display()
        );
    }
    Ok(())
}

/// Images of its own has a host whose machines are real.
fn open_images(config: &Config) -> anyhow::Result<Option<Images>> {
    let Driver::Qemu(_) = config.driver else {
        return Ok(None);
    };
    let images = Images::open(&config.data);
    Ok(Some(
        images.context("cannot use the images in the data directory")?,
    ))
}

/// Removes what is half-done, takes in the test image that was built on this host, and shows what
/// there is. Without the test image the others go on.
fn take_in_images(images: &Images, supply: &Supply) -> anyhow::Result<()> {
    let unusable = "cannot use the images in the data directory";
    images.tidy().context(unusable)?;
    let built = places::cache();
    if let Some(file) = built.and_then(|cache| test_image::find(&cache))
        && let Err(error) = images.adopt(test_image::note(), &file)
    {
        tracing::warn!("the test image could not be taken in: {error:#}");
    }
    images.show(supply).context(unusable)
}

/// Each connection and each machine is a descriptor, and shells allow few: as many as may be.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!("the limit of open files stays as it is: {error}");
    }
}

fn supply(config: &Config, images: Option<&Images>) -> anyhow::Result<Supply> {
    let given = config
        .catalogue
        .as_deref()
        .map(read_catalogue)
        .transpose()?;
    let Some(images) = images else {
        let catalogue = given.map_or_else(|| Catalogue::parse(catalogue::DEFAULT), Ok)?;
        return Ok(Supply::new(catalogue, DriverAbilities::SIM));
    };
    let catalogue = this_host::catalogue(&config.data, images, given)?;
    Ok(Supply::new(catalogue, DriverAbilities::QEMU))
}

fn read_catalogue(file: &Path) -> anyhow::Result<Catalogue> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the catalogue {}", file.display()))?;
    Catalogue::parse(&text)
        .with_context(|| format!("the catalogue {} cannot be used", file.display()))
}

/// The store needs a clock, and a manual clock goes on from where the store says that it stood.
async fn open_store(config: &Config, supply: &Supply) -> anyhow::Result<(Store, Clock)> {
    let real = Clock::real();
    if config.clock == ClockMode::Real {
        let store = Store::open(&config.data, supply.clone(), real.clone())?;
        return Ok((store, real));
    }
    let clock = Clock::manual(real.now());
    let store = Store::open(&config.data, supply.clone(), clock.clone())?;
    match store.stored_clock().await? {
        Some(stood) => clock.set(stood),
        None => store.store_clock(clock.now()).await?,
    }
    Ok((store, clock))
}
