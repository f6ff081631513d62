//! What controllers agree on: which brokers are registered and alive, who leads each partition, and which replicas are in sync.
//! A deterministic state machine that C11's Raft replicates (KIP-500, KIP-631); each command is checked when it is executed.

use std::collections::BTreeMap;

use seedbed_sim::NodeId;
use serde::{Deserialize, Serialize};

use crate::communication::log_broker::messages::Error;
use crate::communication::log_broker::names::TopicPartition;
use crate::communication::log_broker::numbers::{BrokerEpoch, Incarnation, LeaderEpoch, PartitionEpoch};
use crate::replication::raft::machine::StateMachine;

/// How many producer ids are given to a broker at a time (KIP-730; a thousand in Kafka).
pub const PRODUCER_IDS: u64 = 100;

/// A registered broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Broker {
    /// The life that is registered.
    pub incarnation: Incarnation,
    /// The registration.
    pub epoch: BrokerEpoch,
    /// Whether it is fenced: it leads nothing, and is in sync with nothing.
    pub fenced: bool,
}

/// What is agreed on of a partition (KIP-631, `PartitionRecord`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PartitionState {
    /// The brokers that have it, the preferred leader first.
    pub replicas: Vec<NodeId>,
    /// The in-sync replicas.
    pub isr: Vec<NodeId>,
    /// The eligible leader replicas (KIP-966): they left the in-sync replicas when these were too few for the high watermark to go on,
    /// and have all that is committed.
    pub elr: Vec<NodeId>,
    /// The leader.
    pub leader: Option<NodeId>,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
    /// How often any of this has changed.
    pub partition_epoch: PartitionEpoch,
}

/// What controllers agree on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Metadata {
    brokers: BTreeMap<NodeId, Broker>,
    partitions: BTreeMap<TopicPartition, PartitionState>,
    min_insync: u16,
    unclean: bool,
    registrations: u64,
    producer_ids: u64,
}

/// What they are told to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Command {
    /// Create the topics, if there are none.
    CreateTopics {
        /// Their partitions, with the brokers that have them.
        partitions: Vec<(TopicPartition, Vec<NodeId>)>,
        /// `min.insync.replicas`.
        min_insync: u16,
        /// `unclean.leader.election.enable`.
        unclean: bool,
    },
    /// Register a broker, which is fenced at first.
    RegisterBroker {
        /// The broker.
        broker: NodeId,
        /// Its life.
        incarnation: Incarnation,
        /// Its registration before, if its logs are as they were then.
        previous: Option<BrokerEpoch>,
        /// Leave it in sync, which is a bug that can be planted.
        keep_in_sync: bool,
    },
    /// Fence a broker that is silent.
    FenceBroker(NodeId, BrokerEpoch),
    /// Unfence a broker.
    UnfenceBroker(NodeId, BrokerEpoch),
    /// Change the in-sync replicas of a partition, for its leader.
    AlterPartition {
        /// The leader.
        leader: NodeId,
        /// Its registration.
        broker_epoch: BrokerEpoch,
        /// The partition.
        partition: TopicPartition,
        /// The leader's epoch.
        leader_epoch: LeaderEpoch,
        /// What the leader knows of the partition.
        partition_epoch: PartitionEpoch,
        /// The new in-sync replicas, with their registrations.
        isr: Vec<(NodeId, BrokerEpoch)>,
    },
    /// Give a broker a block of producer ids.
    AllocateProducerIds(NodeId, BrokerEpoch),
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Output {
    /// Nothing to be told.
    Done,
    /// The registration, or why there is none.
    Registered(Result<BrokerEpoch, Error>),
    /// What is agreed on of the partition now, or why it is not changed.
    Altered(Result<PartitionState, Error>),
    /// The first of the block.
    Allocated(Result<u64, Error>),
}

impl PartitionState {
    /// The partition without this replica in sync. `whole` says whether its log has all that it had.
    fn without(&mut self, broker: NodeId, min_insync: u16, whole: bool) {
        let was_in_sync = self.isr.contains(&broker);
        self.isr.retain(|other| *other != broker);
        if !whole {
            self.elr.retain(|other| *other != broker);
        } else if was_in_sync {
            self.elr.push(broker);
        }
        self.settle_elr(min_insync);
    }

