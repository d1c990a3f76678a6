//! What holds beyond the single transaction: groups, restarts, other tenants, keys.

mod expiry;

use super::{
    Done, EXPIRY_BATCH, Expired, KeyChange, KeyWish, NewKey, Owner, Sources, Store, StoreError,
    Urgency, sqlite::reads,
};
use api::{
    ErrorCode, JobId, ResourceId, TenantId, Timestamp,
    machine::{MachineCreate, MachineRename},
    network::{NetworkStatus, NetworkType},
};
use model::{
    Context, Job, JobState, Kind, Refusal, Resource, Spec, Write,
    accept::{Idempotency, Once, once},
    catalogue::{self, Catalogue, DataCenter},
    claim::{Claim, Item},
    course,
    limits::RETENTION_MS,
    ops::{vm_create, vm_rename, vm_stop},
    resource::{NetworkRecord, Record, Status},
    secret::Carried,
    spec::{Cidr, NetworkSpec, Subnet},
    writes::{Answer, AnswerKey},
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};
use uuid::Uuid;

const NOW: i64 = 1_772_355_660_000;

fn catalogue() -> Arc<Catalogue> {
    Arc::new(Catalogue::parse(catalogue::DEFAULT).unwrap())
}

fn try_open(directory: &Path, now: &Arc<AtomicI64>) -> anyhow::Result<Store> {
    let now = Arc::clone(now);
    let now = move || Timestamp::from_millis(now.load(Ordering::SeqCst));
    let sources = Sources {
        now: Arc::new(now),
        clock: None,
        new_id: None,
    };
    Store::open_with(directory, catalogue(), sources)
}

fn open(directory: &Path) -> Store {
    try_open(directory, &Arc::new(AtomicI64::new(NOW))).unwrap()
}

fn body(instances: i64) -> MachineCreate {
    let catalogue = catalogue();
    MachineCreate {
        name: "web".to_owned(),
        datacenter_id: catalogue.data_centers[0].id.to_string(),
        image_id: catalogue.images[0].id,
        configuration_id: catalogue.sizes[0].id,
        number_of_instances: Some(instances),
        ..MachineCreate::default()
    }
}

async fn create(store: &Store, tenant: TenantId, instances: i64) -> Vec<Job> {
    let body = body(instances);
    let rule =
        move |context: &Context<'_>| vm_create::accept(context, tenant, &body, &Carried::default());
    let accepted = store.transact(Urgency::Request, rule).await;
    accepted.unwrap().unwrap()
}

/// What a request did just now.
pub(super) fn now_done<T, K>(done: Result<Done<T, K>, StoreError>) -> Option<T> {
    done.unwrap().unwrap().map(|once| match once {
        Once::Now(done) => done,
        Once::Before(_) => panic!("it was done before"),
    })
}

/// A tenant that has a default network already, so that a machine's job comes alone.
async fn tenant(store: &Store, name: &str) -> TenantId {
    let tenant = store.create_tenant(name.to_owned(), None).await;
    let tenant = now_done(tenant).unwrap().id;
    let data_center = catalogue().data_centers[0].clone();
    let rule = move |context: &Context<'_>| {
        let network = network(ResourceId((context.new_id)()), tenant, &data_center);
        let claim = Claim {
            holder: network.id,
            item: Item::Default(tenant, data_center.id),
            amount: 1,
        };
        let writes = vec![Write::PutResource(Box::new(network)), Write::Claim(claim)];
        Ok((writes, ()))
    };
    let made = store.transact(Urgency::Engine, rule).await;
    made.unwrap().unwrap();
    tenant
}

