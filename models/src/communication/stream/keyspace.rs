//! The keys of a server: each holds a string or a stream.

use std::collections::BTreeMap;

use seedbed_sim::Time;

use crate::communication::stream::command::GroupName;
use crate::communication::stream::effect::{Effect, GroupEffect};
use crate::communication::stream::group::Group;
use crate::communication::stream::log::Stream;
use crate::parts::redis::{Dataset, Key};

/// The keys and what they hold. Strings are those of [`crate::parts::redis`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Keyspace {
    strings: Dataset,
    streams: BTreeMap<Key, Stream>,
    expiries: BTreeMap<Key, Time>,
    /// `stream-node-max-entries`.
    node_entries: u64,
}

impl Keyspace {
    /// No keys. Nodes of streams will have up to `node_entries` entries.
    pub fn new(node_entries: u64) -> Self {
        Keyspace { strings: Dataset::default(), streams: BTreeMap::new(), expiries: BTreeMap::new(), node_entries }
    }

    /// How many entries a node of a stream has at most.
    pub fn node_entries(&self) -> u64 {
        self.node_entries
    }

    /// The strings.
    pub fn strings(&self) -> &Dataset {
        &self.strings
    }

    pub(super) fn strings_mut(&mut self) -> &mut Dataset {
        &mut self.strings
    }

    /// The stream at a key.
    pub fn stream(&self, key: Key) -> Option<&Stream> {
        self.streams.get(&key)
    }

    /// The streams, by key.
    pub fn streams(&self) -> impl Iterator<Item = (Key, &Stream)> {
        self.streams.iter().map(|(key, stream)| (*key, stream))
    }

    /// A group of the stream at a key.
    pub fn group(&self, key: Key, group: GroupName) -> Option<&Group> {
        self.stream(key)?.groups.get(&group)
    }

    /// What a replica does not have: when consumers were heard of, and what is counted of reading a history.
    pub(super) fn group_mut(&mut self, key: Key, group: GroupName) -> Option<&mut Group> {
        self.streams.get_mut(&key)?.groups.get_mut(&group)
    }

    /// When the next key expires.
    pub fn next_expiry(&self) -> Option<Time> {
        self.expiries.values().copied().chain(self.strings.next_expiry()).min()
    }

    /// The expiries that are due.
    pub fn expired(&self, now: Time) -> Vec<Effect> {
        let streams = self.expiries.iter().filter(|(_, at)| **at <= now).map(|(key, _)| Effect::Dropped(*key));
        streams.chain(self.strings.expired(now).into_iter().map(Effect::Plain)).collect()
    }

    /// Applies an effect: of an own command, of the master's, or of the append-only file.
    ///
    /// # Panics
    /// If it is about what is not there.
    pub fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::Made(key) => drop(self.streams.entry(*key).or_default()),
            Effect::Added(key, id, fields) => {
                let node_entries = self.node_entries;
                self.streams.entry(*key).or_default().append(*id, fields.clone(), node_entries);
            }
            Effect::Trimmed(key, count) => self.present(*key).remove_oldest(*count),
            Effect::Deleted(key, ids) => ids.iter().for_each(|id| self.present(*key).delete(*id)),
            Effect::Group(key, name, effect) => self.apply_to_group(*key, *name, effect),
            Effect::Expires(key, at) => drop(self.expiries.insert(*key, *at)),
            Effect::Dropped(key) => {
                self.streams.remove(key);
                self.expiries.remove(key);
            }
            Effect::Plain(effect) => self.strings.apply(*effect),
        }
    }

    fn apply_to_group(&mut self, key: Key, name: GroupName, effect: &GroupEffect) {
        let groups = &mut self.present(key).groups;
        if let GroupEffect::Position(last_delivered, entries_read) = *effect {
            let group = groups.entry(name).or_insert_with(|| Group::new(last_delivered, entries_read));
            (group.last_delivered, group.entries_read) = (last_delivered, entries_read);
            return;
        }
        let group = groups.get_mut(&name).expect("an effect on a group is on one that is there");
        match effect {
            GroupEffect::Position(..) => {}
            GroupEffect::Destroyed => drop(groups.remove(&name)),
            GroupEffect::Consumer(consumer) => drop(group.consumers.entry(*consumer).or_default()),
            GroupEffect::ConsumerDeleted(consumer) => {
                group.consumers.remove(consumer);
                group.pending.retain(|_, nack| nack.consumer != *consumer);
            }
            GroupEffect::Pending(id, nack) => {
                group.consumers.entry(nack.consumer).or_default();
                group.pending.insert(*id, *nack);
            }
            GroupEffect::NotPending(ids) => group.pending.retain(|id, _| !ids.contains(id)),
        }
    }

    fn present(&mut self, key: Key) -> &mut Stream {
        self.streams.get_mut(&key).expect("an effect on a stream is on one that is there")
    }
}
