//! Jobs in memory, before the readers: what a poll mostly asks for is what moved last.
//!
//! Only the writer puts jobs in, after each commit that touched them, and takes them out before it:
//! so none is older than what anybody was shown. A read from disk is never kept here, since it
//! may have been overtaken by a commit.

use api::JobId;
use model::Job;
use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, UnitWeighter,
    sync::{Cache, DefaultLifecycle},
};
use std::sync::Arc;

/// Jobs kept in memory.
const JOBS_CACHED: usize = 10_000;
/// Of these, the share for jobs that were asked for again; the rest is for the newest.
const HOT: f64 = 0.5;

/// Jobs as they are on disk.
pub(in crate::store) type JobCache = Cache<JobId, Arc<Job>>;

/// An empty one.
pub(super) fn new() -> JobCache {
    let options = OptionsBuilder::new()
        .estimated_items_capacity(JOBS_CACHED)
        .weight_capacity(JOBS_CACHED as u64)
        .hot_allocation(HOT)
        .build()
        .expect("both capacities are set");
    Cache::with_options(
        options,
        UnitWeighter,
        DefaultHashBuilder::default(),
        DefaultLifecycle::default(),
    )
}