/// A network that its host has made.
pub(super) fn network(id: ResourceId, tenant: TenantId, data_center: &DataCenter) -> Resource {
    let spec = Spec::Network(NetworkSpec {
        number: 1,
        subnet: Some(Subnet {
            cidr: Cidr {
                network: [10, 0, 0, 0].into(),
                prefix: 16,
            },
            gateway: [10, 0, 0, 1].into(),
            first: [10, 0, 0, 2].into(),
            last: [10, 0, 255, 254].into(),
            snat: true,
            dhcp: true,
            default_route: true,
            serve_dns: true,
            dns: Vec::new(),
        }),
    });
    Resource {
        id,
        tenant,
        data_center: data_center.id,
        host: data_center.host_id(),
        name: "default".to_owned(),
        status: Status::Network(NetworkStatus::Active),
        record: Record::Network(NetworkRecord {
            description: String::new(),
            network_type: NetworkType::Standard,
            dns: String::new(),
            is_default: true,
        }),
        shown: spec.clone(),
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
        spec,
        generation: 1,
        settled: 1,
        last_boot: 0,
        observed: None,
        creating: None,
        deleting: None,
        acting: None,
        leftover: None,
    }
}

/// Holds the writer until it is let go, so that what comes meanwhile is one group.
async fn hold_writer(store: &Store) -> (std::sync::mpsc::Sender<()>, tokio::task::JoinHandle<()>) {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (begun, begins) = tokio::sync::oneshot::channel();
    let begun = std::sync::Mutex::new(Some(begun));
    let store = store.clone();
    let held = tokio::spawn(async move {
        let rule = move |_: &Context<'_>| {
            let begun = begun.lock().unwrap().take();
            let _ = begun.map(|begun| begun.send(()));
            let _ = wait.recv();
            Ok((Vec::new(), ()))
        };
        store
            .transact(Urgency::Engine, rule)
            .await
            .unwrap()
            .unwrap();
    });
    begins.await.unwrap();
    (go, held)
}

