//! Positions: who may commit them, and what is told of them (`validateOffsetCommit`, `doCommitOffsets`, `doTxnCommitOffsets`,
//! `handleFetchOffsets`).

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::Time;

use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::groups::coordinator::{Caller, Coordinator, Did, GroupTimer, Turn, Waits};
use crate::communication::log_broker::groups::group::State;
use crate::communication::log_broker::groups::marks;
use crate::communication::log_broker::groups::offsets::{Committed, Position};
use crate::communication::log_broker::groups::protocol::{Error, Identity, Response};
use crate::communication::log_broker::groups::records::{GroupKey, GroupRecord, GroupValue};
use crate::communication::log_broker::names::{GroupId, Offset, ProducerEpoch, ProducerId, TopicPartition};

type Positions = BTreeMap<TopicPartition, Position>;

impl Coordinator {
    /// A member commits how far it is.
    pub(super) fn commit(&mut self, turn: &mut Turn, caller: Caller, id: GroupId, of: Identity, positions: Positions) {
        let allowed =
            self.may_commit(turn, id, &of).and_then(|()| match self.groups.get(&id).map(|group| group.state) {
                // Its generation has begun and has no assignment: it has nothing to commit yet.
                Some(State::CompletingRebalance) => Err(Error::RebalanceInProgress),
                // While members join they may commit: what they give back is to be taken on from there.
                Some(State::PreparingRebalance(_) | State::Stable | State::Empty) | None => Ok(()),
            });
        if let Err(error) = allowed {
            if error == Error::IllegalGeneration {
                turn.mark(marks::OLD_GENERATION_REFUSED);
            }
            return turn.reply(caller, Response::OffsetCommit(Err(error)));
        }
        // A commit is a sign of life.
        if let Some(member) = self.groups.get(&id).and_then(|group| group.members.get(&of.member)) {
            if member.joining.is_none() {
                turn.arm(GroupTimer::Session(id, of.member), member.session_timeout);
            }
        }
        self.record(Did::Accepted(id, of, positions.clone()));
        if positions.is_empty() {
            return turn.reply(caller, Response::OffsetCommit(Ok(())));
        }
        let records = records(id, of, &positions, turn.now);
        let time = turn.now;
        self.append(turn, None, records, Waits::Commit(id, caller, positions, time));
    }

    /// A producer commits, in its transaction, how far its consumer is. It is fenced by the generation of that (KIP-447).
    pub(super) fn commit_in_transaction(
        &mut self,
        turn: &mut Turn,
        caller: Caller,
        id: GroupId,
        producer: (ProducerId, ProducerEpoch),
        of: Identity,
        positions: Positions,
    ) {
        if let Err(error) = self.may_commit(turn, id, &of) {
            if error == Error::IllegalGeneration {
                turn.mark(marks::OLD_GENERATION_REFUSED);
            }
            return turn.reply(caller, Response::TxnOffsetCommit(Err(error)));
        }
        self.record(Did::Accepted(id, of, positions.clone()));
        if positions.is_empty() {
            return turn.reply(caller, Response::TxnOffsetCommit(Ok(())));
        }
        self.groups.entry(id).or_default().offsets.begin_in_transaction(positions.keys().copied());
        let (records, time) = (records(id, of, &positions, turn.now), turn.now);
        self.append(turn, Some(producer), records, Waits::TxnCommit(id, caller, producer.0, positions, time));
    }

    fn may_commit(&mut self, turn: &mut Turn, id: GroupId, of: &Identity) -> Result<(), Error> {
        if turn.planted(Bug::NoGenerationFencing) {
            return Ok(());
        }
        self.in_generation(turn, id, of).map(|_| ())
    }

    /// Positions are in the log, from this offset on.
    pub(super) fn committed(&mut self, id: GroupId, base: Offset, positions: &Positions, time: Time) {
        let group = self.groups.entry(id).or_default();
        for (at, (partition, position)) in (base.0..).map(Offset).zip(positions) {
            group.offsets.commit(*partition, Committed { position: *position, at, time });
        }
        for (partition, position) in positions {
            self.record(Did::Committed(id, *partition, *position));
        }
    }

    /// Positions of a transaction are in the log, if they are.
    pub(super) fn written_in_transaction(
        &mut self,
        id: GroupId,
        producer: ProducerId,
        base: Option<Offset>,
        positions: &Positions,
        time: Time,
    ) {
        let offsets = &mut self.groups.entry(id).or_default().offsets;
        offsets.end_in_transaction(positions.keys().copied());
        let Some(base) = base else { return };
        for (at, (partition, position)) in (base.0..).map(Offset).zip(positions) {
            offsets.in_transaction(producer, *partition, Committed { position: *position, at, time });
        }
    }

    /// The marker of a transaction is in the partition (`handleTxnCompletion`).
    pub fn transaction_ended(&mut self, turn: &mut Turn, producer: ProducerId, is_commit: bool) {
        let groups: Vec<GroupId> = self.groups.keys().copied().collect();
        for id in groups {
            let Some(group) = self.groups.get_mut(&id) else { continue };
            let had = group.offsets.clone();
            let committed = group.offsets.end(producer, is_commit);
            if had == group.offsets {
                continue;
            }
            turn.mark(if is_commit {
                marks::OFFSETS_OF_A_TRANSACTION_COMMITTED
            } else {
                marks::OFFSETS_OF_A_TRANSACTION_DROPPED
            });
            committed
                .into_iter()
                .for_each(|(partition, position)| self.record(Did::Committed(id, partition, position)));
        }
    }

    /// Where the group is with these partitions.
    pub(super) fn positions(
        &mut self,
        turn: &mut Turn,
        id: GroupId,
        partitions: &BTreeSet<TopicPartition>,
        require_stable: bool,
    ) -> Result<Positions, Error> {
        let Some(group) = self.groups.get(&id) else { return Ok(Positions::new()) };
        if require_stable && partitions.iter().any(|partition| group.offsets.is_unstable(*partition)) {
            turn.mark(marks::UNSTABLE_OFFSET);
            return Err(Error::UnstableOffsetCommit);
        }
        let known = |partition: &TopicPartition| Some((*partition, group.offsets.get(*partition)?.position));
        Ok(partitions.iter().filter_map(known).collect())
    }
}

fn records(id: GroupId, metadata: Identity, positions: &Positions, now: Time) -> Vec<GroupRecord> {
    let record = |(partition, position): (&TopicPartition, &Position)| GroupRecord {
        key: GroupKey::Position(id, *partition),
        value: Some(GroupValue::Position { position: *position, time: now, metadata }),
    };
    positions.iter().map(record).collect()
}
