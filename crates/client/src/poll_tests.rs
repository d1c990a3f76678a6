//! The wait on virtual time, over a poll that is a closure.

use super::*;
use api::{JobStatus, ResourceId, Timestamp};
use std::cell::{Cell, RefCell};

fn id(n: u128) -> JobId {
    JobId(uuid::Uuid::from_u128(n))
}

fn job(n: u128, status: JobStatus, progress: u8) -> Job {
    Job {
        id: id(n),
        job_id: id(n),
        status,
        progress,
        progress_percentage: progress,
        resource_type: "vm".into(),
        resource_id: None,
        resource_name: format!("web-{n}"),
        resource_display_name: format!("web-{n}"),
        operation: "create".into(),
        kind: "vm.create".into(),
        stage: "boot".into(),
        message: "booting".into(),
        error: None,
        error_message: None,
        error_code: None,
        is_completed: status == JobStatus::Completed,
        has_failed: status == JobStatus::Failed,
        can_retry: false,
        estimated_completion: None,
        time_remaining: None,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
        completed_at: None,
        target_id: ResourceId(uuid::Uuid::from_u128(n)),
        result: None,
    }
}

fn busy(retry_after: Option<u64>) -> Error {
    Error::Api {
        status: 503,
        code: "SHUTTING_DOWN".into(),
        message: "later".into(),
        details: Box::default(),
        retry_after: retry_after.map(Duration::from_secs),
    }
}

fn limited(retry_after: u64) -> Error {
    Error::Api {
        status: 429,
        code: "RATE_LIMIT_EXCEEDED".into(),
        message: "too many".into(),
        details: Box::default(),
        retry_after: Some(Duration::from_secs(retry_after)),
    }
}

/// Runs a wait over scripted answers; returns its result, when each poll came, and what was told.
async fn play(
    watch: Watch,
    ids: &[JobId],
    answer: impl Fn(usize, Vec<JobId>) -> Result<Polled, Error>,
) -> (Result<Outcome, Error>, Vec<u128>, Vec<String>) {
    let begun = Instant::now();
    let at = RefCell::new(Vec::new());
    let count = Cell::new(0);
    let mut told = Vec::new();
    let result = watch
        .run(
            ids,
            |ask| {
                at.borrow_mut().push(begun.elapsed().as_millis());
                let n = count.replace(count.get() + 1);
                std::future::ready(answer(n, ask.ids))
            },
            |event| {
                told.push(match event {
                    Event::Changed(job) => format!("{} {}", job.resource_name, job.progress),
                    Event::Trouble(error) => error.to_string(),
                });
            },
        )
        .await;
    (result, at.into_inner(), told)
}

fn polled(jobs: Vec<Job>) -> Result<Polled, Error> {
    Ok(Polled {
        jobs,
        ..Polled::default()
    })
}

#[tokio::test(start_paused = true)]
async fn polls_at_the_pace_and_tells_only_of_changes() {
    let progress = [0, 10, 10, 30, 60, 60, 99, 100];
    let (result, at, told) = play(Watch::new(), &[id(1)], |n, _| {
        let status = if n == 7 {
            JobStatus::Completed
        } else {
            JobStatus::InProgress
        };
        polled(vec![job(1, status, progress[n])])
    })
    .await;
    assert_eq!(at, [0, 2000, 4000, 6000, 8000, 10000, 13000, 17500]);
    assert_eq!(
        told,
        [
            "web-1 0",
            "web-1 10",
            "web-1 30",
            "web-1 60",
            "web-1 99",
            "web-1 100"
        ]
    );
    assert!(result.unwrap().all_completed());
}

#[tokio::test(start_paused = true)]
async fn the_ended_and_the_unknown_are_not_asked_for_again() {
    let asked = RefCell::new(Vec::new());
    let (result, _, _) = play(Watch::new(), &[id(1), id(2), id(3), id(1)], |n, open| {
        asked.borrow_mut().push(open.clone());
        polled(match n {
            0 => vec![job(1, JobStatus::Failed, 40), job(2, JobStatus::Pending, 0)],
            _ => vec![job(2, JobStatus::Completed, 100)],
        })
    })
    .await;
    let outcome = result.unwrap();
    assert_eq!(*asked.borrow(), [vec![id(1), id(2), id(3)], vec![id(2)]]);
    assert_eq!(outcome.unknown, [id(3)]);
    assert_eq!(
        outcome.failed().map(|job| job.id).collect::<Vec<_>>(),
        [id(1)]
    );
    assert_eq!(
        outcome.jobs.iter().map(|job| job.id).collect::<Vec<_>>(),
        [id(1), id(2)]
    );
    assert!(!outcome.all_completed());
}

#[tokio::test(start_paused = true)]
async fn time_up_names_what_still_runs_after_one_last_poll() {
    let watch = Watch::new().limit(Duration::from_secs(5));
    let (result, at, _) = play(watch, &[id(1), id(2)], |_, open| {
        polled(
            open.iter()
                .map(|id| {
                    let n = id.0.as_u128();
                    let status = if n == 2 {
                        JobStatus::Completed
                    } else {
                        JobStatus::InProgress
                    };
                    job(n, status, 50)
                })
                .collect(),
        )
    })
    .await;
    assert_eq!(at, [0, 2000, 4000, 5000]);
    let outcome = result.unwrap();
    assert_eq!((outcome.running, outcome.jobs.len()), (vec![id(1)], 2));
}

