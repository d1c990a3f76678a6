//! `cloudlet admin fault`: failures on purpose.

use crate::{
    cli::{
        admin::find,
        ending::{Ending, Usage},
        session::Session,
        table::table,
    },
    values,
};
use api::{
    FaultId, JobErrorCode,
    admin::{Fault, FaultCreate, FaultKind},
};
use clap::{Args, Subcommand, ValueEnum};

const KINDS: &str = "\
Kinds:
  fail   a job's action ends with an error: --error, --error-code, --transient
  stall  a job's action stops; the job stays in_progress until its limit is over
  slow   a job's action takes --factor times as long;
         with --delay the answer to a request comes so much later
  http   a request is refused with --status and has no effect
  drop   a request is carried out, and its connection closed without an answer

Jobs are struck by fail, stall and slow; OPERATION is then one of jobs, e.g. vm.create.
Requests are struck by http, drop and slow --delay; OPERATION is then any operationId
of /openapi.json, e.g. job.poll or vm.list. * is any, but never this command itself.";

#[derive(Debug, Subcommand)]
pub(crate) enum FaultCommand {
    /// Place a fault: it strikes the next match, an action of a job or a request.
    #[command(visible_alias = "add", before_help = "\
Examples:
  cloudlet admin fault create vm.create --kind fail --at-phase boot --error 'no-space-left'
  cloudlet admin fault create vm.create --kind stall --at-percent 45
  cloudlet admin fault create job.poll --kind http --status 429 --times 3
  cloudlet admin fault create vm.create --kind drop --tenant default", after_help = KINDS)]
    Create(FaultArgs),
    /// List the faults with how often each struck.
    #[command(before_help = "\
Examples:
  cloudlet admin fault list
  cloudlet admin fault list --output json")]
    List,
    /// Take one fault away.
    #[command(before_help = "\
Examples:
  cloudlet admin fault delete 01930000-0000-7000-8000-000000000001
  cloudlet admin fault delete 01930000-0000-7000-8000-000000000001 --quiet")]
    Delete {
        /// The fault's id
        #[arg(value_name = "ID", value_parser = values::fault_id)]
        id: FaultId,
    },
    /// Take all faults away.
    #[command(before_help = "\
Examples:
  cloudlet admin fault clear
  cloudlet admin fault clear --quiet")]
    Clear,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Fail,
    Stall,
    Slow,
    Http,
    Drop,
}

impl From<Kind> for FaultKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Fail => Self::Fail,
            Kind::Stall => Self::Stall,
            Kind::Slow => Self::Slow,
            Kind::Http => Self::Http,
            Kind::Drop => Self::Drop,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct FaultArgs {
    /// The operation, e.g. vm.create or job.poll, or * for any
    #[arg(value_name = "OPERATION")]
    operation: String,
    /// What it does; see below
    #[arg(
        long,
        value_enum,
        value_name = "fail|stall|slow|http|drop",
        hide_possible_values = true
    )]
    kind: Kind,
    /// With http: the status [default: 503]
    #[arg(long, value_name = "STATUS", value_parser = values::whole::<u16>)]
    status: Option<u16>,
    /// With slow: how much later the answer to a request comes, 300 at most
    #[arg(long, value_name = "SECONDS", value_parser = values::number)]
    delay: Option<f64>,
    /// With slow: how many times as long a job's action takes [default: 10]
    #[arg(long, value_name = "N", value_parser = values::number)]
    factor: Option<f64>,
    /// Only in this phase of a job, e.g. boot [default: the first]
    #[arg(long, value_name = "PHASE")]
    at_phase: Option<String>,
    /// Strike at the first progress of a job at or above this
    #[arg(long, value_name = "0..99", value_parser = clap::value_parser!(u8).range(0..=99))]
    at_percent: Option<u8>,
    /// How often it strikes [default: once]
    #[arg(long, value_name = "N", value_parser = values::whole::<u32>)]
    times: Option<u32>,
    /// Let the host try again, instead of giving up at once
    #[arg(long)]
    transient: bool,
    /// The job's error text, or the message of a refused request
    #[arg(long, value_name = "TEXT")]
    error: Option<String>,
    /// The job's error code [default: DRIVER_ERROR]
    #[arg(long, value_name = "CODE")]
    error_code: Option<String>,
    /// Only jobs, or requests, of this tenant, by name or id [default: of any]
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// The chance that a match is struck, 0 to 1 [default: 1]
    #[arg(long, value_name = "P", value_parser = values::number)]
    probability: Option<f64>,
}

