//! The leader of a partition of `__consumer_offsets` coordinates the groups that belong to it (Kafka, `GroupCoordinator`,
//! `GroupMetadataManager`): here its coordinators meet the log, the clock and the network.
//!
//! A coordinator reads the partition in one step when its broker becomes the leader, where Kafka reads it in the background, and
//! answers *CoordinatorLoadInProgress* meanwhile.

use std::collections::BTreeMap;

use seedbed_sim::{Context, NodeId, Time};

use crate::communication::log_broker::broker::replica::Replica;
use crate::communication::log_broker::broker::server::Broker;
use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::controller::active::Asker;
use crate::communication::log_broker::groups::{
    AppendId, Caller, Coordinator, Effect, Error, GroupRecord, GroupSettings, GroupTimer, Loaded, Request, Response,
    ToGroup, Turn,
};
use crate::communication::log_broker::messages;
use crate::communication::log_broker::messages::Timer;
use crate::communication::log_broker::names::{GroupId, Offset, ProducerEpoch, ProducerId, TopicPartition};
use crate::communication::log_broker::numbers::{Correlation, LeaderEpoch};
use crate::communication::log_broker::record::{Contents, Data, Draft, Produced, Record};
use crate::communication::log_broker::settings::{Acks, CONSUMER_OFFSETS};

/// Records of a coordinator that are not replicated yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct DelayedAppend {
    partition: TopicPartition,
    epoch: LeaderEpoch,
    id: AppendId,
    base: Offset,
    required: Offset,
    deadline: Time,
}

/// The coordinators of a broker, by the partitions that it leads.
#[derive(Clone, Debug, Default, Hash)]
pub struct Groups {
    coordinators: BTreeMap<TopicPartition, Coordinator>,
    appends: Vec<DelayedAppend>,
    /// The last request of each node. Requests of one life do not overtake each other, nor come twice: a connection keeps their order,
    /// and a broker handles one at a time.
    heard: BTreeMap<NodeId, Correlation>,
}

impl Groups {
    /// When the first of the records that are not replicated is given up.
    pub fn next_deadline(&self) -> Option<Time> {
        self.appends.iter().map(|append| append.deadline).min()
    }

    /// Whether a request comes in the order in which it was sent.
    fn hears(&mut self, asker: Asker) -> bool {
        let life = |correlation: Correlation| correlation.0 >> 32;
        let last = self.heard.get(&asker.node).filter(|last| life(**last) == life(asker.correlation));
        let in_order = last.is_none_or(|last| asker.correlation > *last);
        if in_order {
            self.heard.insert(asker.node, asker.correlation);
        }
        in_order
    }
}

impl Broker {
    /// The coordinators that this broker is.
    pub fn group_coordinators(&self) -> impl Iterator<Item = &Coordinator> {
        self.groups.coordinators.values()
    }

    /// The partition of `__consumer_offsets` that a group belongs to (`partitionFor`).
    fn partition_of(&self, group: GroupId) -> Option<TopicPartition> {
        let partitions = self.config.partitions.iter().map(|(partition, _)| *partition);
        let mut all = partitions.filter(|partition| partition.topic == CONSUMER_OFFSETS);
        let count = all.clone().count();
        if count == 0 { None } else { all.nth(usize::from(group.0) % count) }
    }

    /// Who coordinates a group, as far as this broker knows.
    pub(super) fn find_coordinator(&self, group: GroupId) -> Option<NodeId> {
        let partition = self.partition_of(group)?;
        let mut partitions = self.quorum.metadata().partitions();
        partitions.find(|(other, _)| *other == partition).and_then(|(_, state)| state.leader)
    }

