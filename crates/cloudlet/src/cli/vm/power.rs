//! `cloudlet vm start|stop|reset`: the server answers when it is done, within 50 s; where the
//! machine takes longer the command goes on looking.

use super::{PowerArgs, changed, find};
use crate::cli::{ending::Ending, progress, session::Session};
use api::machine::{MachineDetail, MachineStatus};
use client::Pace;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// No wait is longer, whatever --timeout says: a day.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// What to do with a machine's power.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verb {
    Start,
    Stop,
    Reset,
}

impl Verb {
    fn doing(self) -> &'static str {
        match self {
            Self::Start => "Starting",
            Self::Stop => "Stopping",
            Self::Reset => "Resetting",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Start => "Started",
            Self::Stop => "Stopped",
            Self::Reset => "Reset",
        }
    }

    fn goal(self) -> MachineStatus {
        match self {
            Self::Start | Self::Reset => MachineStatus::Running,
            Self::Stop => MachineStatus::Shutoff,
        }
    }
}

pub(crate) async fn run(session: &Session, verb: Verb, args: PowerArgs) -> anyhow::Result<Ending> {
    let id = find(session, &args.vm).await?;
    let line = progress::spin(&session.screen, &format!("{} {}", verb.doing(), args.vm));
    let limit = Duration::from_secs(args.timeout).min(LONGEST_WAIT);
    let end = Instant::now() + limit;
    let work = async {
        let machine = match verb {
            Verb::Start => session.client.start_machine(id).await,
            Verb::Stop => session.client.stop_machine(id).await,
            Verb::Reset => session.client.reset_machine(id).await,
        }?;
        settle(session, machine, end).await
    };
    let result = tokio::select! {
        result = work => result.map(Some),
        _ = tokio::signal::ctrl_c() => {
            progress::take_back_echo(&session.screen);
            Ok(None)
        }
    };
    if let Some(line) = line {
        line.finish_and_clear();
    }
    match result? {
        Some(machine) => judge(session, verb, &machine),
        None => {
            session.screen.complain(format!(
                "No longer waiting; it may still take effect. Look with: cloudlet vm show {}",
                args.vm
            ));
            Ok(Ending::StillRunning)
        }
    }
}

/// Looks again until the machine is on its way no more, or time is up.
async fn settle(
    session: &Session,
    mut machine: MachineDetail,
    end: Instant,
) -> anyhow::Result<MachineDetail> {
    let mut pace = Pace::default();
    let mut hint = None;
    while is_moving(machine.status) && Instant::now() < end {
        sleep_until(end.min(Instant::now() + pace.after_poll(hint.take()))).await;
        match session.client.machine(machine.id).await {
            Ok(now) => machine = now,
            Err(error) if error.is_transient() => hint = error.retry_after(),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(machine)
}

fn is_moving(status: MachineStatus) -> bool {
    matches!(status, MachineStatus::Starting | MachineStatus::Stopping)
}

fn judge(session: &Session, verb: Verb, machine: &MachineDetail) -> anyhow::Result<Ending> {
    let screen = &session.screen;
    if machine.status == verb.goal() {
        return changed(
            screen,
            machine,
            &format!("{} {}", verb.done(), machine.name),
        );
    }
    if screen.is_json() {
        screen.json(machine)?;
    }
    let now = machine.status.as_str();
    if is_moving(machine.status) {
        let look = format!("Look with: cloudlet vm show {}", machine.id);
        screen.complain(format!(
            "{} is still {now} when the time was up. {look}",
            machine.name
        ));
        return Ok(Ending::StillRunning);
    }
    screen.error(&format!(
        "{} is {now}, not {}",
        machine.name,
        verb.goal().as_str()
    ));
    Ok(Ending::JobFailed)
}
