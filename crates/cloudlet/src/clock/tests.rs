use super::Clock;
use api::Timestamp;
use std::sync::{Arc, Mutex};
use tokio_util::task::TaskTracker;

fn clock() -> Clock {
    Clock::manual(Timestamp::from_millis(1_000_000))
}

type Log = Arc<Mutex<Vec<(u64, &'static str)>>>;

fn note(log: &Log, clock: &Clock, what: &'static str) {
    log.lock().unwrap().push((clock.moment().steady_ms, what));
}

#[tokio::test]
async fn both_clocks_move_together() {
    let clock = clock();
    assert!(clock.is_manual());
    assert_eq!(clock.moment().steady_ms, 0);
    clock.advance(90).await;
    assert_eq!(clock.moment().steady_ms, 90_000);
    assert_eq!(clock.now(), Timestamp::from_millis(1_090_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sleepers_wake_in_order_of_time_and_what_follows_runs_too() {
    let (clock, log, tasks) = (clock(), Log::default(), TaskTracker::new());
    for (first_ms, then_ms, name) in [
        (3_000, 8_000, "c"),
        (1_000, 2_000, "a"),
        (1_500, 3_000, "b"),
    ] {
        let (clock, log, busy) = (clock.clone(), log.clone(), clock.busy());
        tasks.spawn(async move {
            let busy = clock.sleep_until(first_ms, busy).await;
            note(&log, &clock, name);
            tokio::task::yield_now().await;
            let _busy = clock.sleep_until(then_ms, busy).await;
            tokio::task::yield_now().await;
            note(&log, &clock, name);
        });
    }
    clock.advance(5).await;
    let expected = vec![
        (1_000, "a"),
        (1_500, "b"),
        (2_000, "a"),
        (3_000, "c"),
        (3_000, "b"),
    ];
    assert_eq!(*log.lock().unwrap(), expected);
    assert_eq!(clock.moment().steady_ms, 5_000);
    clock.advance(3).await;
    assert_eq!(log.lock().unwrap().last(), Some(&(8_000, "c")));
    tasks.close();
    tasks.wait().await;
}

#[tokio::test]
async fn a_time_that_has_come_is_not_slept_for() {
    let clock = clock();
    clock.advance(1).await;
    let busy = clock.sleep_until(1_000, clock.busy()).await;
    let busy = clock.sleep_until(0, busy).await;
    drop(busy);
    clock.advance(1).await;
}

#[tokio::test]
async fn dropped_sleepers_and_dropped_work_hold_nothing_up() {
    let clock = clock();
    let mut asleep = Box::pin(clock.sleep_until(500, clock.busy()));
    assert!(
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(asleep.as_mut().poll(context).is_pending())
        })
        .await
    );
    drop(asleep);
    clock.advance(1).await;

    // Woken, and dropped before it was polled again: the clock's mark goes with it.
    let mut woken = Box::pin(clock.sleep_until(1_500, clock.busy()));
    assert!(
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(woken.as_mut().poll(context).is_pending())
        })
        .await
    );
    let mut advance = Box::pin(clock.advance(10));
    assert!(
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(advance.as_mut().poll(context).is_pending())
        })
        .await
    );
    assert_eq!(clock.moment().steady_ms, 1_500);
    drop(woken);
    advance.await;
    assert_eq!(clock.moment().steady_ms, 11_000);
}

#[tokio::test]
async fn it_stands_while_any_clone_of_busy_exists() {
    let clock = clock();
    let busy = clock.busy();
    let other = busy.clone();
    drop(busy);
    let mut advance = Box::pin(clock.advance(1));
    assert!(
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(advance.as_mut().poll(context).is_pending())
        })
        .await
    );
    assert_eq!(clock.moment().steady_ms, 0);
    drop(other);
    advance.await;
    assert_eq!(clock.moment().steady_ms, 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_advances_follow_each_other() {
    let clock = clock();
    tokio::join!(clock.advance(2), clock.advance(3));
    assert_eq!(clock.moment().steady_ms, 5_000);
}

#[tokio::test]
async fn the_machines_clock_is_never_held_up() {
    let clock = Clock::real();
    let busy = clock.busy();
    assert!(!clock.is_manual());
    clock.advance(1_000_000).await;
    let at = clock.moment();
    assert!(at.steady_ms < 1_000_000 && at.wall > Timestamp::from_millis(0));
    drop(clock.sleep_until(at.steady_ms, busy).await);
}