/// A write that SQLite refuses, after one that it took.
fn broken(job: Job) -> Vec<Write> {
    vec![
        Write::PutJob(Box::new(Job {
            stage: "half".to_owned(),
            ..job
        })),
        Write::Enter {
            key: ResourceId(Uuid::nil()),
            job: JobId(Uuid::nil()),
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_harms_no_member() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let tenant = tenant(&store, "a").await;
    let first = create(&store, tenant, 1).await.remove(0);

    let (go, held) = hold_writer(&store).await;
    let good: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { create(&store, tenant, 2).await })
        })
        .collect();
    let panics = tokio::spawn({
        let store = store.clone();
        async move {
            let rule = |_: &Context<'_>| -> Result<(Vec<Write>, ()), Refusal> { panic!("ouch") };
            store.transact(Urgency::Request, rule).await
        }
    });
    let refused = tokio::spawn({
        let store = store.clone();
        async move {
            let rule = |_: &Context<'_>| -> Result<(Vec<Write>, ()), Refusal> {
                Err(Refusal::new(ErrorCode::NotFound, "no"))
            };
            store.transact(Urgency::Request, rule).await
        }
    });
    let fails = tokio::spawn({
        let (store, job) = (store.clone(), first.clone());
        async move {
            let rule = move |_: &Context<'_>| Ok((broken(job.clone()), ()));
            store.transact(Urgency::Request, rule).await
        }
    });
    while store.sqlite.waiting() < 23 {
        tokio::task::yield_now().await;
    }
    go.send(()).unwrap();
    held.await.unwrap();

    let panicked = panics.await.unwrap().unwrap_err();
    assert_eq!(panicked, StoreError::Panicked("ouch".to_owned()));
    assert_eq!(refused.await.unwrap().unwrap().unwrap_err().message, "no");
    let failed = fails.await.unwrap().unwrap_err();
    assert!(matches!(failed, StoreError::Unavailable(_)), "{failed}");
    let mut ids = vec![first.id];
    for accepted in good {
        ids.extend(accepted.await.unwrap().into_iter().map(|job| job.id));
    }
    let jobs = store.jobs(tenant, ids).await.unwrap();
    assert_eq!(jobs.len(), 41);
    assert_eq!(jobs[0].stage, "queued", "half a transaction was applied");
    assert_eq!(store.page_of(tenant, Kind::Vm, 1, 50).await.unwrap().1, 41);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_may_run_again_and_is_applied_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let tenant = tenant(&store, "a").await;
    let first = create(&store, tenant, 1).await.remove(0);
    let (go, held) = hold_writer(&store).await;
    let good = tokio::spawn({
        let store = store.clone();
        async move { create(&store, tenant, 1).await }
    });
    let fails = tokio::spawn({
        let store = store.clone();
        async move {
            let rule = move |_: &Context<'_>| Ok((broken(first.clone()), ()));
            store.transact(Urgency::Request, rule).await
        }
    });
    while store.sqlite.waiting() < 2 {
        tokio::task::yield_now().await;
    }
    let mut changes = store.changes();
    go.send(()).unwrap();
    held.await.unwrap();
    let accepted = good.await.unwrap();
    assert!(fails.await.unwrap().is_err());
    assert_eq!(changes.recv().await.unwrap().jobs.len(), 1);
    assert_eq!(store.page_of(tenant, Kind::Vm, 1, 50).await.unwrap().1, 2);
    assert_eq!(accepted.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_after_the_change_and_a_poll_shows_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let tenant = tenant(&store, "a").await;
    let mut changes = store.changes();
    let job = create(&store, tenant, 1).await.remove(0);
    let told = changes.try_recv().unwrap();
    assert_eq!(told.jobs.len(), 1);
    assert_eq!(told.jobs[0].id, job.id);
    assert!(told.jobs[0].number > 0);

    let turned = store.take_turn(job.host).await.unwrap().unwrap();
    assert_eq!(turned.job, job.id);
    let shown = store.jobs(tenant, vec![job.id]).await.unwrap();
    assert_eq!(shown[0].state, JobState::Running);
    assert_eq!(changes.try_recv().unwrap().jobs, shown);
    assert_eq!(store.take_turn(job.host).await.unwrap(), None);

    let mut assignments = store.assignments(job.host).await.unwrap();
    assignments.retain(|one| one.resource == job.resource);
    assert_eq!(
        turned.assignment.into_iter().collect::<Vec<_>>(),
        assignments
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_is_like_what_never_was() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let (owner, other) = (tenant(&store, "a").await, tenant(&store, "b").await);
    let job = create(&store, owner, 1).await.remove(0);
    for store in [&store, &{
        store.close().await;
        open(directory.path())
    }] {
        if store.is_new().await.is_err() {
            continue;
        }
        assert_eq!(store.jobs(other, vec![job.id]).await.unwrap(), []);
        assert_eq!(store.resource(other, job.resource).await.unwrap(), None);
        assert_eq!(
            store.page_of(other, Kind::Vm, 1, 10).await.unwrap(),
            (vec![], 0)
        );
        assert!(store.resource(owner, job.resource).await.unwrap().is_some());
        assert_eq!(store.jobs(owner, vec![job.id]).await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_newest_first() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let tenant = tenant(&store, "a").await;
    create(&store, tenant, 7).await;
    let mut names = Vec::new();
    for page in 1..=4 {
        let (rows, all) = store.page_of(tenant, Kind::Vm, page, 3).await.unwrap();
        assert_eq!(all, 7);
        names.push(
            rows.into_iter()
                .map(|row| row.name)
                .collect::<Vec<_>>()
                .join(" "),
        );
    }
    assert_eq!(
        names,
        ["web-7 web-6 web-5", "web-4 web-3 web-2", "web-1", ""]
    );
    let far = store
        .page_of(tenant, Kind::Vm, u64::MAX, u64::MAX)
        .await
        .unwrap();
    assert_eq!(far, (vec![], 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_ascend_whatever_the_clock_does() {
    let directory = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(NOW));
    let store = try_open(directory.path(), &now).unwrap();
    let tenant = tenant(&store, "a").await;
    let mut last = JobId(Uuid::nil());
    let mut ascending = |jobs: Vec<Job>| {
        for job in jobs {
            assert!(job.id > last);
            last = job.id;
        }
    };
    for millis in [NOW, NOW + 5, NOW - 3_600_000, NOW + 1] {
        now.store(millis, Ordering::SeqCst);
        ascending(create(&store, tenant, 3).await);
    }
    store.close().await;
    now.store(NOW - 7_200_000, Ordering::SeqCst);
    let store = try_open(directory.path(), &now).unwrap();
    ascending(create(&store, tenant, 3).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_for_each_directory() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let now = Arc::new(AtomicI64::new(NOW));
    let error = try_open(directory.path(), &now).err().unwrap().to_string();
    let process = format!("is in use by process {}", std::process::id());
    assert!(error.ends_with(&process), "{error}");
    store.close().await;
    try_open(directory.path(), &now).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_ends_what_waits_and_refuses_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let tenant = tenant(&store, "a").await;
    let (go, held) = hold_writer(&store).await;
    let waits = tokio::spawn({
        let store = store.clone();
        async move { create(&store, tenant, 1).await }
    });
    while store.sqlite.waiting() < 1 {
        tokio::task::yield_now().await;
    }
    let closing = tokio::spawn({
        let store = store.clone();
        async move { store.close().await }
    });
    go.send(()).unwrap();
    held.await.unwrap();
    assert_eq!(waits.await.unwrap().len(), 1);
    closing.await.unwrap();
    let late = store.store_clock(Timestamp::from_millis(1)).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))));
    let read = store.tenants().await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))));
    let wal = directory.path().join("cloudlet.db-wal");
    assert!(!wal.exists(), "the WAL was emptied");
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_keys_and_the_clock() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    assert!(store.is_new().await.unwrap());
    let key = |owner, digest| {
        let (start, digest) = ("ck_1234".to_owned(), [digest; 32]);
        let made = store.create_key(
            owner,
            KeyWish::wide("laptop"),
            NewKey { start, digest },
            9,
            None,
        );
        async { made.await.map(|done| now_done(Ok(done)).unwrap()) }
    };
    let operator = key(Owner::Operator, 1).await.unwrap();
    assert!(!store.is_new().await.unwrap());
    let tenant = now_done(store.create_tenant("b".to_owned(), None).await).unwrap();
    let again = store.create_tenant("b".to_owned(), None).await;
    assert_eq!(now_done(again), None);
    let other = now_done(store.create_tenant("a".to_owned(), None).await).unwrap();
    let first = key(Owner::Tenant(tenant.id), 2).await.unwrap();
    let second = key(Owner::Tenant(tenant.id), 3).await.unwrap();
    assert!(
        key(Owner::Tenant(tenant.id), 3).await.is_err(),
        "a digest is one key's"
    );
    let limited = store
        .set_limits(tenant.id, |limits| limits.vcpus = Some(8), None)
        .await;
    let limited = now_done(limited).unwrap();
    assert_eq!(limited.limits.vcpus, Some(8));
    let nobody = TenantId(Uuid::nil());
    assert_eq!(now_done(store.set_limits(nobody, |_| (), None).await), None);
    store.store_clock(Timestamp::from_millis(42)).await.unwrap();
    store.close().await;

    let store = open(directory.path());
    assert_eq!(
        store.stored_clock().await.unwrap(),
        Some(Timestamp::from_millis(42))
    );
    assert_eq!(store.tenants().await.unwrap(), [other, limited.clone()]);
    assert_eq!(store.tenant(tenant.id).await.unwrap(), Some(limited));
    assert_eq!(store.keys(tenant.id).await.unwrap(), [first, second]);
    for _ in 0..2 {
        let known = store.key([1; 32]).await.unwrap().unwrap();
        assert_eq!((&known.row, known.tenant_suspended), (&operator, false));
        assert_eq!(store.key([9; 32]).await.unwrap(), None);
    }
}