    /// There are eligible leader replicas only while too few are in sync for the high watermark to go on (KIP-966).
    fn settle_elr(&mut self, min_insync: u16) {
        let isr = &self.isr;
        self.elr.retain(|other| !isr.contains(other));
        self.elr.dedup();
        if isr.len() >= usize::from(min_insync) {
            self.elr.clear();
        }
    }
}

impl Metadata {
    /// A registered broker.
    pub fn broker(&self, broker: NodeId) -> Option<&Broker> {
        self.brokers.get(&broker)
    }

    /// The registered brokers.
    pub fn brokers(&self) -> impl Iterator<Item = (NodeId, &Broker)> {
        self.brokers.iter().map(|(node, broker)| (*node, broker))
    }

    /// A partition.
    pub fn partition(&self, partition: TopicPartition) -> Option<&PartitionState> {
        self.partitions.get(&partition)
    }

    /// All partitions.
    pub fn partitions(&self) -> impl Iterator<Item = (TopicPartition, &PartitionState)> {
        self.partitions.iter().map(|(partition, state)| (*partition, state))
    }

    /// `min.insync.replicas`.
    pub fn min_insync(&self) -> u16 {
        self.min_insync
    }

    /// Whether a broker is registered under this epoch.
    pub fn is_registered(&self, broker: NodeId, epoch: BrokerEpoch) -> bool {
        self.broker(broker).is_some_and(|known| known.epoch == epoch)
    }

    fn is_active(&self, broker: NodeId) -> bool {
        self.broker(broker).is_some_and(|known| !known.fenced)
    }

    /// A broker is registered anew. Its life before is over, and with it what it led. What it had in memory may be gone with it
    /// (KIP-966, *unclean shutdown*): then it is neither in sync nor eligible.
    fn register(
        &mut self,
        broker: NodeId,
        incarnation: Incarnation,
        previous: Option<BrokerEpoch>,
        keep: bool,
    ) -> Result<BrokerEpoch, Error> {
        let before = self.brokers.get(&broker).copied();
        match before {
            Some(before) if incarnation == before.incarnation => return Ok(before.epoch),
            Some(before) if incarnation < before.incarnation => return Err(Error::StaleBrokerEpoch),
            _ => {}
        }
        self.registrations += 1;
        let epoch = BrokerEpoch(self.registrations);
        self.brokers.insert(broker, Broker { incarnation, epoch, fenced: true });
        if before.is_some() {
            self.withdraw(broker, previous.is_some(), keep);
        }
        Ok(epoch)
    }

    /// A broker leads nothing and is in sync with nothing.
    fn withdraw(&mut self, broker: NodeId, whole: bool, keep: bool) {
        let min_insync = self.min_insync;
        for partition in self.partitions.keys().copied().collect::<Vec<_>>() {
            let state = self.partitions.get_mut(&partition).expect("it is one of them");
            let before = state.clone();
            if !keep {
                state.without(broker, min_insync, whole);
            }
            if state.leader == Some(broker) {
                state.leader = None;
            }
            self.settle(partition, &before);
        }
    }

    fn unfence(&mut self, broker: NodeId) {
        if let Some(known) = self.brokers.get_mut(&broker) {
            known.fenced = false;
        }
        for partition in self.partitions.keys().copied().collect::<Vec<_>>() {
            let before = self.partitions[&partition].clone();
            self.settle(partition, &before);
        }
    }

    /// Elects a leader if there is none and one can be had: of the in-sync replicas, of the eligible ones (KIP-966), or, if that is
    /// allowed, of any (an unclean election). Epochs go up with what has changed. Kafka tries the last leader after the eligible
    /// replicas, though it may have lost what it had in memory: here it is not tried.
    fn settle(&mut self, partition: TopicPartition, before: &PartitionState) {
        let state = &self.partitions[&partition];
        let elected = state.leader.or_else(|| {
            let active = || state.replicas.iter().copied().filter(|broker| self.is_active(*broker));
            let of = |these: &[NodeId]| active().find(|broker| these.contains(broker));
            of(&state.isr).or_else(|| of(&state.elr)).or_else(|| active().next().filter(|_| self.unclean))
        });
        let min_insync = self.min_insync;
        let state = self.partitions.get_mut(&partition).expect("just looked at");
        state.leader = elected;
        if let Some(leader) = elected
            && !state.isr.contains(&leader)
        {
            if !state.elr.contains(&leader) {
                // An unclean election: nobody else has what is in the leader's log.
                state.elr.clear();
            }
            state.isr = vec![leader];
            state.settle_elr(min_insync);
        }
        if state.leader != before.leader {
            state.leader_epoch = before.leader_epoch.next();
        }
        if *state != *before {
            state.partition_epoch = before.partition_epoch.next();
        }
    }

