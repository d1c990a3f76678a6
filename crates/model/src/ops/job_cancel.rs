//! Cancel a job: one that waits ends at once, a create that runs is put back, all else goes on.

use crate::{
    accept::Accepted,
    course,
    facts::{Context, Refusal},
    job::{Job, JobState},
    operation::Operation,
    ops::network_delete,
    writes::Write,
};
use api::{ErrorCode, JobId, TenantId};

/// Accepts the wish to cancel; answers with the job as it is then.
///
/// What stands behind a create that is cancelled finds no machine when its turn comes, as behind a
/// create that fails; a delete is thereby done.
pub fn accept(context: &Context<'_>, tenant: TenantId, id: JobId) -> Accepted<Job> {
    let job = context.facts.job(id).filter(|job| job.tenant == tenant);
    let mut job = job.ok_or_else(|| Refusal::new(ErrorCode::NotFound, "Job not found"))?;
    let mut writes = Vec::new();
    let network = context.facts.resource(job.resource);
    if let Some(network) = network.filter(|_| job.operation == Operation::NetworkCreate)
        && !job.state.is_final()
        && network_delete::unused(context, &network).is_err()
    {
        let text = "Machines that were accepted since are to be on the network; delete them first";
        return Err(Refusal::new(ErrorCode::TooLate, text).with_job(Some(job.id)));
    }
    match job.state {
        JobState::Pending => {
            let resource = context.facts.resource(job.resource);
            let error = course::CancelledBy::Request.error();
            job = course::refuse(context, job, resource, error, &mut writes);
        }
        JobState::Running if job.operation.definition().creates => {
            if !job.cancel {
                course::wish_cancelled(&mut job, course::CancelledBy::Request);
                writes.push(Write::PutJob(Box::new(job.clone())));
            }
        }
        _ => return Err(too_late(&job)),
    }
    Ok((writes, job))
}

fn too_late(job: &Job) -> Refusal {
    let text = match job.state {
        JobState::Completed | JobState::Failed => "The job has ended already".to_owned(),
        JobState::Reverting => "The job is being put back already".to_owned(),
        _ => format!(
            "{} has begun and cannot be cancelled any more",
            job.operation.name()
        ),
    };
    Refusal::new(ErrorCode::TooLate, text).with_job(Some(job.id))
}

#[cfg(test)]
mod tests {
    use super::accept;
    use crate::{
        Context, Job, JobState, Write,
        catalogue::{Catalogue, DEFAULT},
        course,
        facts::Refusal,
        memory::Memory,
        ops,
        secret::Carried,
    };
    use api::{ErrorCode, JobErrorCode, JobId, ResourceId, TenantId, Timestamp};
    use uuid::Uuid;

    const OWNER: TenantId = TenantId(Uuid::from_u128(0xa));

    struct Lab {
        catalogue: Catalogue,
        store: Memory,
    }

    impl Lab {
        fn new() -> Self {
            Self {
                catalogue: Catalogue::parse(DEFAULT).expect("the default is well-formed"),
                store: Memory::default(),
            }
        }

        fn run<T>(
            &mut self,
            rule: impl FnOnce(&Context<'_>) -> Result<(Vec<Write>, T), Refusal>,
        ) -> Result<T, Refusal> {
            let now = Timestamp::from_millis(0);
            let (outcome, last) =
                self.store
                    .decide((&self.catalogue, crate::DriverAbilities::SIM), now, rule);
            self.store.last_id = last;
            let (writes, answer) = outcome?;
            self.store.apply(&writes);
            assert_eq!(self.store.check(), Ok(()));
            Ok(answer)
        }

        fn create(&mut self) -> (JobId, ResourceId) {
            let body = api::machine::MachineCreate {
                name: "web".to_owned(),
                datacenter_id: self.catalogue.data_centers[0].id.to_string(),
                image_id: 12,
                configuration_id: 45,
                ..Default::default()
            };
            let jobs = self
                .run(|it| ops::vm_create::accept(it, OWNER, &body, &Carried::default()))
                .expect("a good create");
            (jobs[0].id, jobs[0].resource)
        }

        fn delete(&mut self, id: ResourceId) -> JobId {
            let job = self.run(|it| ops::vm_delete::accept(it, OWNER, id));
            job.expect("it is there").id
        }

        fn start(&mut self, id: JobId) {
            let started = self.run(|it| Ok(course::start(it, id)));
            started.expect("it never refuses");
        }

        fn cancel(&mut self, id: JobId) -> Result<Job, ErrorCode> {
            let answer = self.run(|it| accept(it, OWNER, id));
            let answer = answer.map_err(|refusal| refusal.code)?;
            assert_eq!(answer, self.store.jobs[&id]);
            Ok(answer)
        }

        fn error(&self, id: JobId) -> Option<(JobErrorCode, &str)> {
            let error = self.store.jobs[&id].error.as_ref()?;
            Some((error.code, &error.text))
        }
    }

