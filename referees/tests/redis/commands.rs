//! Sequences of commands: few keys, groups, consumers and identifiers, so that commands meet.

use proptest::prelude::*;
use seedbed_models::communication::stream::{
    After, AutoClaim, Bound, Claim, Command, ConsumerName, Delivered, Exactness, Fields, GroupAfter, GroupName,
    GroupStart, Id, NewId, Threshold, Trim,
};
use seedbed_models::parts::redis::{self, Key, Script};
use seedbed_sim::{Span, Time};

/// Long enough not to pass while a sequence runs.
const LONG_MS: u64 = 1_000_000;
const LONG: Span = Span::ms(LONG_MS);
/// Longer still.
const LONGER_MS: u64 = 5 * LONG_MS;

/// Keys of streams; strings may come to them too.
fn stream() -> impl Strategy<Value = Key> + Clone {
    prop_oneof![11 => Just(Key(1)), 1 => Just(Key(2))]
}

/// Keys that never hold a stream.
fn string() -> impl Strategy<Value = Key> + Clone {
    prop_oneof![Just(Key(3)), Just(Key(4))]
}

fn group() -> impl Strategy<Value = GroupName> + Clone {
    prop_oneof![5 => Just(GroupName(1)), 1 => Just(GroupName(2))]
}

fn consumer() -> impl Strategy<Value = ConsumerName> + Clone {
    (1u32..4).prop_map(ConsumerName)
}

fn id() -> impl Strategy<Value = Id> + Clone {
    prop_oneof![
        1 => Just(Id::ZERO),
        1 => Just(Id::MAX),
        18 => (1u64..9, 0u64..4).prop_map(|(ms, seq)| Id::new(ms, seq)),
    ]
}

fn ids() -> impl Strategy<Value = Vec<Id>> {
    prop::collection::vec(id(), 1..4)
}

fn bound() -> impl Strategy<Value = Bound> {
    prop_oneof![3 => id().prop_map(Bound::Including), 1 => id().prop_map(Bound::Excluding)]
}

fn count(to: u64) -> impl Strategy<Value = Option<u64>> {
    prop::option::of(0..to)
}

fn start() -> impl Strategy<Value = GroupStart> {
    prop_oneof![Just(GroupStart::Last), id().prop_map(GroupStart::Id)]
}

fn trim() -> impl Strategy<Value = Trim> {
    let to = prop_oneof![(0u64..10).prop_map(Threshold::MaxLen), id().prop_map(Threshold::MinId)];
    let limit = prop_oneof![Just(None), Just(Some(0)), (0u64..8).prop_map(Some)];
    let how = prop_oneof![Just(Exactness::Exact), limit.prop_map(|limit| Exactness::Approximate { limit })];
    (to, how).prop_map(|(to, how)| Trim { to, how })
}

fn add() -> impl Strategy<Value = Command> {
    let at = prop_oneof![(1u64..4).prop_map(NewId::At), (1u64..11).prop_map(NewId::At)];
    let id = prop_oneof![17 => at, 3 => id().prop_map(NewId::Exactly), 1 => Just(NewId::Auto)];
    let fields = (0u64..100).prop_map(|value| Fields::from([(1, value)]));
    let trim = prop::option::weighted(0.25, trim());
    (stream(), id, fields, prop::bool::weighted(0.12), trim)
        .prop_map(|(key, id, fields, no_make, trim)| Command::XAdd { key, id, fields, no_make, trim })
}

fn read() -> impl Strategy<Value = Command> {
    let after = || prop_oneof![1 => Just(After::Now), 2 => id().prop_map(After::Id)];
    let streams = (after(), prop::option::of(after())).prop_map(|(first, second)| {
        let second = second.map(|after| (Key(2), after));
        [(Key(1), first)].into_iter().chain(second).collect()
    });
    (streams, count(4)).prop_map(|(streams, count)| Command::XRead { streams, count, block: None })
}

fn read_group() -> impl Strategy<Value = Command> {
    let after = prop_oneof![3 => Just(GroupAfter::New), 1 => id().prop_map(GroupAfter::Pending)];
    let count = prop_oneof![2 => (1u64..3).prop_map(Some), 1 => count(4)];
    (stream(), group(), consumer(), after, count, prop::bool::weighted(0.12)).prop_map(
        |(key, group, consumer, after, count, no_ack)| Command::XReadGroup {
            group,
            consumer,
            streams: vec![(key, after)],
            count,
            block: None,
            no_ack,
        },
    )
}

fn groups() -> impl Strategy<Value = Command> {
    let read = || count(12);
    prop_oneof![
        6 => (stream(), group(), start(), any::<bool>(), read()).prop_map(|(key, group, start, make, entries_read)| {
            Command::XGroupCreate { key, group, start, make, entries_read }
        }),
        2 => (stream(), group(), start(), read())
            .prop_map(|(key, group, start, entries_read)| Command::XGroupSetId { key, group, start, entries_read }),
        1 => (stream(), group()).prop_map(|(key, group)| Command::XGroupDestroy(key, group)),
        2 => (stream(), group(), consumer()).prop_map(|(key, group, who)| Command::XGroupCreateConsumer(key, group, who)),
        1 => (stream(), group(), consumer()).prop_map(|(key, group, who)| Command::XGroupDelConsumer(key, group, who)),
    ]
}