/// What a key opens follows its last change at once, from memory too, and a restart keeps it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_key_opens_follows_its_last_change() {
    const DAY: i64 = 86_400_000;
    let directory = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(NOW));
    let at = |millis| Timestamp::from_millis(NOW + millis);
    let secret = |digest| NewKey {
        start: format!("gpcn_{digest}"),
        digest: [digest; 32],
    };
    let store = try_open(directory.path(), &now).unwrap();
    let mine = tenant(&store, "a").await;
    let other = tenant(&store, "b").await;
    let wish = KeyWish {
        days: Some(7),
        rate_limit: Some(5),
        ..KeyWish::wide("ci")
    };
    let made = store.create_key(Owner::Tenant(mine), wish, secret(1), 9, None);
    let made = now_done(made.await).unwrap();
    let known = |digest| {
        let store = &store;
        async move { store.key([digest; 32]).await.unwrap() }
    };
    let change = |tenant, change| {
        let changed = store.change_key(tenant, made.id, change, None);
        async { now_done(changed.await) }
    };
    assert_eq!(known(1).await.unwrap().row, made);
    assert!(known(1).await.unwrap().is_valid(at(7 * DAY - 1)));
    assert!(!known(1).await.unwrap().is_valid(at(7 * DAY)));

    let suspended = change(mine, KeyChange::Suspended(true)).await;
    assert!(suspended.unwrap().suspended);
    assert!(!known(1).await.unwrap().is_valid(at(0)));
    let resumed = change(mine, KeyChange::Suspended(false)).await;
    assert_eq!(resumed, Some(made.clone()));
    assert!(known(1).await.unwrap().is_valid(at(0)));

    now.store(NOW + DAY, Ordering::SeqCst);
    let rotated = change(mine, KeyChange::Secret(secret(2))).await;
    assert_eq!(rotated.unwrap().expires_at, Some(at(8 * DAY)));
    assert_eq!(known(1).await, None, "the old secret");
    assert_eq!(known(2).await.unwrap().row.wish, made.wish);

    for foreign in [
        change(other, KeyChange::Suspended(true)).await,
        change(other, KeyChange::Secret(secret(3))).await,
        store.key_of(other, made.id).await.unwrap(),
    ] {
        assert_eq!(foreign, None);
    }
    assert_eq!(now_done(store.delete_key(other, made.id, None).await), None);
    now_done(store.suspend_tenant(other, true, None).await).unwrap();
    assert!(!known(2).await.unwrap().tenant_suspended);
    now_done(store.suspend_tenant(mine, true, None).await).unwrap();
    assert!(known(2).await.unwrap().tenant_suspended);
    let stands = now_done(store.suspend_tenant(mine, false, None).await).unwrap();
    assert!(!stands.suspended && !known(2).await.unwrap().tenant_suspended);

    store.note_use(made.id, at(5));
    let last = store.key_of(mine, made.id).await.unwrap().unwrap();
    assert_eq!(last.used_at, Some(at(5)));
    let commits = store.commits();
    store.write_uses().await.unwrap();
    store.write_uses().await.unwrap();
    assert_eq!(store.commits(), commits + 1);
    store.close().await;

    let store = try_open(directory.path(), &now).unwrap();
    assert_eq!(store.keys(mine).await.unwrap(), [last]);
    assert!(store.key([2; 32]).await.unwrap().is_some());
    for there in [Some(()), None] {
        let deleted = store.delete_key(mine, made.id, None).await;
        assert_eq!(now_done(deleted), there);
        assert_eq!(store.key([2; 32]).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_and_calls_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let tenant = tenant(&store, "a").await;
    let job = create(&store, tenant, 1).await.remove(0);
    let stop = move |context: &Context<'_>| vm_stop::accept(context, tenant, job.resource);
    store
        .transact(Urgency::Request, stop)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(store.pending_calls(false).await.unwrap().len(), 1);
    assert_eq!(store.pending_calls(true).await.unwrap(), []);

    let other = create(&store, tenant, 1).await.remove(0);
    while store.take_turn(job.host).await.unwrap().is_some() {}
    let delete =
        move |context: &Context<'_>| model::ops::vm_delete::accept(context, tenant, other.resource);
    store
        .transact(Urgency::Request, delete)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(store.cancel_wishes().await.unwrap(), [other.id]);
    let cancel = move |context: &Context<'_>| Ok(course::cancel(context, other.id));
    store
        .transact(Urgency::Engine, cancel)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(store.cancel_wishes().await.unwrap(), [], "it goes back");
}

/// Takes turns until there is none, and says whose they were.
async fn turns(store: &Store, job: &Job, tenants: &[TenantId]) -> Vec<usize> {
    let mut of = Vec::new();
    while let Some(turned) = store.take_turn(job.host).await.unwrap() {
        for (index, &tenant) in tenants.iter().enumerate() {
            let jobs = store.jobs(tenant, vec![turned.job]).await.unwrap();
            of.extend(jobs.iter().map(|_| index));
        }
    }
    of
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_are_fair_and_slots_are_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let mut tenants = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        tenants.push(tenant(&store, name).await);
    }
    let first = create(&store, tenants[0], 40).await.remove(0);
    let greedy = turns(&store, &first, &tenants).await;
    assert_eq!(greedy, [0; 16], "a tenant's slots");
    for &tenant in &tenants[1..4] {
        create(&store, tenant, 20).await;
    }
    create(&store, tenants[4], 1).await;
    let rest = turns(&store, &first, &tenants).await;
    assert_eq!(
        rest[..4],
        [1, 2, 3, 4],
        "the host's slots are shared out in turn"
    );
    assert_eq!(rest[4..7], [1, 2, 3]);
    assert_eq!(rest.len(), 48, "a host's slots");
}