    #[test]
    fn what_waits_ends_at_once_and_a_create_leaves_nothing() {
        let mut lab = Lab::new();
        let (create, machine) = lab.create();
        assert_eq!(lab.cancel(create).map(|it| it.state), Ok(JobState::Failed));
        assert!(!lab.store.resources.contains_key(&machine));
        let expected = Some((JobErrorCode::Cancelled, "Cancelled on request."));
        assert_eq!(lab.error(create), expected);
        assert_eq!(lab.cancel(create), Err(ErrorCode::TooLate));
    }

    #[test]
    fn a_create_that_runs_is_put_back_and_the_wish_can_be_repeated() {
        let mut lab = Lab::new();
        let (create, machine) = lab.create();
        lab.start(create);
        for _ in 0..2 {
            let job = lab.cancel(create).expect("it runs");
            assert_eq!((job.state, job.cancel), (JobState::Running, true));
        }
        // A delete that comes later changes nothing of why.
        let delete = lab.delete(machine);
        let cancelled = lab.run(|it| Ok(course::cancel(it, create)));
        assert!(cancelled.is_ok_and(|assignment| assignment.is_some()));
        assert_eq!(lab.store.jobs[&create].state, JobState::Reverting);
        let expected = Some((JobErrorCode::Cancelled, "Cancelled on request."));
        assert_eq!(lab.error(create), expected);
        assert_eq!(lab.cancel(create), Err(ErrorCode::TooLate));
        assert_eq!(lab.cancel(delete).map(|it| it.state), Ok(JobState::Failed));
        assert_eq!(lab.store.resources[&machine].deleting, None);
    }

    #[test]
    fn a_delete_says_so() {
        let mut lab = Lab::new();
        let (waits, first) = lab.create();
        let (runs, second) = lab.create();
        lab.start(runs);
        lab.delete(first);
        lab.delete(second);
        assert!(lab.run(|it| Ok(course::cancel(it, runs))).is_ok());
        for create in [waits, runs] {
            let expected = Some((JobErrorCode::Cancelled, "Cancelled by a delete."));
            assert_eq!(lab.error(create), expected);
        }
    }

    /// The delete behind it has nothing left to do.
    #[test]
    fn a_create_that_waits_with_a_delete_behind_it() {
        let mut lab = Lab::new();
        let (create, machine) = lab.create();
        let stop = lab.run(|it| ops::vm_stop::accept(it, OWNER, machine));
        let Ok(ops::Call::Job(stop)) = stop else {
            panic!("it waits in line: {stop:?}");
        };
        let delete = lab.delete(machine);
        assert!(lab.cancel(create).is_ok());
        lab.start(stop.id);
        lab.start(delete);
        let found = [stop.id, delete].map(|id| lab.store.jobs[&id].state);
        assert_eq!(found, [JobState::Failed, JobState::Completed]);
    }

    #[test]
    fn a_job_of_another_was_never_there_and_a_delete_that_runs_goes_on() {
        let mut lab = Lab::new();
        let (create, machine) = lab.create();
        let other = TenantId(Uuid::from_u128(0xb));
        let theirs = lab.run(|it| accept(it, other, create));
        let never = lab.run(|it| accept(it, OWNER, JobId(Uuid::nil())));
        assert_eq!(theirs, never);
        assert_eq!(theirs.map_err(|it| it.code), Err(ErrorCode::NotFound));
        let delete = lab.delete(machine);
        lab.store.jobs.get_mut(&delete).expect("it waits").state = JobState::Running;
        assert_eq!(lab.cancel(delete), Err(ErrorCode::TooLate));
    }
}