    /// KIP-497: a leader changes the in-sync replicas, if it leads and knows the last change. KIP-841 and KIP-903: none of the new ones
    /// is fenced, or has restarted since the leader heard of it.
    fn alter(
        &mut self,
        leader: (NodeId, BrokerEpoch),
        partition: TopicPartition,
        (leader_epoch, partition_epoch): (LeaderEpoch, PartitionEpoch),
        isr: &[(NodeId, BrokerEpoch)],
    ) -> Result<PartitionState, Error> {
        if !self.is_registered(leader.0, leader.1) {
            return Err(Error::StaleBrokerEpoch);
        }
        let state = self.partitions.get(&partition).ok_or(Error::NotLeaderOrFollower)?;
        if state.leader != Some(leader.0) || leader_epoch != state.leader_epoch {
            return Err(Error::FencedLeaderEpoch);
        }
        if partition_epoch != state.partition_epoch {
            return Err(Error::InvalidUpdateVersion);
        }
        let is_eligible =
            |broker: NodeId, epoch: BrokerEpoch| self.is_active(broker) && self.is_registered(broker, epoch);
        if isr.iter().any(|(broker, epoch)| !state.isr.contains(broker) && !is_eligible(*broker, *epoch)) {
            return Err(Error::IneligibleReplica);
        }
        let before = state.clone();
        let min_insync = self.min_insync;
        let state = self.partitions.get_mut(&partition).expect("just looked at");
        for gone in before.isr.iter().filter(|broker| !isr.iter().any(|(other, _)| other == *broker)) {
            state.without(*gone, min_insync, true);
        }
        state.isr =
            state.replicas.iter().copied().filter(|broker| isr.iter().any(|(other, _)| other == broker)).collect();
        state.settle_elr(min_insync);
        assert!(state.isr.contains(&leader.0), "a leader stays in sync: {:?} without {}", state.isr, leader.0);
        self.settle(partition, &before);
        Ok(self.partitions[&partition].clone())
    }
}

impl StateMachine for Metadata {
    type Command = Command;
    type Output = Output;

    fn apply(&mut self, command: &Command) -> Output {
        match command {
            Command::CreateTopics { partitions, min_insync, unclean } => {
                if self.partitions.is_empty() {
                    (self.min_insync, self.unclean) = (*min_insync, *unclean);
                    for (partition, replicas) in partitions {
                        // Logs are empty: nobody lacks anything.
                        let state = PartitionState {
                            replicas: replicas.clone(),
                            isr: replicas.clone(),
                            elr: Vec::new(),
                            leader: None,
                            leader_epoch: LeaderEpoch(0),
                            partition_epoch: PartitionEpoch(0),
                        };
                        self.partitions.insert(*partition, state.clone());
                        self.settle(*partition, &state);
                    }
                }
                Output::Done
            }
            Command::RegisterBroker { broker, incarnation, previous, keep_in_sync } => {
                Output::Registered(self.register(*broker, *incarnation, *previous, *keep_in_sync))
            }
            Command::FenceBroker(broker, epoch) => {
                if self.is_registered(*broker, *epoch) && self.is_active(*broker) {
                    self.brokers.get_mut(broker).expect("it is registered").fenced = true;
                    self.withdraw(*broker, true, false);
                }
                Output::Done
            }
            Command::UnfenceBroker(broker, epoch) => {
                if self.is_registered(*broker, *epoch) {
                    self.unfence(*broker);
                }
                Output::Done
            }
            Command::AlterPartition { leader, broker_epoch, partition, leader_epoch, partition_epoch, isr } => {
                let epochs = (*leader_epoch, *partition_epoch);
                Output::Altered(self.alter((*leader, *broker_epoch), *partition, epochs, isr))
            }
            Command::AllocateProducerIds(broker, epoch) => {
                if !self.is_registered(*broker, *epoch) {
                    return Output::Allocated(Err(Error::StaleBrokerEpoch));
                }
                let first = self.producer_ids;
                self.producer_ids += PRODUCER_IDS;
                Output::Allocated(Ok(first))
            }
        }
    }
}
