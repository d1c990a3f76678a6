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

#[derive(Debug, Subcommand)]
pub(crate) enum FaultCommand {
    /// Place a fault: it strikes the next action that matches, of a running job, too.
    #[command(before_help = "\
Examples:
  cloudlet admin fault create vm.create --kind fail --at-phase boot --error 'no-space-left'
  cloudlet admin fault create vm.create --kind stall --at-percent 45")]
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
}

#[derive(Args, Debug)]
pub(crate) struct FaultArgs {
    /// The operation, e.g. vm.create, or * for any
    #[arg(value_name = "OPERATION")]
    operation: String,
    /// What it does to a job: fail ends the action with an error, stall stops it
    #[arg(
        long,
        value_enum,
        value_name = "fail|stall",
        hide_possible_values = true
    )]
    kind: Kind,
    /// Only in this phase, e.g. boot [default: the first]
    #[arg(long, value_name = "PHASE")]
    at_phase: Option<String>,
    /// Strike at the first progress at or above this
    #[arg(long, value_name = "0..99", value_parser = clap::value_parser!(u8).range(0..=99))]
    at_percent: Option<u8>,
    /// How often it strikes [default: once]
    #[arg(long, value_name = "N", value_parser = values::whole::<u32>)]
    times: Option<u32>,
    /// Let the host try again, instead of giving up at once
    #[arg(long)]
    transient: bool,
    /// The job's error text
    #[arg(long, value_name = "TEXT")]
    error: Option<String>,
    /// The job's error code [default: DRIVER_ERROR]
    #[arg(long, value_name = "CODE")]
    error_code: Option<String>,
    /// Only jobs of this tenant, by name or id [default: of any]
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
        operation: args.operation,
        tenant_id,
        kind: match args.kind {
            Kind::Fail => FaultKind::Fail,
            Kind::Stall => FaultKind::Stall,
        },
        at_phase: args.at_phase,
        at_percent: args.at_percent,
        error: args.error,
        error_code,
        permanent: args.transient.then_some(false),
        times: args.times,
        probability: args.probability,
    };
    let made = client.create_fault(&fault).await?;
    if screen.is_json() {
        screen.json(&made)?;
    } else {
        screen.result(made.id);
        screen.hint(format!(
            "Strikes the next {}. Take it away with: cloudlet admin fault delete {}",
            made.fault.operation, made.id
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
        let kind = match fault.kind {
            FaultKind::Fail => "fail",
            FaultKind::Stall => "stall",
        };
        let percent = fault.at_percent.map(|percent| format!("{percent} %"));
        let at = [fault.at_phase.clone(), percent];
        let at = at.into_iter().flatten().collect::<Vec<_>>().join(", ");
        vec![
            fault.operation.clone(),
            kind.to_owned(),
            if at.is_empty() { "-".into() } else { at },
            format!("{hits} of {}", fault.times.unwrap_or(1)),
            fault
                .tenant_id
                .map_or_else(|| "any".into(), |id| id.to_string()),
            id.to_string(),
        ]
    });
    table(
        &["OPERATION", "KIND", "AT", "STRUCK", "TENANT", "ID"],
        rows.collect(),
    )
}
