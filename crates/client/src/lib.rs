//! The typed client of Cloudlet's API: submit, poll in batches, wait.
//!
//! One [`Client`] speaks for one key, the tenant's or the operator's. Whatever takes time is
//! answered with jobs; [`Client::wait`] polls them at a considerate pace until they have ended.
//! This crate never prints, reads no environment and writes no file: what to show, where keys
//! come from and what to remember is up to its user.
//!
//! ```no_run
//! # async fn example() -> Result<(), client::Error> {
//! use client::{Client, Event, Watch};
//!
//! let cloud = Client::new("http://127.0.0.1:8080", "gpcn_…")?;
//! let place = cloud.data_centers().await?.remove(0);
//! let wish = client::MachineCreate {
//!     name: "web-1".into(),
//!     datacenter_id: place.id.to_string(),
//!     image_id: 12,
//!     configuration_id: 45,
//!     ..Default::default()
//! };
//! let accepted = cloud.create_machines(&wish, None).await?;
//! let watch = Watch::new().limit(std::time::Duration::from_secs(300));
//! let outcome = cloud
//!     .wait(&accepted.ids(), watch, |event| {
//!         if let Event::Changed(job) = event {
//!             println!("{} {} %", job.resource_name, job.progress);
//!         }
//!     })
//!     .await?;
//! assert!(outcome.all_completed());
//! # Ok(())
//! # }
//! ```

mod admin;
mod catalogue;
mod changes;
mod error;
mod gpu;
mod hosts;
mod http;
mod images;
mod jobs;
mod keys;
mod machines;
mod networks;
mod pace;
mod poll;
mod ssh_keys;
mod teams;
mod volumes;

pub use api::machine::MachineCreate;
pub use error::Error;
pub use http::Client;
pub use jobs::{Accepted, JobFilter, JobPage, POLL_BATCH, Polled};
pub use machines::Page;
pub use pace::Pace;
pub use poll::{Ask, Event, Hold, Outcome, Watch};
