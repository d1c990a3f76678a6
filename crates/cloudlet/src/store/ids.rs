//! New ids: UUID version 7, each greater than every one before it, whatever the clock does.
//!
//! Rows are then appended where ids are the key, and "by id" is "by time of acceptance". Only the
//! writer makes ids that are stored; they are no secret and prove nothing.

use api::Timestamp;
use uuid::Uuid;

/// Bits behind the milliseconds, without version and variant.
const TAIL_BITS: u32 = 74;
const TAIL_MASK: u128 = (1 << TAIL_BITS) - 1;
const LOW_BITS: u32 = 62;
const LOW_MASK: u128 = (1 << LOW_BITS) - 1;
const MILLIS_MASK: u128 = (1 << 48) - 1;
const VERSION: u128 = 7 << 76;
const VARIANT: u128 = 0b10 << 62;

/// Makes ids.
pub(super) struct Ids {
    /// The last one's milliseconds and tail, as one number of 122 bits.
    last: u128,
}

impl Ids {
    /// Goes on above the greatest id there is.
    pub(super) fn after(greatest: Uuid) -> Self {
        let bits = greatest.as_u128();
        let millis = bits >> 80;
        let high = (bits >> 64) & 0xfff;
        let tail = (high << LOW_BITS) | (bits & LOW_MASK);
        Self {
            last: (millis << TAIL_BITS) | tail,
        }
    }

    /// The next id. Within a millisecond, or when the clock has gone back, it counts on from the
    /// last by a random step.
    pub(super) fn next(&mut self, now: Timestamp) -> Uuid {
        let millis = u128::from(now.as_millis().max(0).unsigned_abs()) & MILLIS_MASK;
        // The upper half of the tail is left free, so that there is room to count on.
        let fresh = (millis << TAIL_BITS) | (rand::random::<u128>() & (TAIL_MASK >> 1));
        self.last = if millis > self.last >> TAIL_BITS {
            fresh
        } else {
            self.last + 1 + u128::from(rand::random::<u32>())
        };
        let (millis, tail) = (self.last >> TAIL_BITS, self.last & TAIL_MASK);
        let (high, low) = (tail >> LOW_BITS, tail & LOW_MASK);
        Uuid::from_u128(millis << 80 | VERSION | high << 64 | VARIANT | low)
    }
}

#[cfg(test)]
mod tests {
    use super::Ids;
    use api::Timestamp;
    use uuid::Uuid;

    #[test]
    fn ascending_even_when_the_clock_goes_back() {
        let mut ids = Ids::after(Uuid::nil());
        let mut last = Uuid::nil();
        for millis in [1_000, 1_000, 1_001, 5, 0, -7, 1_001, 2_000, 1_999] {
            for _ in 0..1_000 {
                let id = ids.next(Timestamp::from_millis(millis));
                assert!(id > last);
                assert_eq!(id.get_version_num(), 7);
                assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
                last = id;
            }
        }
        let next = Ids::after(last).next(Timestamp::from_millis(3));
        assert!(next > last, "a restart goes on above the greatest");
    }

    #[test]
    fn it_carries_its_time() {
        let now = 1_772_355_660_412;
        let id = Ids::after(Uuid::nil()).next(Timestamp::from_millis(now));
        assert_eq!(id.as_u128() >> 80, u128::try_from(now).unwrap());
    }
}