/// Only a debug build panics when numbers run over.
#[cfg(debug_assertions)]
#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_start_panics_fails() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let tenant = tenant(&store, "a").await;
    let job = create(&store, tenant, 1).await.remove(0);
    let id = job.resource;
    let break_it = move |context: &Context<'_>| {
        let mut resource = context.facts.resource(id).unwrap();
        resource.last_boot = u64::MAX;
        Ok((vec![Write::PutResource(Box::new(resource))], ()))
    };
    let broken = store.transact(Urgency::Engine, break_it).await;
    broken.unwrap().unwrap();
    let turned = store.take_turn(job.host).await.unwrap().unwrap();
    assert_eq!((turned.job, turned.assignment), (job.id, None));
    let failed = store.jobs(tenant, vec![job.id]).await.unwrap().remove(0);
    let error = failed.error.unwrap();
    assert_eq!(failed.state, JobState::Failed);
    assert_eq!(error.code, api::JobErrorCode::InternalError);
    assert_eq!(store.resource(tenant, id).await.unwrap(), None);
}

/// How far its host says that it is.
fn report(job: &Job, remaining: u64) -> model::Report {
    model::Report {
        resource: job.resource,
        generation: 1,
        state: model::ReportState::Acting,
        phase: Some("disk".to_owned()),
        total: 1_000,
        remaining,
        phases: Vec::new(),
        done: Vec::new(),
        observed: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_poll_shows_less_than_one_before() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let tenant = tenant(&store, "a").await;
    let job = create(&store, tenant, 1).await.remove(0);
    let id = job.id;
    store.take_turn(job.host).await.unwrap().unwrap();
    let pollers: Vec<_> = (0..3)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut shown = 0;
                while shown < 90 {
                    // What is on disk may have been seen in another way.
                    let read = move |connection: &_| reads::jobs(connection, tenant, &[id]);
                    let on_disk = store.sqlite.read(read).await.unwrap();
                    shown = shown.max(on_disk[0].progress);
                    let now = store.jobs(tenant, vec![id]).await.unwrap();
                    assert!(now[0].progress >= shown);
                    shown = now[0].progress;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for remaining in (0..100).rev() {
        let report = report(&job, remaining * 10);
        let rule = move |context: &Context<'_>| Ok(course::report(context, &report));
        store
            .transact(Urgency::Engine, rule)
            .await
            .unwrap()
            .unwrap();
        let now = store.jobs(tenant, vec![id]).await.unwrap();
        assert_eq!(
            u64::from(now[0].progress),
            99 * (1_000 - remaining * 10) / 1_000
        );
    }
    for poller in pollers {
        poller.await.unwrap();
    }
}
