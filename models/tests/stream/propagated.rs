//! "Redis replication": what a command did, said in effects, gives the same data elsewhere, whatever commands come.

use proptest::prelude::*;
use seedbed_models::communication::stream::log::Stream;
use seedbed_models::communication::stream::{
    AutoClaim, Claim, Command, ConsumerName, Delivered, Engine, Exactness, GroupAfter, GroupName, GroupStart, Id,
    Keyspace, Nack, NewId, Threshold, Trim,
};
use seedbed_models::parts::redis::{self, Caller, Key};
use seedbed_sim::{NodeId, Time};

use crate::say::fields;

fn any_id() -> impl Strategy<Value = Id> {
    (1u64..9, 0u64..3).prop_map(|(ms, seq)| Id::new(ms, seq))
}

fn any_trim() -> impl Strategy<Value = Trim> {
    let to = prop_oneof![(0u64..6).prop_map(Threshold::MaxLen), any_id().prop_map(Threshold::MinId)];
    let how = prop_oneof![
        Just(Exactness::Exact),
        prop::option::of(0u64..6).prop_map(|limit| Exactness::Approximate { limit }),
    ];
    (to, how).prop_map(|(to, how)| Trim { to, how })
}

fn any_claim() -> impl Strategy<Value = Claim> {
    let options = (prop::option::of(0u64..5), any::<bool>(), any::<bool>(), prop::option::of(any_id()));
    (any_group(), any_consumer(), 0u64..3, prop::collection::vec(any_id(), 1..4), options).prop_map(
        |(group, consumer, min_idle, ids, (retry_count, force, just_id, last_id))| Claim {
            key: Key(1),
            group,
            consumer,
            min_idle,
            ids,
            delivered: Delivered::Now,
            retry_count,
            force,
            just_id,
            last_id,
        },
    )
}

fn any_group() -> impl Strategy<Value = GroupName> {
    (1u32..3).prop_map(GroupName)
}

fn any_consumer() -> impl Strategy<Value = ConsumerName> {
    (1u32..4).prop_map(ConsumerName)
}

/// Any command but the reading of a history, which is not propagated.
fn any_command() -> impl Strategy<Value = Command> {
    let key = Key(1);
    let new_id = prop_oneof![Just(NewId::Auto), any_id().prop_map(NewId::Exactly), (1u64..9).prop_map(NewId::At)];
    let start = prop_oneof![Just(GroupStart::Last), any_id().prop_map(GroupStart::Id)];
    let ids = || prop::collection::vec(any_id(), 1..4);
    prop_oneof![
        8 => (new_id, prop::option::weighted(0.3, any_trim()), any::<bool>())
            .prop_map(move |(id, trim, no_make)| Command::XAdd { key, id, fields: fields(7), no_make, trim }),
        1 => any_trim().prop_map(move |trim| Command::XTrim(key, trim)),
        1 => ids().prop_map(move |ids| Command::XDel(key, ids)),
        3 => (any_group(), start, any::<bool>(), prop::option::of(0u64..5)).prop_map(move |(group, start, make, entries_read)| {
            Command::XGroupCreate { key, group, start, make, entries_read }
        }),
        1 => (any_group(), any_id()).prop_map(move |(group, id)| Command::XGroupSetId {
            key,
            group,
            start: GroupStart::Id(id),
            entries_read: None,
        }),
        1 => (any_group(), any_consumer()).prop_map(move |(group, name)| Command::XGroupDelConsumer(key, group, name)),
        1 => (any_group(), any_consumer()).prop_map(move |(group, name)| Command::XGroupCreateConsumer(key, group, name)),
        8 => (any_group(), any_consumer(), prop::option::of(1u64..3), any::<bool>()).prop_map(
            move |(group, consumer, count, no_ack)| {
                let streams = vec![(key, GroupAfter::New)];
                Command::XReadGroup { group, consumer, streams, count, block: None, no_ack }
            }
        ),
        2 => (any_group(), ids()).prop_map(move |(group, ids)| Command::XAck(key, group, ids)),
        3 => any_claim().prop_map(Command::XClaim),
        3 => (any_claim(), prop::option::of(1u64..4)).prop_map(|(claim, count)| {
            let Claim { key, group, consumer, min_idle, just_id, .. } = claim;
            Command::XAutoClaim(AutoClaim { key, group, consumer, min_idle, start: Id::ZERO, count, just_id })
        }),
        1 => any_group().prop_map(move |group| Command::XGroupDestroy(key, group)),
        1 => prop_oneof![Just(Key(1)), Just(Key(2))].prop_map(|key| Command::Plain(redis::Command::Del(key))),
        1 => Just(Command::Plain(redis::Command::Incr(Key(2)))),
    ]
}

type Group = (GroupName, Id, Option<u64>, Vec<(Id, Nack)>, Vec<ConsumerName>);

/// All of a stream but when its consumers were heard of.
fn seen(stream: &Stream) -> (Vec<Id>, [Id; 2], u64, Vec<Group>) {
    let groups = stream.groups.iter().map(|(name, group)| {
        let pending = group.pending.iter().map(|(id, nack)| (*id, *nack)).collect();
        (*name, group.last_delivered, group.entries_read, pending, group.consumers.keys().copied().collect())
    });
    let entries = stream.entries().map(|(id, _)| id).collect();
    (entries, [stream.last_id(), stream.max_deleted()], stream.added(), groups.collect())
}

fn assert_same(master: &Keyspace, replica: &Keyspace) {
    assert_eq!(master.strings(), replica.strings());
    let all = |keys: &Keyspace| keys.streams().map(|(key, stream)| (key, seen(stream))).collect::<Vec<_>>();
    assert_eq!(all(master), all(replica));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn effects_say_all_that_was_done(commands in prop::collection::vec(any_command(), 1..40)) {
        let (mut master, mut replica) = (Engine::new(3), Engine::new(3));
        let by = Caller { client: NodeId(1), request: 1 };
        for (ms, command) in (1..).zip(&commands) {
            let executed = master.execute(Time::ms(ms / 3), by, None, command);
            for one in &executed {
                replica.apply(&one.effects);
            }
            assert_same(master.keys(), replica.keys());
        }
        // An approximate trimming goes by nodes, which must be the same too.
        let trim = Command::XTrim(Key(1), Trim { to: Threshold::MaxLen(2), how: Exactness::Approximate { limit: None } });
        prop_assert_eq!(master.call(Time::ms(99), &trim), replica.call(Time::ms(99), &trim));
    }
}
