//! A new coordinator reads what others have left in the partition (`loadGroupsAndOffsets`).

use crate::communication::log_broker::groups::coordinator::{Coordinator, GroupSettings, GroupTimer, Turn};
use crate::communication::log_broker::groups::marks;
use crate::communication::log_broker::groups::offsets::Committed;
use crate::communication::log_broker::groups::records::{GroupKey, GroupRecord, GroupValue};
use crate::communication::log_broker::names::{Offset, ProducerId};
use crate::communication::log_broker::numbers::LeaderEpoch;

/// What is in the partition.
#[derive(Clone, Copy, Debug)]
pub enum Loaded<'a> {
    /// A record at an offset; of a transaction, if it has a producer.
    Record(Offset, Option<ProducerId>, &'a GroupRecord),
    /// The end of a transaction, and whether that was committed.
    Marker(ProducerId, bool),
}

impl Coordinator {
    /// The coordinator in this leader epoch, which has read the partition from its beginning to its end.
    pub fn load<'a>(
        settings: GroupSettings,
        epoch: LeaderEpoch,
        turn: &mut Turn,
        log: impl IntoIterator<Item = Loaded<'a>>,
    ) -> Self {
        let mut coordinator = Coordinator::new(settings, epoch);
        for loaded in log {
            match loaded {
                Loaded::Record(at, producer, record) => coordinator.remember(at, producer, record),
                Loaded::Marker(producer, is_commit) => {
                    for group in coordinator.groups.values_mut() {
                        group.offsets.end(producer, is_commit);
                    }
                }
            }
        }
        // Whoever lives will show it; the others' sessions begin anew.
        for (id, group) in &coordinator.groups {
            turn.mark(marks::GROUP_LOADED);
            for (name, member) in &group.members {
                turn.arm(GroupTimer::Session(*id, *name), member.session_timeout);
            }
        }
        coordinator
    }

    fn remember(&mut self, at: Offset, producer: Option<ProducerId>, record: &GroupRecord) {
        let group = self.groups.entry(record.key.group()).or_default();
        match (record.key, &record.value) {
            (GroupKey::Members(_), Some(GroupValue::Members(value))) => group.remember(value),
            (GroupKey::Members(_), None) => {
                let offsets = std::mem::take(&mut group.offsets);
                *group = super::group::Group { offsets, ..Default::default() };
            }
            (GroupKey::Position(_, partition), Some(GroupValue::Position { position, time, .. })) => {
                let committed = Committed { position: *position, at, time: *time };
                match producer {
                    Some(producer) => group.offsets.in_transaction(producer, partition, committed),
                    None => group.offsets.commit(partition, committed),
                }
            }
            (GroupKey::Position(_, partition), None) => group.offsets.forget(partition),
            (key, value) => panic!("the value of a group's record is of its key's kind: {key:?} has {value:?}"),
        }
    }
}