#[tokio::test(start_paused = true)]
async fn trouble_passes_and_retry_after_wins() {
    let watch = Watch::new().first(Some(Duration::from_secs(1)));
    let (result, at, told) = play(watch, &[id(1)], |n, _| match n {
        0 => Err(busy(Some(7))),
        1 => Err(busy(None)),
        2 => Ok(Polled {
            jobs: vec![job(1, JobStatus::Pending, 0)],
            retry_after: Some(Duration::from_secs(4)),
            cursor: None,
        }),
        _ => polled(vec![job(1, JobStatus::Completed, 100)]),
    })
    .await;
    assert_eq!(at, [1000, 8000, 10000, 14000]);
    assert_eq!(told, ["later", "later", "web-1 0", "web-1 100"]);
    assert!(result.unwrap().all_completed());
}

/// A limit of requests is waited for as long as the server says, and no poll is sent before.
#[tokio::test(start_paused = true)]
async fn a_limit_of_requests_passes() {
    let (result, at, told) = play(Watch::new(), &[id(1)], |n, _| match n {
        0 => Err(limited(58)),
        _ => polled(vec![job(1, JobStatus::Completed, 100)]),
    })
    .await;
    assert_eq!(at, [0, 58_000]);
    assert_eq!(told, ["too many", "web-1 100"]);
    assert!(result.unwrap().all_completed());
}

#[tokio::test(start_paused = true)]
async fn what_asking_again_cannot_mend_ends_the_wait() {
    let refused = || Error::Protocol {
        url: "u".into(),
        why: "w".into(),
    };
    let (result, at, _) = play(Watch::new(), &[id(1)], |_, _| Err(refused())).await;
    assert!(result.is_err());
    assert_eq!(at, [0]);

    let watch = Watch::new().limit(Duration::from_secs(3));
    let (result, at, told) = play(watch, &[id(1)], |_, _| Err(busy(None))).await;
    assert!(
        result.is_err(),
        "never seen at all: an error, not 'still running'"
    );
    assert_eq!((at.len(), told.len()), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn a_poll_without_an_answer_is_given_up_and_repeated() {
    let count = Cell::new(0);
    let outcome = Watch::new()
        .run(
            &[id(1)],
            |_| async {
                if count.replace(count.get() + 1) == 0 {
                    std::future::pending::<()>().await;
                }
                polled(vec![job(1, JobStatus::Completed, 100)])
            },
            |_| {},
        )
        .await;
    assert!(outcome.unwrap().all_completed());
    assert_eq!(count.get(), 2);
}

/// One that holds polls is asked with its last cursor, as long as the same jobs are asked for, and never
/// beyond the limit.
#[tokio::test(start_paused = true)]
async fn a_server_that_holds_polls_is_asked_what_changed() {
    let begun = Instant::now();
    let asked = RefCell::new(Vec::new());
    let watch = Watch::new().limit(Duration::from_secs(16));
    let ids = [id(1), id(2)];
    let outcome = watch.run(
        &ids,
        |ask| {
            let hold = ask.hold.map(|hold| (hold.since, hold.seconds));
            let held = hold.clone().map_or(0, |(_, seconds)| seconds);
            let mut asked = asked.borrow_mut();
            asked.push((begun.elapsed().as_millis(), ask.ids.len(), hold));
            let n = asked.len();
            async move {
                tokio::time::sleep(Duration::from_secs(held.min(3))).await;
                let first = match n {
                    1 => JobStatus::Pending,
                    _ => JobStatus::Completed,
                };
                let all = [job(1, first, 10), job(2, JobStatus::InProgress, 20)];
                // A poll that is not held is told when to come again; so is the
                // fifth, which the server would not hold.
                let retry_after = (held == 0 || n == 5).then_some(Duration::from_secs(2));
                Ok(Polled {
                    jobs: all
                        .into_iter()
                        .filter(|job| ask.ids.contains(&job.id))
                        .collect(),
                    retry_after,
                    cursor: Some(format!("after {n}")),
                })
            }
        },
        |_| {},
    );
    let outcome = outcome.await.unwrap();
    assert_eq!(outcome.running, [id(2)]);
    let since = |n: usize, seconds| Some((format!("after {n}"), seconds));
    assert_eq!(
        *asked.borrow(),
        [
            (0, 2, None),
            (250, 2, since(1, 8)),
            (3500, 1, None), // another list: the cursor was of the one before
            (3750, 1, since(3, 8)),
            (7000, 1, since(4, 8)),
            (12_000, 1, None), // it would not hold the one before, and said when to come again
            (12_250, 1, since(6, 2)),
            (14_500, 1, None), // less than two seconds are left
            (14_750, 1, None),
            (15_000, 1, None),
            (15_375, 1, None),
            (15_938, 1, None),
            (16_000, 1, None),
        ]
    );
}

/// A limit that passes while a poll is under way is no trouble: the last poll says how the jobs are.
#[tokio::test(start_paused = true)]
async fn a_poll_that_the_limit_cuts_short_is_no_trouble() {
    let count = Cell::new(0);
    let mut troubles = 0;
    let watch = Watch::new().limit(Duration::from_secs(5));
    let ids = [id(1)];
    let outcome = watch.run(
        &ids,
        |_| async {
            // The second poll is sent at 2 s and would be answered at 12 s.
            if count.replace(count.get() + 1) == 1 {
                tokio::time::sleep(Duration::from_secs(10)).await;
            }
            polled(vec![job(1, JobStatus::InProgress, 10)])
        },
        |event| troubles += usize::from(matches!(event, Event::Trouble(_))),
    );
    let outcome = outcome.await.unwrap();
    assert_eq!((outcome.running.len(), count.get(), troubles), (1, 3, 0));
}
