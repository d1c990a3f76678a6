//! Waiting for jobs on the command line: show progress, then say how each ended.

use crate::cli::{
    console_view::ConsoleView,
    ending::Ending,
    progress::{Progress, take_back_echo},
    screen::Screen,
    session::Session,
    words,
};
use crate::values::whole;
use api::{Job, JobId, ResourceId, admin::ClockMode};
use clap::Args;
use client::{Accepted, Event, Outcome, Watch};
use std::{
    cell::{Cell, RefCell},
    fmt::Display,
    time::Duration,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep_until},
};

/// How long to wait for a machine unless told otherwise, in seconds.
pub(crate) const DEFAULT_TIMEOUT: u64 = 300;

/// How long to wait for anything but a machine, in seconds.
pub(crate) const SHORT_TIMEOUT: u64 = 120;

/// Whether and how long to wait for a job of a machine.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Give up waiting after this many seconds (exit status 4); the job goes on
    #[arg(long, value_name = "S", default_value_t = DEFAULT_TIMEOUT, value_parser = whole::<u64>)]
    timeout: u64,
    /// Only submit, and print the job's id
    #[arg(long)]
    no_wait: bool,
}

/// The same for anything else.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ShortPatience {
    /// Give up waiting after this many seconds (exit status 4); the job goes on
    #[arg(long, value_name = "S", default_value_t = SHORT_TIMEOUT, value_parser = whole::<u64>)]
    timeout: u64,
    /// Only submit, and print the job's id
    #[arg(long)]
    no_wait: bool,
}

impl Patience {
    /// Waits for what was accepted, or only says what it was.
    pub(crate) async fn end(self, session: &Session, accepted: Accepted) -> anyhow::Result<Ending> {
        self.end_showing(session, accepted, None).await
    }

    /// The same, showing what a machine writes on its console meanwhile.
    pub(crate) async fn end_showing(
        self,
        session: &Session,
        accepted: Accepted,
        console: Option<ResourceId>,
    ) -> anyhow::Result<Ending> {
        session.whose.submitted(&session.screen, &accepted.jobs);
        if self.no_wait {
            return submitted(&session.screen, &accepted);
        }
        let ids = accepted.ids();
        let watch = Watch::new().limit(Duration::from_secs(self.timeout));
        follow(session, &ids, accepted.jobs, watch, console).await
    }
}

impl From<ShortPatience> for Patience {
    fn from(ShortPatience { timeout, no_wait }: ShortPatience) -> Self {
        Self { timeout, no_wait }
    }
}

impl ShortPatience {
    /// Waits for what was accepted, or only says what it was.
    pub(crate) async fn end(self, session: &Session, accepted: Accepted) -> anyhow::Result<Ending> {
        Patience::from(self).end(session, accepted).await
    }
}

/// After this long without a change it is worth a look why.
const STANDSTILL: Duration = Duration::from_secs(5);
const CLOCK_HINT: &str = "The server's clock is manual: cloudlet admin clock advance 10";

/// Why the wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// All ended, or the time was up.
    ByItself,
    /// By Ctrl-C.
    Interrupted,
}

/// Waits for jobs by id, of which `jobs` are known already, then shows the result; beside them what this
/// machine writes on its console.
pub(crate) async fn follow(
    session: &Session,
    ids: &[JobId],
    jobs: Vec<Job>,
    watch: Watch,
    console: Option<ResourceId>,
) -> anyhow::Result<Ending> {
    // From before the first line on, so that whoever sees one can interrupt.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let progress = RefCell::new(Progress::new(&session.screen, &jobs));
    for job in &jobs {
        progress.borrow_mut().show(job);
    }
    let latest = RefCell::new(jobs);
    let moved = Cell::new(Instant::now());
    let mut view =
        console.and_then(|machine| ConsoleView::new(machine, &session.screen, &progress.borrow()));
    let waiting = session.client.wait(ids, watch, |event| match event {
        Event::Changed(job) => {
            progress.borrow_mut().show(job);
            if let Some(known) = latest
                .borrow_mut()
                .iter_mut()
                .find(|known| known.id == job.id)
            {
                if (known.status, known.progress) != (job.status, job.progress) {
                    moved.set(Instant::now());
                }
                known.clone_from(job);
            }
        }
        Event::Trouble(error) => progress.borrow_mut().trouble(error, &wait_command(ids)),
    });
    let hint = async {
        if stands_still(session, &moved).await {
            progress.borrow().say(CLOCK_HINT);
        }
        std::future::pending().await
    };
    let showing = async {
        if let Some(view) = &mut view {
            view.keep_showing(session, &progress).await;
        }
        std::future::pending().await
    };
    let result = tokio::select! {
        result = waiting => result.map(|outcome| (outcome, Over::ByItself)),
        () = hint => unreachable!("a hint ends no wait"),
        () = showing => unreachable!("a console ends no wait"),
        _ = interrupt.recv() => {
            take_back_echo(&session.screen);
            Ok((left_running(latest.take()), Over::Interrupted))
        }
    };
    let was_interrupted = matches!(result, Ok((_, Over::Interrupted)));
    if let Some(view) = view.filter(|_| !was_interrupted) {
        view.show_the_rest(session).await;
    }
    progress.borrow_mut().end();
    let (outcome, over) = result?;
    session.whose.ended(&session.screen, &seen(&outcome));
    report(&session.screen, &outcome, over)
}

