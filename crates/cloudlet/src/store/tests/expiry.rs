//! What goes when it has ended long enough ago: jobs, and the answers that name them.

use super::*;

/// Creates with an idempotency key, or gets what was created with it.
async fn create_once(store: &Store, tenant: TenantId, instances: i64) -> Vec<Job> {
    let body = body(instances);
    let known = Idempotency {
        key: AnswerKey([7; 16]),
        request: [1; 16],
    };
    let rule = move |context: &Context<'_>| {
        let accept = || vm_create::accept(context, tenant, &body, &Carried::default());
        once(context, Some(known), accept)
    };
    let accepted = store.transact(Urgency::Request, rule).await;
    accepted.unwrap().unwrap()
}

/// Ends a job that has not started, at the time that it is.
async fn fail(store: &Store, job: JobId) {
    let rule = move |context: &Context<'_>| Ok((course::fail(context, job), ()));
    let failed = store.transact(Urgency::Engine, rule).await;
    failed.unwrap().unwrap();
}

fn ids(jobs: &[Job]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

/// What is left of these jobs: the same from memory and from disk.
async fn left(store: &Store, tenant: TenantId, of: &[JobId]) -> Vec<JobId> {
    let asked = of.to_vec();
    let on_disk = store
        .sqlite
        .read(move |connection| reads::jobs(connection, tenant, &asked))
        .await
        .unwrap();
    let shown = ids(&store.jobs(tenant, of.to_vec()).await.unwrap());
    let on_disk = ids(&on_disk);
    let mut sorted = shown.clone();
    sorted.sort_unstable();
    assert!(sorted.iter().all(|job| on_disk.contains(job)));
    assert_eq!(sorted.len(), on_disk.len(), "memory and disk");
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_when_it_ended_long_enough_ago_and_its_answer_with_the_last() {
    let directory = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(NOW));
    let store = try_open(directory.path(), &now).unwrap();
    let tenant = tenant(&store, "a").await;
    let [first, second, waits] = ids(&create_once(&store, tenant, 3).await)[..] else {
        panic!("three jobs");
    };
    let all = [first, second, waits];
    let running = create(&store, tenant, 1).await.remove(0);
    let after = |millis: i64| Timestamp::from_millis(NOW + millis - RETENTION_MS);
    fail(&store, first).await;
    now.store(NOW + 1_000, Ordering::SeqCst);
    fail(&store, second).await;
    let repeat = async || ids(&create_once(&store, tenant, 3).await);

    let rest = store.expire(after(RETENTION_MS)).await;
    assert_eq!(rest, Ok(Expired::Later));
    assert_eq!(
        left(&store, tenant, &all).await,
        all,
        "24 h to the millisecond"
    );
    store.expire(after(RETENTION_MS + 1)).await.unwrap();
    assert_eq!(left(&store, tenant, &all).await, [second, waits]);
    let rest = store.expire(after(25 * 3_600_000)).await;
    assert_eq!(rest, Ok(Expired::Nothing));
    assert_eq!(left(&store, tenant, &all).await, [waits]);
    assert_eq!(repeat().await, [waits], "the answer waits for its last job");

    // What has not ended stays, however long it takes.
    while store.take_turn(running.host).await.unwrap().is_some() {}
    store.expire(after(i64::MAX / 2)).await.unwrap();
    assert_eq!(
        left(&store, tenant, &[waits, running.id]).await,
        [waits, running.id]
    );

    let give_up = move |context: &Context<'_>| {
        let job = context.facts.job(waits).unwrap();
        Ok((course::give_up(context, job.resource).0, ()))
    };
    store
        .transact(Urgency::Engine, give_up)
        .await
        .unwrap()
        .unwrap();
    let ended = store.jobs(tenant, vec![waits]).await.unwrap().remove(0);
    let at = ended.completed_at.expect("it was given up");
    store.expire(at.plus_millis(1)).await.unwrap();
    assert_eq!(left(&store, tenant, &all).await, []);
    let afresh = repeat().await;
    assert_eq!(afresh.len(), 3, "the key may be used again");
    assert!(afresh.iter().all(|job| !all.contains(job)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_removes_a_small_batch() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let tenant = tenant(&store, "a").await;
    let mut all = Vec::new();
    for _ in 0..2 {
        all.extend(ids(&create(&store, tenant, 40).await));
    }
    let ended = all.clone();
    for job in ended {
        fail(&store, job).await;
    }
    let now = Timestamp::from_millis(NOW + 1);
    let before = store.commits();
    assert_eq!(store.expire(now).await, Ok(Expired::More));
    let rest = left(&store, tenant, &all).await;
    assert_eq!(
        rest,
        all[EXPIRY_BATCH..],
        "those that ended first went first"
    );
    assert_eq!(store.expire(now).await, Ok(Expired::Nothing));
    assert_eq!(left(&store, tenant, &all).await, []);
    assert_eq!(store.commits() - before, 2);
    assert_eq!(store.expire(now).await, Ok(Expired::Nothing));
    assert_eq!(store.commits() - before, 2, "nothing to do costs no sync");
}

/// Renames with an idempotency key: an answer without a job.
async fn rename_once(store: &Store, tenant: TenantId, id: ResourceId, name: &str) {
    let known = Idempotency {
        key: AnswerKey([8; 16]),
        request: [1; 16],
    };
    let body = MachineRename {
        name: name.to_owned(),
    };
    let rule = move |context: &Context<'_>| {
        let accept = || vm_rename::accept(context, (tenant, id, Kind::Vm), &body);
        once(context, Some(known), accept)
    };
    let renamed = store.transact(Urgency::Request, rule).await;
    renamed.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_job_goes_when_it_is_a_day_old() {
    let directory = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(NOW));
    let store = try_open(directory.path(), &now).unwrap();
    let tenant = tenant(&store, "a").await;
    let machine = create(&store, tenant, 1).await.remove(0).resource;
    let name = async || store.resource(tenant, machine).await.unwrap().unwrap().name;
    let mut changes = store.changes();
    rename_once(&store, tenant, machine, "b").await;
    let told = changes.try_recv().unwrap();
    assert!(told.expires && told.jobs.is_empty(), "retention is told");
    let at = |millis| Timestamp::from_millis(NOW + millis);

    assert_eq!(store.expire(at(0)).await, Ok(Expired::Later));
    rename_once(&store, tenant, machine, "c").await;
    assert_eq!(name().await, "b", "it was answered before");
    assert_eq!(store.expire(at(1)).await, Ok(Expired::Nothing));
    rename_once(&store, tenant, machine, "c").await;
    assert_eq!(name().await, "c", "the key may be used again");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_name_the_same_job_all_go_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let tenant = tenant(&store, "a").await;
    let jobs = ids(&create(&store, tenant, 2).await);
    let keys = [1, 2, 3].map(|key| AnswerKey([key; 16]));
    let answer = |key, jobs: &[JobId]| {
        let (request, jobs) = ([0; 16], jobs.to_vec());
        let kept = None;
        Write::PutAnswer(
            key,
            Answer {
                request,
                jobs,
                kept,
            },
        )
    };
    let writes = vec![
        answer(keys[0], &jobs[..1]),
        answer(keys[1], &jobs[..1]),
        answer(keys[2], &jobs[..1]),
        // Answered anew: it is the second job's now.
        answer(keys[2], &jobs[1..]),
    ];
    let rule = move |_: &Context<'_>| Ok((writes.clone(), ()));
    let put = store.transact(Urgency::Request, rule).await;
    put.unwrap().unwrap();
    let there = async || {
        let rule = move |context: &Context<'_>| {
            Ok((
                Vec::new(),
                keys.map(|key| context.facts.answer(&key).is_some()),
            ))
        };
        store
            .transact(Urgency::Request, rule)
            .await
            .unwrap()
            .unwrap()
    };
    assert_eq!(there().await, [true, true, true]);
    fail(&store, jobs[0]).await;
    store.expire(Timestamp::from_millis(NOW + 1)).await.unwrap();
    assert_eq!(there().await, [false, false, true]);
    fail(&store, jobs[1]).await;
    store.expire(Timestamp::from_millis(NOW + 1)).await.unwrap();
    assert_eq!(there().await, [false, false, false]);
}
