//! Taking back a synchronous call that has not begun: it then never takes effect.

use super::refuse;
use crate::{
    facts::Context,
    job::{Job, JobError, JobState},
    writes::Write,
};
use api::{JobErrorCode, JobId};

/// What became of a wish to withdraw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withdrawal {
    /// Withdrawn; it had not begun. This job was in the way.
    Withdrawn(Option<JobId>),
    /// It has begun or ended: here is the job as it is.
    TooLate(Option<Box<Job>>),
}

/// Withdraws a call's job if it is still pending. `start` is a transaction on the same job, so one
/// of the two wins.
pub fn withdraw(context: &Context<'_>, id: JobId) -> (Vec<Write>, Withdrawal) {
    let job = context.facts.job(id);
    match job {
        Some(job) if job.state == JobState::Pending && job.is_synchronous() => {
            let mut firsts = job
                .lines()
                .iter()
                .filter_map(|&key| context.facts.first(key));
            let first = firsts.find(|first| *first != id);
            let error = JobError::new(JobErrorCode::Cancelled, "Withdrawn before it began.");
            let resource = context.facts.resource(job.resource);
            let mut writes = Vec::new();
            refuse(context, job, resource, error, &mut writes);
            (writes, Withdrawal::Withdrawn(first))
        }
        other => (Vec::new(), Withdrawal::TooLate(other.map(Box::new))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Withdrawal, withdraw};
    use crate::{
        JobState,
        catalogue::{Catalogue, DEFAULT},
        memory::Memory,
        ops::{self, Call},
        secret::Carried,
    };
    use api::{JobId, TenantId, Timestamp, machine::MachineCreate};
    use uuid::Uuid;

    /// Withdrawn from the middle of a line, a job is blocked by nothing any more, and what stands
    /// behind it by as much as before.
    #[test]
    fn from_the_middle_of_a_line() {
        let catalogue = Catalogue::parse(DEFAULT).expect("the default is well-formed");
        let tenant = TenantId(Uuid::from_u128(1));
        let now = Timestamp::from_millis(0);
        let mut store = Memory::default();
        let body = MachineCreate {
            name: "web".to_owned(),
            datacenter_id: catalogue.data_centers[0].id.to_string(),
            image_id: 12,
            configuration_id: 45,
            ..MachineCreate::default()
        };
        let (created, last) =
            store.decide((&catalogue, crate::DriverAbilities::SIM), now, |context| {
                ops::vm_create::accept(context, tenant, &body, &Carried::default())
            });
        let (writes, jobs) = created.expect("a good create");
        store.apply(&writes);
        store.last_id = last;
        let mut calls = [JobId(Uuid::nil()); 2];
        for call in &mut calls {
            let (stop, last) =
                store.decide((&catalogue, crate::DriverAbilities::SIM), now, |context| {
                    ops::vm_stop::accept(context, tenant, jobs[0].resource)
                });
            let Ok((writes, Call::Job(job))) = stop else {
                panic!("it waits in line: {stop:?}");
            };
            store.apply(&writes);
            store.last_id = last;
            *call = job.id;
        }
        let ((writes, outcome), _) =
            store.decide((&catalogue, crate::DriverAbilities::SIM), now, |it| {
                withdraw(it, calls[0])
            });
        store.apply(&writes);
        assert_eq!(outcome, Withdrawal::Withdrawn(Some(jobs[0].id)));
        let found = calls.map(|call| (store.jobs[&call].state, store.jobs[&call].blockers));
        assert_eq!(found, [(JobState::Failed, 0), (JobState::Pending, 1)]);
        assert_eq!(store.check(), Ok(()));
    }
}