    /// A request about a group has come.
    pub(super) fn group_request(&mut self, ctx: &mut Context<'_, Self>, asker: Asker, to_group: ToGroup) {
        if !self.groups.hears(asker) {
            return;
        }
        let partition = self.partition_of(to_group.group);
        let Some(partition) = partition.filter(|partition| self.groups.coordinators.contains_key(partition)) else {
            return self.respond(ctx, asker, messages::Response::Group(not_coordinator(&to_group.request)));
        };
        let caller = Caller { node: asker.node, correlation: asker.correlation };
        self.group_coordinator(ctx, partition, |coordinator, turn| coordinator.request(turn, caller, to_group));
    }

    /// A timer of a coordinator is due.
    pub(super) fn group_timer(&mut self, ctx: &mut Context<'_, Self>, timer: GroupTimer) {
        let (GroupTimer::Session(group, _) | GroupTimer::Join(group) | GroupTimer::Sync(group)) = timer;
        if let Some(partition) = self.partition_of(group) {
            self.group_coordinator(ctx, partition, |coordinator, turn| coordinator.timer(turn, timer));
        }
    }

    /// The marker of a transaction is committed at this offset, maybe of a partition of `__consumer_offsets`.
    pub(super) fn offsets_transaction_ended(
        &mut self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
        at: Offset,
    ) {
        let batch = self.replicas.get(&partition).and_then(|replica| replica.log.batch_at(at));
        let Some((marker, produced)) = batch.and_then(|batch| batch.marker().zip(batch.produced)) else { return };
        self.group_coordinator(ctx, partition, |coordinator, turn| {
            coordinator.transaction_ended(turn, produced.id, marker.committed);
        });
    }

    /// This broker leads a partition now, or leads it no longer.
    pub(super) fn coordinate_groups(&mut self, ctx: &mut Context<'_, Self>, partition: TopicPartition) {
        if partition.topic != CONSUMER_OFFSETS {
            return;
        }
        let leading = self.replicas.get(&partition).and_then(Replica::leading).map(|leading| leading.epoch);
        let coordinating = self.groups.coordinators.get(&partition).map(Coordinator::epoch);
        if leading == coordinating {
            return;
        }
        if coordinating.is_some() {
            self.groups.appends.retain(|append| append.partition != partition);
            self.group_coordinator(ctx, partition, Coordinator::resign);
            self.groups.coordinators.remove(&partition);
        }
        let Some(epoch) = leading else { return };
        let consumer = self.config.settings.consumer;
        let settings = GroupSettings { initial_rebalance_delay: consumer.initial_rebalance_delay };
        let mut turn = self.turn(ctx);
        let loaded = Coordinator::load(settings, epoch, &mut turn, records(&self.replicas[&partition]));
        self.groups.coordinators.insert(partition, loaded);
        self.group_effects(ctx, partition, turn);
    }

    /// The same, of all partitions.
    pub(super) fn coordinate_all_groups(&mut self, ctx: &mut Context<'_, Self>) {
        let partitions: Vec<TopicPartition> = self.groups.coordinators.keys().copied().collect();
        partitions.into_iter().for_each(|partition| self.coordinate_groups(ctx, partition));
    }

    fn turn(&self, ctx: &Context<'_, Self>) -> Turn {
        Turn::at(ctx.now(), ctx.bug().and_then(Bug::named))
    }

    /// Has a coordinator do something, and does what it wants done.
    fn group_coordinator(
        &mut self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
        call: impl FnOnce(&mut Coordinator, &mut Turn),
    ) {
        let mut turn = self.turn(ctx);
        let Some(coordinator) = self.groups.coordinators.get_mut(&partition) else { return };
        call(coordinator, &mut turn);
        self.group_effects(ctx, partition, turn);
    }

    fn group_effects(&mut self, ctx: &mut Context<'_, Self>, partition: TopicPartition, turn: Turn) {
        for effect in turn.effects {
            match effect {
                Effect::Reply(Caller { node, correlation }, response) => {
                    self.respond(ctx, Asker { node, correlation }, messages::Response::Group(response));
                }
                Effect::Arm(timer, after) => ctx.arm(Timer::Group(timer), after),
                Effect::Cancel(timer) => ctx.cancel(&Timer::Group(timer)),
                Effect::Mark(mark) => ctx.mark(mark),
                Effect::Append(id, producer, records) => self.append_for_group(ctx, partition, id, producer, records),
            }
        }
    }

