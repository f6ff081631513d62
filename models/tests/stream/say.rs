//! Short words for commands and nodes.

use seedbed_models::communication::stream::{
    AutoClaim, Bound, Claim, Command, ConsumerName, Delivered, Engine, Exactness, Fields, GroupAfter, GroupName,
    GroupStart, Id, Item, Millis, NewId, Reply, Threshold, Trim,
};
use seedbed_models::parts::redis::Key;
use seedbed_sim::Time;

pub const KEY: Key = Key(1);
pub const GROUP: GroupName = GroupName(1);
pub const ANN: ConsumerName = ConsumerName(1);
pub const BOB: ConsumerName = ConsumerName(2);

pub fn fields(value: u64) -> Fields {
    [(1, value)].into()
}

pub fn id(ms: u64, seq: u64) -> Id {
    Id::new(ms, seq)
}

pub fn add(id: NewId) -> Command {
    Command::XAdd { key: KEY, id, fields: fields(7), no_make: false, trim: None }
}

pub fn add_trimming(id: NewId, to: Threshold, how: Exactness) -> Command {
    Command::XAdd { key: KEY, id, fields: fields(7), no_make: false, trim: Some(Trim { to, how }) }
}

pub fn range() -> Command {
    let (start, end) = (Bound::Including(Id::ZERO), Bound::Including(Id::MAX));
    Command::XRange { key: KEY, start, end, count: None, reversed: false }
}

pub fn create(start: GroupStart) -> Command {
    Command::XGroupCreate { key: KEY, group: GROUP, start, make: true, entries_read: None }
}

pub fn read(consumer: ConsumerName, after: GroupAfter, count: Option<u64>) -> Command {
    Command::XReadGroup { group: GROUP, consumer, streams: vec![(KEY, after)], count, block: None, no_ack: false }
}

pub fn read_new(consumer: ConsumerName) -> Command {
    read(consumer, GroupAfter::New, None)
}

pub fn ack(ids: &[Id]) -> Command {
    Command::XAck(KEY, GROUP, ids.to_vec())
}

pub fn claim(consumer: ConsumerName, min_idle: Millis, ids: &[Id]) -> Claim {
    Claim {
        key: KEY,
        group: GROUP,
        consumer,
        min_idle,
        ids: ids.to_vec(),
        delivered: Delivered::Now,
        retry_count: None,
        force: false,
        just_id: false,
        last_id: None,
    }
}

pub fn auto_claim(consumer: ConsumerName, min_idle: Millis, start: Id, count: Option<u64>) -> Command {
    Command::XAutoClaim(AutoClaim { key: KEY, group: GROUP, consumer, min_idle, start, count, just_id: false })
}

pub fn pending(consumer: Option<ConsumerName>) -> Command {
    let (start, end) = (Bound::Including(Id::ZERO), Bound::Including(Id::MAX));
    Command::XPending { key: KEY, group: GROUP, min_idle: 0, start, end, count: 100, consumer }
}

/// A server whose stream has the entries `1-0` to `n-0`, and a group at its beginning.
pub fn with_entries(n: u64) -> Engine {
    let mut server = Engine::new(3);
    assert_eq!(at(&mut server, 0, &create(GroupStart::Id(Id::ZERO))), Reply::Ok);
    for ms in 1..=n {
        assert_eq!(at(&mut server, ms, &add(NewId::Auto)), Reply::Id(id(ms, 0)));
    }
    server
}

/// Executes a command at this millisecond.
pub fn at(server: &mut Engine, ms: u64, command: &Command) -> Reply {
    server.call(Time::ms(ms), command)
}

/// Entries with the usual fields.
pub fn items(ids: &[Id]) -> Vec<Item> {
    ids.iter().map(|id| Item { id: *id, fields: Some(fields(7)) }).collect()
}

/// The reply of a read from one stream.
pub fn found(ids: &[Id]) -> Reply {
    Reply::Streams(vec![(KEY, items(ids))])
}

/// The times of the entries that are there.
pub fn there(server: &mut Engine) -> Vec<u64> {
    match at(server, 1_000, &range()) {
        Reply::Entries(entries) => entries.iter().map(|entry| entry.id.ms).collect(),
        reply => panic!("entries: {reply:?}"),
    }
}

/// What is pending: the time of each entry, its consumer, and how often it was delivered.
pub fn owed(server: &mut Engine) -> Vec<(u64, ConsumerName, u64)> {
    match at(server, 1_000, &pending(None)) {
        Reply::Pending(items) => items.iter().map(|item| (item.id.ms, item.consumer, item.deliveries)).collect(),
        reply => panic!("pending entries: {reply:?}"),
    }
}