fn pending() -> impl Strategy<Value = Command> {
    let min_idle = prop_oneof![2 => Just(0), 1 => Just(LONG_MS)];
    let consumer = prop::option::weighted(0.3, consumer());
    (stream(), group(), min_idle, bound(), bound(), 0u64..6, consumer).prop_map(
        |(key, group, min_idle, start, end, count, consumer)| Command::XPending {
            key,
            group,
            min_idle,
            start,
            end,
            count,
            consumer,
        },
    )
}

/// How long an entry must have been idle: any time will do, or none.
fn min_idle() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(LONG_MS)]
}

fn claim(now_ms: u64) -> impl Strategy<Value = Command> {
    let delivered = prop_oneof![
        2 => Just(Delivered::Now),
        1 => prop_oneof![Just(0), Just(LONGER_MS), Just(u64::MAX / 4)].prop_map(Delivered::Idle),
        1 => prop_oneof![Just(now_ms - LONGER_MS), Just(now_ms + LONGER_MS), Just(0)].prop_map(Delivered::At),
    ];
    let flags = (prop::bool::weighted(0.3), prop::bool::weighted(0.3));
    let last = prop::option::weighted(0.2, id());
    (stream(), group(), consumer(), min_idle(), ids(), delivered, count(9), flags, last).prop_map(
        |(key, group, consumer, min_idle, ids, delivered, retry_count, (force, just_id), last_id)| {
            Command::XClaim(Claim {
                key,
                group,
                consumer,
                min_idle,
                ids,
                delivered,
                retry_count,
                force,
                just_id,
                last_id,
            })
        },
    )
}

fn auto_claim() -> impl Strategy<Value = Command> {
    (stream(), group(), consumer(), min_idle(), id(), count(4), prop::bool::weighted(0.3)).prop_map(
        |(key, group, consumer, min_idle, start, count, just_id)| {
            Command::XAutoClaim(AutoClaim { key, group, consumer, min_idle, start, count, just_id })
        },
    )
}

fn range() -> impl Strategy<Value = Command> {
    (stream(), bound(), bound(), count(5), any::<bool>())
        .prop_map(|(key, start, end, count, reversed)| Command::XRange { key, start, end, count, reversed })
}

fn looks() -> impl Strategy<Value = Command> {
    prop_oneof![
        2 => stream().prop_map(Command::XLen),
        1 => (stream(), group()).prop_map(|(key, group)| Command::XPendingSummary(key, group)),
        1 => stream().prop_map(Command::XInfoStream),
        2 => stream().prop_map(Command::XInfoGroups),
        1 => (stream(), group()).prop_map(|(key, group)| Command::XInfoConsumers(key, group)),
    ]
}

/// What locks use, on strings; and strings in the place of streams.
fn plain() -> impl Strategy<Value = Command> {
    let value = || 0u64..4;
    let px = || prop::option::of(Just(LONG));
    let key = || prop_oneof![3 => string(), 1 => Just(Key(2))];
    let script = prop_oneof![
        (string(), value()).prop_map(|(key, value)| Script::compare_and_delete(key, value)),
        (string(), value()).prop_map(|(key, value)| Script::compare_and_extend(key, value, LONG)),
        (value(), px()).prop_map(|(value, px)| Script::set_and_count(Key(3), value, px, Key(4))),
        (string(), value()).prop_map(|(key, value)| Script::raise(key, value)),
    ];
    let command = prop_oneof![
        3 => (key(), value(), any::<bool>(), px())
            .prop_map(|(key, value, nx, px)| redis::Command::Set { key, value, nx, px }),
        2 => prop_oneof![key(), stream()].prop_map(redis::Command::Get),
        1 => prop_oneof![4 => key(), 1 => stream()].prop_map(redis::Command::Del),
        1 => prop_oneof![key(), stream()].prop_map(redis::Command::Incr),
        1 => prop_oneof![key(), stream()].prop_map(|key| redis::Command::PExpire(key, LONG)),
        4 => script.prop_map(redis::Command::Eval),
    ];
    command.prop_map(Command::Plain)
}

/// Any command. Times of deliveries are drawn around this one.
pub fn command(now: Time) -> impl Strategy<Value = Command> {
    prop_oneof![
        10 => add(),
        1 => (stream(), trim()).prop_map(|(key, trim)| Command::XTrim(key, trim)),
        1 => (stream(), ids()).prop_map(|(key, ids)| Command::XDel(key, ids)),
        2 => range(),
        2 => read(),
        6 => groups(),
        7 => read_group(),
        2 => (stream(), group(), ids()).prop_map(|(key, group, ids)| Command::XAck(key, group, ids)),
        2 => pending(),
        3 => claim(now.0 / 1_000_000),
        2 => auto_claim(),
        5 => looks(),
        5 => plain(),
    ]
}