    fn append_for_group(
        &mut self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
        id: AppendId,
        producer: Option<(ProducerId, ProducerEpoch)>,
        records: Vec<GroupRecord>,
    ) {
        match self.append(ctx, partition, Acks::All, draft(ctx.now(), producer, records)) {
            Ok(written) => {
                let deadline = ctx.now() + self.config.settings.request_timeout * 2;
                self.groups.appends.push(DelayedAppend {
                    partition,
                    epoch: written.epoch,
                    id,
                    base: written.base,
                    required: written.next,
                    deadline,
                });
                self.progressed(ctx, partition);
            }
            Err(_) => self.group_coordinator(ctx, partition, |coordinator, turn| {
                coordinator.appended(turn, id, Err(Error::CoordinatorNotAvailable));
            }),
        }
    }

    /// Tells coordinators which of their records are replicated, and which take too long.
    pub(super) fn complete_group_appends(&mut self, ctx: &mut Context<'_, Self>) {
        // What a coordinator is told may have it append more, and so lead here again.
        while let Some(place) = (0..self.groups.appends.len()).find(|n| self.append_outcome(ctx.now(), *n).is_some()) {
            let result = self.append_outcome(ctx.now(), place).expect("just looked at");
            let append = self.groups.appends.remove(place);
            self.group_coordinator(ctx, append.partition, |coordinator, turn| {
                coordinator.appended(turn, append.id, result)
            });
        }
    }

    fn append_outcome(&self, now: Time, place: usize) -> Option<Result<Offset, Error>> {
        let append = &self.groups.appends[place];
        let replica = self.replicas.get(&append.partition)?;
        match replica.leading() {
            Some(leading) if leading.epoch == append.epoch => {}
            _ => return Some(Err(Error::NotCoordinator)),
        }
        if replica.high_watermark >= append.required {
            return Some(Ok(append.base));
        }
        (now >= append.deadline).then_some(Err(Error::CoordinatorNotAvailable))
    }
}

/// What a coordinator finds in its partition.
fn records(replica: &Replica) -> impl Iterator<Item = Loaded<'_>> {
    replica.log.batches().iter().flat_map(|batch| {
        let ended = batch.marker().zip(batch.produced);
        let marker = ended.map(|(marker, produced)| Loaded::Marker(produced.id, marker.committed));
        let producer = batch.in_transaction().map(|produced| produced.id);
        let records = batch.records().filter_map(move |(offset, record)| match &record.data {
            Data::Group(record) => Some(Loaded::Record(offset, producer, record)),
            _ => None,
        });
        records.chain(marker)
    })
}

fn draft(now: Time, producer: Option<(ProducerId, ProducerEpoch)>, records: Vec<GroupRecord>) -> Draft {
    let record = |(record, offset_delta)| Record { offset_delta, timestamp: now, data: Data::Group(record) };
    // A coordinator appends for a producer without a sequence number: it asks itself once.
    let produced = producer.map(|(id, epoch)| Produced { id, epoch, sequence: None, transactional: true });
    Draft { produced, contents: Contents::Records(records.into_iter().zip(0..).map(record).collect()) }
}

fn not_coordinator(request: &Request) -> Response {
    let error = Error::NotCoordinator;
    match request {
        Request::JoinGroup(_) => Response::JoinGroup(Err(error)),
        Request::SyncGroup(..) => Response::SyncGroup(Err(error)),
        Request::Heartbeat(_) => Response::Heartbeat(Err(error)),
        Request::LeaveGroup(_) => Response::LeaveGroup(Err(error)),
        Request::OffsetCommit(..) => Response::OffsetCommit(Err(error)),
        Request::TxnOffsetCommit { .. } => Response::TxnOffsetCommit(Err(error)),
        Request::OffsetFetch { .. } => Response::OffsetFetch(Err(error)),
    }
}
