//! Keys in memory, before the readers, and when each was last used.
//!
//! A key that was revoked must open nothing once that is answered, so nothing here may outlive a
//! commit. The epoch is odd while a commit that changes what keys open goes to disk, and even
//! otherwise; an entry counts only in the epoch in which its read began. Keys change seldom: reading
//! all of them once more then costs less than knowing which ones a change has touched.

use crate::store::rows::KnownKey;
use api::{KeyId, Timestamp};
use quick_cache::sync::Cache;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};
use tokio::sync::Notify;

/// Keys kept in memory.
const KEYS_CACHED: usize = 10_000;

/// Keys by digest, and uses that are not on disk yet.
pub(in crate::store) struct KeyCache {
    entries: Cache<[u8; 32], (u64, Arc<KnownKey>)>,
    epoch: AtomicU64,
    uses: Mutex<HashMap<KeyId, Timestamp>>,
    used: Notify,
}

/// That a commit which changes keys is going to disk.
pub(super) struct Changing<'a>(&'a AtomicU64);

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl KeyCache {
    pub(super) fn new() -> Self {
        Self {
            entries: Cache::new(KEYS_CACHED),
            epoch: AtomicU64::new(0),
            uses: Mutex::default(),
            used: Notify::new(),
        }
    }

    /// The epoch now; to be asked for before a read from disk that is to be kept.
    pub(in crate::store) fn epoch(&self) -> u64 {
        self.epoch.load(SeqCst)
    }

    /// The key of a digest, if it is here and nothing has changed since it was read.
    pub(in crate::store) fn get(&self, digest: &[u8; 32]) -> Option<Arc<KnownKey>> {
        let (read_in, key) = self.entries.get(digest)?;
        (read_in == self.epoch()).then_some(key)
    }

    /// Keeps a key that was read from disk in this epoch.
    pub(in crate::store) fn keep(&self, epoch: u64, key: &Arc<KnownKey>) {
        if epoch.is_multiple_of(2) {
            self.entries
                .insert(key.row.digest, (epoch, Arc::clone(key)));
        }
    }

    /// From now until the value is dropped every key is read from disk.
    pub(super) fn changing(&self) -> Changing<'_> {
        self.epoch.fetch_add(1, SeqCst);
        Changing(&self.epoch)
    }

    /// Remembers that a key was used.
    pub(in crate::store) fn note_use(&self, key: KeyId, now: Timestamp) {
        let mut uses = self.uses();
        let was_empty = uses.is_empty();
        uses.insert(key, now);
        drop(uses);
        if was_empty {
            self.used.notify_one();
        }
    }

    /// Waits until there is a use that is not on disk.
    pub(in crate::store) async fn used(&self) {
        while self.uses().is_empty() {
            self.used.notified().await;
        }
    }

    /// Uses that are not on disk.
    pub(in crate::store) fn unwritten(&self) -> Vec<(KeyId, Timestamp)> {
        self.uses().iter().map(|(&key, &at)| (key, at)).collect()
    }

    /// A use of a key that is not on disk.
    pub(in crate::store) fn last_use(&self, key: KeyId) -> Option<Timestamp> {
        self.uses().get(&key).copied()
    }

    /// These are on disk now; what was used again meanwhile stays.
    pub(in crate::store) fn written(&self, written: &[(KeyId, Timestamp)]) {
        let mut uses = self.uses();
        for (key, at) in written {
            if uses.get(key) == Some(at) {
                uses.remove(key);
            }
        }
    }

    fn uses(&self) -> MutexGuard<'_, HashMap<KeyId, Timestamp>> {
        self.uses.lock().expect("nobody panics while holding it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::rows::{KeyRow, KeyWish, Owner};
    use uuid::Uuid;

    fn key() -> Arc<KnownKey> {
        Arc::new(KnownKey {
            row: KeyRow {
                id: KeyId(Uuid::nil()),
                owner: Owner::Operator,
                wish: KeyWish::wide("a"),
                start: String::new(),
                digest: [1; 32],
                suspended: false,
                created_at: Timestamp::default(),
                expires_at: None,
                used_at: None,
            },
            tenant_suspended: false,
        })
    }

    #[test]
    fn a_read_that_a_commit_overtook_is_not_kept() {
        let cache = KeyCache::new();
        let (before, key) = (cache.epoch(), key());
        cache.keep(before, &key);
        assert_eq!(cache.get(&[1; 32]), Some(key.clone()));
        let changing = cache.changing();
        assert_eq!(cache.get(&[1; 32]), None, "while it is committed");
        let within = cache.epoch();
        cache.keep(within, &key);
        assert_eq!(cache.get(&[1; 32]), None);
        drop(changing);
        for overtaken in [before, within] {
            cache.keep(overtaken, &key);
            assert_eq!(cache.get(&[1; 32]), None);
        }
        cache.keep(cache.epoch(), &key);
        assert!(cache.get(&[1; 32]).is_some());
    }

    #[test]
    fn a_use_stays_until_it_is_written() {
        let (cache, key) = (KeyCache::new(), KeyId(Uuid::nil()));
        let at = Timestamp::from_millis;
        cache.note_use(key, at(1));
        let writing = cache.unwritten();
        cache.note_use(key, at(2));
        cache.written(&writing);
        assert_eq!(cache.last_use(key), Some(at(2)));
        cache.written(&cache.unwritten());
        assert_eq!(cache.last_use(key), None);
    }
}