/// Returns once nothing has moved for a while: whether that is because the clock is manual.
async fn stands_still(session: &Session, moved: &Cell<Instant>) -> bool {
    let Some(operator) = &session.operator else {
        return false;
    };
    while moved.get().elapsed() < STANDSTILL {
        sleep_until(moved.get() + STANDSTILL).await;
    }
    let clock = operator.clock().await;
    clock.is_ok_and(|clock| clock.mode == ClockMode::Manual)
}

/// Says that jobs were submitted and how to go on.
pub(crate) fn submitted(screen: &Screen, accepted: &Accepted) -> anyhow::Result<Ending> {
    if screen.is_json() {
        screen.json(&accepted.jobs)?;
    } else {
        for job in &accepted.jobs {
            screen.result(job.id);
        }
    }
    screen.hint(format!("Go on with: {}", wait_command(&accepted.ids())));
    Ok(Ending::Done)
}

/// The jobs that have ended, or are there no more.
fn seen(outcome: &Outcome) -> Vec<JobId> {
    let ended = outcome.jobs.iter().filter(|job| job.status.is_final());
    let ended = ended.map(|job| job.id);
    ended.chain(outcome.unknown.iter().copied()).collect()
}

fn left_running(jobs: Vec<Job>) -> Outcome {
    let open = |job: &&Job| !job.status.is_final();
    let running = jobs.iter().filter(open).map(|job| job.id).collect();
    Outcome {
        jobs,
        running,
        unknown: Vec::new(),
    }
}

fn report(screen: &Screen, outcome: &Outcome, over: Over) -> anyhow::Result<Ending> {
    if screen.is_json() {
        screen.json(&outcome.jobs)?;
    } else {
        for job in outcome.jobs.iter().filter(|job| job.is_completed) {
            if screen.quiet {
                screen.result(job.target_id);
            } else {
                screen.result(words::done(job));
            }
        }
    }
    for job in outcome.failed() {
        screen.error(&words::not_done(job));
        screen.complain(format!("Its phases: cloudlet job show {}", job.id));
    }
    for id in &outcome.unknown {
        screen.error(&format!(
            "no job has the id {id}: mistyped, another tenant's, or ended more than a day ago"
        ));
    }
    if !outcome.running.is_empty() {
        let begin = match over {
            Over::ByItself => "Still running when the time was up.",
            Over::Interrupted => "Left running.",
        };
        screen.complain(format!(
            "{begin} Go on with: {}",
            wait_command(&outcome.running)
        ));
    }
    if let [job] = &outcome.jobs[..]
        && job.is_completed
        && job.kind == "vm.create"
    {
        screen.hint(format!("Next: cloudlet vm show {}", job.resource_name));
    }
    Ok(ending(outcome))
}

/// A job that failed weighs more than one that still runs: it is certain.
fn ending(outcome: &Outcome) -> Ending {
    if outcome.failed().next().is_some() {
        Ending::JobFailed
    } else if !outcome.running.is_empty() {
        Ending::StillRunning
    } else if !outcome.unknown.is_empty() {
        Ending::Error
    } else {
        Ending::Done
    }
}

fn wait_command(ids: &[JobId]) -> String {
    format!("cloudlet job wait {}", joined(ids))
}

fn joined(ids: &[impl Display]) -> String {
    ids.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use api::JobStatus;
    use serde_json::json;

    /// A job for tests of the command line; it took 9.4 s if it has ended.
    pub(crate) fn job(name: &str, status: JobStatus, stage: &str, progress: u8) -> Job {
        let id = uuid::Uuid::from_u128(
            name.bytes()
                .fold(0, |sum, byte| sum * 256 + u128::from(byte)),
        );
        let failed = status == JobStatus::Failed;
        let error = failed.then_some("Quota exceeded for vCPUs: asked 4, in use 14, limit 16.");
        let ended = status.is_final().then_some("2026-03-01T09:00:09.412Z");
        serde_json::from_value(json!({
            "id": id, "jobId": id, "status": status, "progress": progress,
            "progressPercentage": progress, "resourceType": "vm", "resourceId": null,
            "resourceName": name, "resourceDisplayName": name, "operation": "create",
            "kind": "vm.create", "stage": stage, "message": "", "error": error,
            "errorMessage": error, "errorCode": failed.then_some("QUOTA_EXCEEDED"),
            "isCompleted": status == JobStatus::Completed, "hasFailed": failed, "canRetry": false,
            "estimatedCompletion": null, "timeRemaining": null,
            "createdAt": "2026-03-01T09:00:00.000Z", "updatedAt": "2026-03-01T09:00:00.000Z",
            "completedAt": ended, "targetId": id, "result": null,
        }))
        .unwrap()
    }

    #[test]
    fn the_exit_status_says_the_worst_that_is_certain() {
        let done = job("a", JobStatus::Completed, "completed", 100);
        let failed = job("b", JobStatus::Failed, "failed", 40);
        let open = job("c", JobStatus::InProgress, "boot", 70);
        let stray = JobId(uuid::Uuid::nil());
        for (jobs, unknown, expected) in [
            (vec![done.clone()], vec![], Ending::Done),
            (
                vec![done.clone(), open.clone()],
                vec![stray],
                Ending::StillRunning,
            ),
            (vec![done.clone(), failed, open], vec![], Ending::JobFailed),
            (vec![done], vec![stray], Ending::Error),
        ] {
            let outcome = Outcome {
                unknown,
                ..left_running(jobs)
            };
            assert_eq!(ending(&outcome), expected, "{outcome:?}");
        }
    }
}
