//! `cloudlet job`: list jobs, look at one, wait for some, cancel one.

use crate::{
    cli::{
        STATUSES,
        ending::Ending,
        screen::Screen,
        session::Session,
        table::{pairs, squeeze, table},
        wait::{self, DEFAULT_TIMEOUT},
        words,
    },
    values,
};
use api::{
    Job, JobId, JobStatus,
    job::{JobDetail, Receipt, ReceiptEntry},
};
use clap::Subcommand;
use client::{JobFilter, Watch};
use std::time::Duration;

/// Jobs that are listed where nothing else is asked for.
const DEFAULT_LIMIT: usize = 20;
/// Rows that one request may ask for.
const LONGEST_PAGE: usize = 100;

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// List jobs, newest first.
    #[command(before_help = "\
Examples:
  cloudlet job list
  cloudlet job list --status pending --status in_progress --limit 100
  cloudlet job list --status failed --output json")]
    List {
        /// Only those with this status; give it again for another one
        #[arg(long, value_name = "STATUS", value_parser = values::job_status)]
        status: Vec<JobStatus>,
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = DEFAULT_LIMIT, value_parser = values::whole::<usize>)]
        limit: usize,
    },
    /// Cancel a job: one that waits ends at once, a create that runs is put back.
    #[command(before_help = "\
Examples:
  cloudlet job cancel 01930000-0000-7000-8000-000000000001
  cloudlet job cancel 01930000-0000-7000-8000-000000000001 --output json")]
    Cancel {
        /// The job's id
        #[arg(value_name = "ID", value_parser = values::job_id)]
        id: JobId,
    },
    /// Show a job with its phases.
    #[command(before_help = "\
Examples:
  cloudlet job show 01930000-0000-7000-8000-000000000001
  cloudlet job show 01930000-0000-7000-8000-000000000001 --output json")]
    Show {
        /// The job's id
        #[arg(value_name = "ID", value_parser = values::job_id)]
        id: JobId,
    },
    /// Wait until jobs have ended, from wherever they were submitted; without ids all those that were
    /// submitted from here and were not seen to end.
    #[command(before_help = "\
Examples:
  cloudlet job wait
  cloudlet job wait 01930000-0000-7000-8000-000000000001
  cloudlet job wait 01930000-0000-7000-8000-000000000001 --timeout 60 --output json", after_help = STATUSES)]
    Wait {
        /// The jobs' ids [default: what was submitted from here and not seen to end]
        #[arg(value_name = "ID", value_parser = values::job_id)]
        ids: Vec<JobId>,
        /// Give up waiting after this many seconds (exit status 4); the jobs go on
        #[arg(long, value_name = "S", default_value_t = DEFAULT_TIMEOUT, value_parser = values::whole::<u64>)]
        timeout: u64,
    },
}

pub(crate) async fn run(session: &Session, command: JobCommand) -> anyhow::Result<Ending> {
    match command {
        JobCommand::List { status, limit } => list(session, status, limit).await,
        JobCommand::Cancel { id } => cancel(session, id).await,
        JobCommand::Show { id } => show(session, id).await,
        JobCommand::Wait { ids, timeout } => wait_for(session, ids, timeout).await,
    }
}

async fn wait_for(session: &Session, ids: Vec<JobId>, timeout: u64) -> anyhow::Result<Ending> {
    let watch = Watch::new().limit(Duration::from_secs(timeout));
    if !ids.is_empty() {
        // Read once before waiting: a server that is not there is an error, not a delay.
        let polled = session.client.poll(&ids).await?;
        return wait::follow(session, &ids, polled.jobs, watch, None).await;
    }
    let screen = &session.screen;
    let submitted = session.whose.open(screen);
    let jobs = session.client.poll(&submitted).await?.jobs;
    let (open, gone): (Vec<JobId>, Vec<JobId>) = submitted
        .iter()
        .partition(|id| jobs.iter().any(|job| job.id == **id));
    // Their server keeps nothing of them any more, so nobody will see their end.
    session.whose.ended(screen, &gone);
    if open.is_empty() {
        if screen.is_json() {
            screen.json(&jobs)?;
        }
        screen.say("Every job that was submitted from here has been seen to end.");
        return Ok(Ending::Done);
    }
    wait::follow(session, &open, jobs, watch, None).await
}

async fn list(session: &Session, status: Vec<JobStatus>, limit: usize) -> anyhow::Result<Ending> {
    let filter = JobFilter {
        status,
        ..JobFilter::default()
    };
    let limit = limit.max(1);
    let (mut jobs, mut cursor): (Vec<Job>, Option<String>) = (Vec::new(), None);
    while jobs.len() < limit {
        let rows = (limit - jobs.len()).min(LONGEST_PAGE);
        let page = session.client.list_jobs(&filter, cursor.as_deref(), rows);
        let page = page.await?;
        jobs.extend(page.jobs);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&jobs)?;
    } else if jobs.is_empty() {
        screen.say("There is no such job.");
    } else if screen.quiet {
        jobs.iter().for_each(|job| screen.result(job.id));
    } else {
        screen.result(listed(screen, &jobs));
        if cursor.is_some() {
            screen.say(format!(
                "There are more; see them with: --limit {}",
                10 * limit
            ));
        }
    }
    Ok(Ending::Done)
}

