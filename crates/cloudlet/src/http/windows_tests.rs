//! Buckets on virtual time: exact at every edge, and kind to those who poll as they should.

use super::*;
use api::Timestamp;

const MINUTE: u64 = 60_000;
const ROOM: usize = 100;
/// Half a second past a whole one, so that rounding shows.
const EPOCH_MS: i64 = 1_000_000_500;

fn at(ms: u64) -> Moment {
    Moment {
        wall: Timestamp::from_millis(EPOCH_MS).plus_millis(i64::try_from(ms).unwrap()),
        steady_ms: ms,
    }
}

fn windows() -> Windows<u32> {
    Windows::new(MINUTE, ROOM)
}

#[test]
fn a_window_from_its_first_request_to_its_end() {
    let mut windows = windows();
    let reset = 1_000_061;
    for (ms, remaining, refused_for) in [
        (0, 2, None),
        (10, 1, None),
        (59_000, 0, None),
        (59_000, 0, Some(1)),
        (59_999, 0, Some(1)),
    ] {
        let drawn = windows.draw(1, 3, at(ms));
        let expected = Drawn {
            limit: 3,
            remaining,
            reset,
            refused_for,
        };
        assert_eq!(drawn, expected, "at {ms}");
    }
    let next = windows.draw(1, 3, at(60_000));
    assert_eq!((next.remaining, next.reset), (2, reset + 60));
    assert_eq!(next.refused_for, None);
}

#[test]
fn who_waits_as_long_as_told_is_served() {
    for begun in 0..1_000 {
        let mut windows = windows();
        windows.draw(1, 1, at(begun));
        let asked = begun + 31_337;
        let wait = windows.draw(1, 1, at(asked)).refused_for.unwrap();
        assert!((1..=60).contains(&wait));
        let again = windows.draw(1, 1, at(asked + wait * SECOND_MS));
        assert_eq!(again.refused_for, None, "begun at {begun}");
    }
}

#[test]
fn callers_do_not_share_and_each_brings_its_limit() {
    let mut windows = windows();
    assert_eq!(windows.draw(1, 1, at(0)).refused_for, None);
    assert!(windows.draw(1, 1, at(0)).refused_for.is_some());
    assert_eq!(windows.draw(2, 1, at(0)).refused_for, None);
    let raised = windows.draw(1, 5, at(0));
    assert_eq!((raised.limit, raised.remaining), (5, 3));
    let lowered = windows.draw(1, 1, at(0));
    assert_eq!((lowered.remaining, lowered.refused_for), (0, Some(60)));
    assert_eq!(windows.draw(3, 0, at(0)).refused_for, Some(60));
}

#[test]
fn memory_is_bounded_and_the_oldest_go_first() {
    let mut windows = windows();
    for caller in 0..1_000 {
        windows.draw(caller, 1, at(u64::from(caller)));
        assert!(windows.open.len() <= ROOM);
        assert_eq!(windows.open.len(), windows.order.len());
    }
    assert!(windows.draw(900, 1, at(1_000)).refused_for.is_some());
    assert_eq!(windows.draw(0, 1, at(1_000)).refused_for, None, "forgotten");
    // What has ended takes no room.
    windows.draw(7, 1, at(1_000_000));
    assert_eq!((windows.open.len(), windows.order.len()), (1, 1));
}

/// Sends what is due in every millisecond of ten minutes; how many were refused.
fn refused(limit: u32, pollers: u64, every_ms: u64, phase: impl Fn(u64) -> u64) -> usize {
    let mut windows = windows();
    let phases: Vec<u64> = (0..pollers).map(|it| phase(it) % every_ms).collect();
    let mut times: Vec<u64> = phases
        .iter()
        .flat_map(|phase| (0..10 * MINUTE / every_ms).map(move |turn| phase + turn * every_ms))
        .collect();
    times.sort_unstable();
    let drawn = times.iter().map(|ms| windows.draw(1, limit, at(*ms)));
    drawn.filter(|drawn| drawn.refused_for.is_some()).count()
}

/// The contract's two: fifty jobs in one request every 3 s, and fifty pollers of one key at 3 s each,
/// all at once or spread in any way.
#[test]
fn who_polls_as_asked_is_never_limited() {
    use crate::http::limits::JOBS_RATE_LIMIT;
    assert_eq!(refused(JOBS_RATE_LIMIT, 1, 3_000, |_| 0), 0);
    assert_eq!(refused(JOBS_RATE_LIMIT, 50, 3_000, |_| 0), 0);
    for step in [1, 7, 60, 1_499, 2_999] {
        let spread = |poller| poller * step;
        assert_eq!(refused(JOBS_RATE_LIMIT, 50, 3_000, spread), 0, "{step}");
    }
    // And it is a limit: a client that polls each job by itself, without a pause, meets it.
    assert!(refused(JOBS_RATE_LIMIT, 50, 1_000, |_| 0) > 0);
}
