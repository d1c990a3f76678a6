//! Every write on items of every form, and every fact, against the reference store.

use super::Pair;
use crate::store::{StoreError, Urgency, tests};
use api::{DataCenterId, HostId, JobId, NicId, ResourceId, TenantId};
use model::{
    Context, Facts, Kind, Write,
    claim::{Claim, Counter, Item, Measure, Named, Pool},
    facts::Line,
    writes::{Answer, AnswerKey},
};
use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};
use uuid::Uuid;

/// Holders, networks, hosts: there are as many of each.
const FEW: u128 = 3;
/// Numbers of a pool: so few that it is full now and then.
const NUMBERS: u32 = 12;

/// What a rule was told.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    lines: Vec<(Line, Option<JobId>, Vec<JobId>)>,
    claims: Vec<Vec<Claim>>,
    used: Vec<u64>,
    holders: Vec<Option<ResourceId>>,
    pools: Vec<(Vec<u32>, Option<(u32, u32)>)>,
    drained: Vec<bool>,
    answers: Vec<Option<Answer>>,
}

/// What a rule asks.
#[derive(Clone)]
struct Questions {
    resources: Vec<ResourceId>,
    counters: Vec<Counter>,
    items: Vec<Item>,
    pools: Vec<(Pool, Vec<(u32, u32)>, usize)>,
    hosts: Vec<HostId>,
}

impl Questions {
    fn ask(&self, facts: &dyn Facts) -> Told {
        let line = |&key| (facts.line(key), facts.first(key), facts.queue(key));
        let pool = |(pool, ranges, count): &(Pool, Vec<(u32, u32)>, usize)| {
            (facts.free(*pool, ranges, *count), facts.span(*pool))
        };
        Told {
            lines: self.resources.iter().map(line).collect(),
            claims: self.resources.iter().map(|&id| facts.claims(id)).collect(),
            used: self.counters.iter().map(|of| facts.used(of)).collect(),
            holders: self.items.iter().map(|item| facts.holder(item)).collect(),
            pools: self.pools.iter().map(pool).collect(),
            drained: self
                .hosts
                .iter()
                .map(|&host| facts.is_drained(host))
                .collect(),
            answers: (0..40)
                .map(|key| facts.answer(&AnswerKey([key; 16])))
                .collect(),
        }
    }
}

impl Pair {
    /// A rule that looks at everything is told the same by both.
    pub(super) async fn look(&mut self) {
        let claims = || self.memory.claims.keys().map(|(_, item)| item);
        let exclusive = claims().filter(|item| item.is_exclusive());
        // Around the number that was given out last: the reference store walks over every number.
        let pools = self.memory.last_given.iter().map(|(&pool, &last)| {
            let ranges = vec![(last.saturating_sub(3), last.saturating_add(2)), (0, 2)];
            (pool, ranges, 7)
        });
        let questions = Questions {
            resources: self.memory.resources.keys().copied().collect(),
            counters: claims().filter_map(Item::counter).collect(),
            items: exclusive.cloned().collect(),
            pools: pools.collect(),
            hosts: self
                .catalogue
                .data_centers
                .iter()
                .map(|dc| dc.host_id())
                .collect(),
        };
        self.answer_the_same(questions).await;
    }

    async fn answer_the_same(&mut self, questions: Questions) {
        let rule = move |context: &Context<'_>| Ok((Vec::new(), questions.ask(context.facts)));
        self.both(Box::new(rule)).await.unwrap();
    }

    async fn write(&mut self, writes: Vec<Write>) {
        let rule = move |_: &Context<'_>| Ok((writes.clone(), ()));
        self.both(Box::new(rule)).await.unwrap();
    }
}

fn some(random: &mut StdRng) -> Uuid {
    Uuid::from_u128(random.random_range(1..=FEW))
}

fn pool(random: &mut StdRng) -> Pool {
    match random.random_range(0..5) {
        0 => Pool::Private(ResourceId(some(random))),
        1 => Pool::Public(HostId(some(random))),
        2 => Pool::Gpus(HostId(some(random)), random.random_range(9..12)),
        3 => Pool::Networks,
        _ => Pool::Macs,
    }
}