fn listed(screen: &Screen, jobs: &[Job]) -> String {
    // The narrow form fits 80 columns with the id, which the other commands take.
    let mut header = vec!["NAME", "WHAT", "STATUS", "ID"];
    if screen.is_wide() {
        header.extend(["ACCEPTED", "TOOK", "ERROR"]);
    }
    let rows = jobs.iter().map(|job| {
        let mut status = words::status(job).to_owned();
        if job.status == JobStatus::InProgress {
            status = format!("{status} {} %", job.progress);
        }
        let mut cells = vec![
            job.resource_name.clone(),
            job.kind.clone(),
            status,
            job.id.to_string(),
        ];
        if screen.is_wide() {
            cells.push(screen.when(job.created_at));
            cells.push(words::took(job));
            cells.push(job.error.clone().unwrap_or_default());
        }
        cells
    });
    let mut rows: Vec<Vec<String>> = rows.collect();
    if let Some(columns) = screen.columns().filter(|_| !screen.is_wide()) {
        squeeze(&header, &mut rows, columns);
    }
    table(&header, rows)
}

async fn cancel(session: &Session, id: JobId) -> anyhow::Result<Ending> {
    let job = session.client.cancel_job(id).await?;
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&job)?;
    } else if job.status.is_final() {
        screen.say(words::not_done(&job));
    } else {
        screen.say(format!(
            "{} is being put back; see how it ends with: cloudlet job wait {id}",
            job.resource_name
        ));
    }
    Ok(Ending::Done)
}

async fn show(session: &Session, id: JobId) -> anyhow::Result<Ending> {
    let detail = session.client.job(id).await?;
    if session.screen.is_json() {
        session.screen.json(&detail)?;
    } else {
        session.screen.result(described(&session.screen, &detail));
    }
    Ok(Ending::Done)
}

fn described(screen: &Screen, detail: &JobDetail) -> String {
    let JobDetail {
        job,
        phases,
        pending_reason,
        receipt,
    } = detail;
    let (doing, left) = if job.status.is_final() {
        (String::new(), None)
    } else {
        (words::doing(job).to_owned(), job.time_remaining)
    };
    let code = job
        .error_code
        .and_then(|code| serde_json::to_value(code).ok());
    let mut text = pairs(vec![
        ("job", job.id.to_string()),
        ("what", job.kind.clone()),
        ("of", format!("{} ({})", job.resource_name, job.target_id)),
        ("status", words::status(job).to_owned()),
        ("progress", format!("{} %", job.progress)),
        ("doing", doing),
        ("why", pending_reason.clone().unwrap_or_default()),
        (
            "time",
            left.map(|left| format!("about {left} s left"))
                .unwrap_or_default(),
        ),
        ("error", job.error.clone().unwrap_or_default()),
        (
            "code",
            code.as_ref()
                .and_then(|code| code.as_str())
                .unwrap_or_default()
                .to_owned(),
        ),
        ("accepted", screen.when(job.created_at)),
        (
            "ended",
            job.completed_at
                .map(|end| screen.when(end))
                .unwrap_or_default(),
        ),
        ("took", words::took(job)),
    ]);
    if !phases.is_empty() {
        let rows = phases.iter().map(|phase| {
            vec![
                phase.name.clone(),
                screen.when(phase.started_at),
                // A phase that a failure or a restart cut short has no end of its own.
                match phase.ended_at {
                    Some(end) => screen.when(end),
                    None if job.status.is_final() => "-".into(),
                    None => "running".into(),
                },
                phase.attempt.to_string(),
                phase.error.clone().unwrap_or_default(),
            ]
        });
        let header = ["PHASE", "BEGAN", "ENDED", "ATTEMPTS", "ERROR"];
        text = format!("{text}\n\n{}", table(&header, rows.collect()));
    }
    if let Some(receipt) = receipt {
        let rows = received(receipt);
        if !rows.is_empty() {
            text = format!("{text}\n\n{}", table(&["RECEIPT", "WHAT", "OF"], rows));
        }
    }
    text
}

fn received(receipt: &Receipt) -> Vec<Vec<String>> {
    let parts = [
        ("made", &receipt.made),
        ("put back", &receipt.put_back),
        ("left", &receipt.left),
    ];
    let rows = parts.into_iter().flat_map(|(word, entries)| {
        let row = move |entry: &ReceiptEntry| {
            let of = format!("{} {}", entry.kind, entry.id);
            vec![word.to_owned(), entry.what.clone(), of]
        };
        entries.iter().map(row)
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{screen::Format, wait::tests::job};
    use api::{
        JobStatus::{Failed, InProgress},
        job::JobPhase,
    };

    #[test]
    fn nothing_runs_in_a_job_that_has_ended() {
        let screen = Screen::new(Format::Table, false);
        for (status, ended) in [(InProgress, "running"), (Failed, "-")] {
            let job = job("web-1", status, "boot", 40);
            let phase = JobPhase {
                name: "boot".into(),
                started_at: job.created_at,
                ended_at: None,
                attempt: 1,
                error: None,
            };
            let phases = vec![phase];
            let detail = JobDetail {
                job,
                phases,
                pending_reason: None,
                receipt: None,
            };
            let shown = described(&screen, &detail);
            let last = shown.lines().last().unwrap();
            assert!(last.contains(&format!("  {ended} ")), "{last}");
            assert_eq!(shown.contains("running"), ended == "running", "{shown}");
        }
    }
}