pub(crate) async fn run(session: &Session, command: FaultCommand) -> anyhow::Result<Ending> {
    let Session { client, screen, .. } = session;
    match command {
        FaultCommand::Create(args) => create(session, args).await?,
        FaultCommand::List => {
            let faults = client.faults().await?;
            if screen.is_json() {
                screen.json(&faults)?;
            } else if faults.is_empty() {
                screen.say(
                    "There is no fault. Place one with: cloudlet admin fault create vm.create --kind fail",
                );
            } else {
                screen.result(listed(&faults));
            }
        }
        FaultCommand::Delete { id } => {
            client.delete_fault(id).await?;
            screen.hint(format!("Deleted the fault {id}"));
        }
        FaultCommand::Clear => {
            client.clear_faults().await?;
            screen.hint("Deleted all faults");
        }
    }
    Ok(Ending::Done)
}

async fn create(session: &Session, args: FaultArgs) -> anyhow::Result<()> {
    let Session { client, screen, .. } = session;
    let error_code = args.error_code.as_deref().map(code).transpose()?;
    let tenant_id = match &args.tenant {
        Some(word) => Some(find(session, word).await?.id),
        None => None,
    };
    let fault = FaultCreate {
        tenant_id,
        at_phase: args.at_phase,
        at_percent: args.at_percent,
        error: args.error,
        error_code,
        permanent: args.transient.then_some(false),
        status: args.status,
        delay_seconds: args.delay,
        factor: args.factor,
        times: args.times,
        probability: args.probability,
        ..FaultCreate::new(args.operation, args.kind.into())
    };
    let made = client.create_fault(&fault).await?;
    if screen.is_json() {
        screen.json(&made)?;
    } else {
        screen.result(made.id);
        screen.hint(format!(
            "Strikes the next {}{}. Take it away with: cloudlet admin fault delete {}",
            match made.fault.times {
                None | Some(0 | 1) => String::new(),
                Some(times) => format!("{times} times "),
            },
            made.fault.operation,
            made.id
        ));
    }
    Ok(())
}

fn code(text: &str) -> Result<JobErrorCode, Usage> {
    serde_json::from_value(text.to_uppercase().into())
        .map_err(|error| Usage(format!("--error-code: {error}")))
}

fn listed(faults: &[Fault]) -> String {
    let rows = faults.iter().map(|Fault { id, fault, hits }| {
        let how = how(fault);
        vec![
            fault.operation.clone(),
            fault.kind.as_str().to_owned(),
            if how.is_empty() { "-".into() } else { how },
            format!("{hits} of {}", fault.times.unwrap_or(1)),
            fault
                .tenant_id
                .map_or_else(|| "any".into(), |id| id.to_string()),
            id.to_string(),
        ]
    });
    table(
        &["OPERATION", "KIND", "HOW", "STRUCK", "TENANT", "ID"],
        rows.collect(),
    )
}

/// What is special about a fault: where it strikes, or with what.
fn how(fault: &FaultCreate) -> String {
    let parts = [
        fault.at_phase.clone(),
        fault.at_percent.map(|percent| format!("{percent} %")),
        fault.status.map(|status| status.to_string()),
        fault.delay_seconds.map(|seconds| format!("{seconds} s")),
        fault.factor.map(|factor| format!("x {factor}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