fn item(random: &mut StdRng) -> Item {
    let tenant = TenantId(some(random));
    // Names are told apart by every character, case, blanks and forms of letters included.
    let name = ["a", "A", "a ", "10", "010", "\u{e4}", "a\u{308}"].choose(random);
    let named = *[Named::Volume, Named::Network].choose(random).unwrap();
    let number = *[0, 1, NUMBERS - 1, u32::MAX, random.random_range(0..NUMBERS)]
        .choose(random)
        .unwrap();
    match random.random_range(0..13) {
        0 => Item::Quota(tenant, *Measure::ALL.choose(random).unwrap()),
        1 => Item::Room(HostId(some(random)), *Measure::ALL.choose(random).unwrap()),
        2 => Item::Block(tenant, *[0, 10, 255].choose(random).unwrap()),
        3 => Item::Nic(ResourceId(some(random)), NicId(some(random))),
        4 => Item::Attachment(ResourceId(some(random))),
        5 => Item::Name(tenant, named, (*name.unwrap()).to_owned()),
        6 => Item::Default(tenant, DataCenterId(some(random))),
        7 => {
            let kind = *Kind::ALL.choose(random).unwrap();
            Item::Team(tenant, kind, random.random_range(1..3))
        }
        _ => Item::Pooled(pool(random), number),
    }
}

/// Ranges of numbers, some of them empty, not in order.
fn ranges(random: &mut StdRng) -> Vec<(u32, u32)> {
    let mut ends: Vec<u32> = (0..4).map(|_| random.random_range(0..=NUMBERS)).collect();
    ends.sort_unstable();
    let mut ranges = vec![
        (ends[0], ends[1]),
        (ends[1] + 1, ends[2]),
        (ends[3] + 1, NUMBERS + 3),
    ];
    if random.random_bool(0.3) {
        ranges.reverse();
    }
    if random.random_bool(0.2) {
        ranges.push((u32::MAX - 2, u32::MAX));
    }
    ranges
}

