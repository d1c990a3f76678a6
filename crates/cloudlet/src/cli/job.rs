//! `cloudlet job`: look at a job, wait for jobs.

use crate::{
    cli::{
        STATUSES,
        ending::Ending,
        screen::Screen,
        session::Session,
        table::{pairs, table},
        wait::{self, DEFAULT_TIMEOUT},
        words,
    },
    values,
};
use api::{JobId, job::JobDetail};
use clap::Subcommand;
use client::Watch;

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
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
    /// Wait until jobs have ended, from wherever they were submitted.
    #[command(before_help = "\
Examples:
  cloudlet job wait 01930000-0000-7000-8000-000000000001
  cloudlet job wait 01930000-0000-7000-8000-000000000001 --timeout 60 --output json", after_help = STATUSES)]
    Wait {
        /// The jobs' ids
        #[arg(value_name = "ID", required = true, value_parser = values::job_id)]
        ids: Vec<JobId>,
        /// Give up waiting after this many seconds (exit status 4); the jobs go on
        #[arg(long, value_name = "S", default_value_t = DEFAULT_TIMEOUT, value_parser = values::whole::<u64>)]
        timeout: u64,
    },
}

pub(crate) async fn run(session: &Session, command: JobCommand) -> anyhow::Result<Ending> {
    match command {
        JobCommand::Show { id } => show(session, id).await,
        JobCommand::Wait { ids, timeout } => {
            // Read once before waiting: a server that is not there is an error, not a delay.
            let polled = session.client.poll(&ids).await?;
            wait::follow_ids(session, &ids, polled.jobs, Watch::new(), timeout).await
        }
    }
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
    let JobDetail { job, phases } = detail;
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
        (
            "left",
            left.map(|left| format!("about {left} s"))
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
    text
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
            let shown = described(&screen, &JobDetail { job, phases });
            let last = shown.lines().last().unwrap();
            assert!(last.contains(&format!("  {ended} ")), "{last}");
            assert_eq!(shown.contains("running"), ended == "running", "{shown}");
        }
    }
}
