//! How long to wait before the next poll: plain arithmetic, no clock.

use std::time::Duration;

/// The pace of polling: a few quick polls, then slower and slower up to a longest wait.
///
/// [`Pace::default`] is what servers expect: every 2 s for the first five polls, then each wait
/// 1.5 times the one before, up to 10 s.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    next: Duration,
    quick_polls: u32,
    longest: Duration,
}

impl Pace {
    const FIRST: Duration = Duration::from_secs(2);
    const QUICK_POLLS: u32 = 5;
    const LONGEST: Duration = Duration::from_secs(10);
    /// A server that asks for less is asked no more often than this.
    const SHORTEST: Duration = Duration::from_millis(50);

    /// For a server that holds each poll until there is a change: four a second for two seconds, then
    /// slower, down to one in two. That is at most some 40 polls in the first minute of a wait.
    pub(crate) fn live() -> Self {
        Self {
            next: Duration::from_millis(250),
            quick_polls: 8,
            longest: Duration::from_secs(2),
        }
    }

    /// The same wait every time.
    pub fn every(wait: Duration) -> Self {
        Self {
            next: wait,
            quick_polls: u32::MAX,
            longest: wait,
        }
    }

    /// The wait after one more poll. A `Retry-After` of its answer wins over the pace.
    pub fn after_poll(&mut self, retry_after: Option<Duration>) -> Duration {
        if self.quick_polls > 0 {
            self.quick_polls -= 1;
        } else {
            self.next = (self.next * 3 / 2).min(self.longest);
        }
        retry_after.unwrap_or(self.next).max(Self::SHORTEST)
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            next: Self::FIRST,
            quick_polls: Self::QUICK_POLLS,
            longest: Self::LONGEST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(mut pace: Pace, hints: &[Option<u64>]) -> Vec<u128> {
        hints
            .iter()
            .map(|hint| pace.after_poll(hint.map(Duration::from_secs)).as_millis())
            .collect()
    }

    #[test]
    fn five_quick_then_slower_up_to_ten_seconds() {
        assert_eq!(
            waits(Pace::default(), &[None; 11]),
            [
                2000, 2000, 2000, 2000, 2000, 3000, 4500, 6750, 10000, 10000, 10000
            ]
        );
    }

    #[test]
    fn retry_after_wins_and_the_pace_goes_on_beneath_it() {
        let hints = [Some(30), None, Some(1), None, None, Some(0), None];
        assert_eq!(
            waits(Pace::default(), &hints),
            [30000, 2000, 1000, 2000, 2000, 50, 4500]
        );
    }

    #[test]
    fn a_live_pace_is_quick_at_first_and_cheap_after() {
        let waits = waits(Pace::live(), &[None; 13]);
        assert_eq!(waits[..9], [250, 250, 250, 250, 250, 250, 250, 250, 375]);
        assert_eq!(waits[12], 1898);
        let mut polls = 0;
        let (mut pace, mut passed) = (Pace::live(), Duration::ZERO);
        while passed < Duration::from_secs(60) {
            passed += pace.after_poll(None);
            polls += 1;
        }
        assert!(polls <= 40, "{polls}");
    }

    #[test]
    fn an_even_pace_stays_even() {
        assert_eq!(
            waits(Pace::every(Duration::from_millis(70)), &[None; 3]),
            [70, 70, 70]
        );
        assert_eq!(waits(Pace::every(Duration::ZERO), &[None; 2]), [50, 50]);
    }
}