fn questions(random: &mut StdRng) -> Questions {
    let items: Vec<_> = (0..20).map(|_| item(random)).collect();
    let resources = (1..=FEW).map(|id| ResourceId(Uuid::from_u128(id)));
    Questions {
        counters: items.iter().filter_map(Item::counter).collect(),
        items: items.into_iter().filter(Item::is_exclusive).collect(),
        pools: (0..6)
            .map(|_| (pool(random), ranges(random), random.random_range(0..6)))
            .collect(),
        resources: resources.collect(),
        hosts: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn items_of_every_form_are_claimed_and_told_as_by_the_reference_store() {
    let mut pair = Pair::new(5).await;
    let tenant = pair.tenants[0];
    let dc = pair.catalogue.data_centers[0].clone();
    let holder = |id| tests::network(ResourceId(Uuid::from_u128(id)), tenant, &dc);
    for id in 1..=FEW {
        pair.write(vec![Write::PutResource(Box::new(holder(id)))])
            .await;
    }
    let mut wrapped = 0;
    for step in 0..1_500 {
        let random = &mut pair.random;
        let (item, amount) = (item(random), random.random_range(0..4));
        let other = ResourceId(some(random));
        let questions = questions(random);
        let holder_now = pair.memory.holder(&item).filter(|_| item.is_exclusive());
        let holder = holder_now.unwrap_or(other);
        let before = pair.memory.last_given.clone();
        let claim = Claim {
            holder,
            item: item.clone(),
            amount,
        };
        pair.write(vec![match amount {
            0 => Write::Unclaim { holder, item },
            _ => Write::Claim(claim),
        }])
        .await;
        let fell = |(pool, last): (&Pool, &u32)| before.get(pool).is_some_and(|was| last < was);
        wrapped += usize::from(pair.memory.last_given.iter().any(fell));
        pair.answer_the_same(questions).await;
        if step % 50 == 0 {
            pair.compare().await;
        }
    }
    assert!(wrapped > 20, "{wrapped}");

    // A network goes, and with it what was given out last of it; a number of another stays so.
    for claim in pair.memory.claims(ResourceId(Uuid::from_u128(1))) {
        let (holder, item) = (claim.holder, claim.item);
        pair.write(vec![Write::Unclaim { holder, item }]).await;
    }
    let gone = ResourceId(Uuid::from_u128(1));
    assert!(pair.memory.last_given.contains_key(&Pool::Private(gone)));
    pair.write(vec![Write::RemoveResource(gone)]).await;
    pair.compare().await;
}

/// A pool of a million numbers is not walked when the next one is free.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_stretch_is_walked_over_once_and_numbers_go_round() {
    let mut pair = Pair::new(6).await;
    let tenant = pair.tenants[0];
    let dc = pair.catalogue.data_centers[0].clone();
    let holder = ResourceId(Uuid::from_u128(1));
    let network = tests::network(holder, tenant, &dc);
    pair.write(vec![Write::PutResource(Box::new(network))])
        .await;
    let pool = Pool::Private(holder);
    let take = |pair: &Pair| pair.memory.free(pool, &[(10, 12), (14, 16)], 1);
    let mut given = Vec::new();
    for _ in 0..6 {
        let number = take(&pair)[0];
        given.push(number);
        let item = Item::Pooled(pool, number);
        let claim = |item| Claim {
            holder,
            item,
            amount: 1,
        };
        pair.write(vec![Write::Claim(claim(item))]).await;
        pair.compare().await;
    }
    assert_eq!(given, [10, 11, 12, 14, 15, 16]);
    for number in [11, 15] {
        let item = Item::Pooled(pool, number);
        pair.write(vec![Write::Unclaim { holder, item }]).await;
    }
    let ask = move |context: &Context<'_>| {
        let free = |count| context.facts.free(pool, &[(10, 12), (14, 16)], count);
        Ok((Vec::new(), (free(1), free(9), context.facts.span(pool))))
    };
    let told = pair.both(Box::new(ask)).await.unwrap();
    assert_eq!(told, (vec![11], vec![11, 15], Some((10, 16))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exclusive_item_is_never_held_twice() {
    let pair = Pair::new(7).await;
    let dc = &pair.catalogue.data_centers[0];
    let [first, second] = [1, 2].map(|id| ResourceId(Uuid::from_u128(id)));
    let put = [first, second].map(|id| tests::network(id, pair.tenants[0], dc));
    let put = put.map(|one| Write::PutResource(Box::new(one)));
    let transact = async |writes: Vec<Write>| {
        let rule = move |_: &Context<'_>| Ok((writes.clone(), ()));
        pair.store.transact(Urgency::Request, rule).await
    };
    transact(put.to_vec()).await.unwrap().unwrap();
    let (nic, uuid) = (NicId(Uuid::nil()), Uuid::nil());
    let (tenant, host) = (pair.tenants[0], dc.host_id());
    for item in [
        Item::Pooled(Pool::Macs, 7),
        Item::Pooled(Pool::Gpus(host, 1), 7),
        Item::Nic(first, nic),
        Item::Attachment(first),
        Item::Name(tenant, Named::Volume, "a".to_owned()),
        Item::Default(tenant, DataCenterId(uuid)),
    ] {
        let claim = |holder| {
            let item = item.clone();
            vec![Write::Claim(Claim {
                holder,
                item,
                amount: 1,
            })]
        };
        transact(claim(first)).await.unwrap().unwrap();
        let twice = transact(claim(second)).await;
        assert!(matches!(twice, Err(StoreError::Unavailable(_))), "{item:?}");
        let looked = item.clone();
        let rule = move |context: &Context<'_>| Ok((Vec::new(), context.facts.holder(&looked)));
        let holder = pair.store.transact(Urgency::Request, rule).await;
        assert_eq!(holder.unwrap().unwrap(), Some(first), "{item:?}");
    }
}
