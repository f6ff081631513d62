//! A replica of a partition: its log, its high watermark, and what it is: the leader, a follower, or neither.

use std::collections::BTreeMap;

use seedbed_sim::{NodeId, Span, Time};

use crate::communication::log_broker::controller::metadata::PartitionState;
use crate::communication::log_broker::log::Log;
use crate::communication::log_broker::messages::Error;
use crate::communication::log_broker::names::Offset;
use crate::communication::log_broker::numbers::{BrokerEpoch, LeaderEpoch, PartitionEpoch};

/// A replica.
#[derive(Clone, Debug, Hash)]
pub struct Replica {
    /// The log.
    pub log: Log,
    /// The high watermark: below it, all in-sync replicas have what this one has.
    pub high_watermark: Offset,
    /// What it is.
    pub role: Role,
}

/// What a replica is.
// There are few replicas: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash)]
pub enum Role {
    /// Neither: its broker is not registered yet.
    Offline,
    /// The leader.
    Leader(Leading),
    /// A follower.
    Follower(Following),
}

/// What a leader knows.
#[derive(Clone, Debug, Hash)]
pub struct Leading {
    /// Its epoch.
    pub epoch: LeaderEpoch,
    /// Where that has begun.
    pub epoch_start: Offset,
    /// The in-sync replicas, as the controller has them.
    pub isr: Vec<NodeId>,
    /// The last change of them that this leader knows.
    pub partition_epoch: PartitionEpoch,
    /// A change that the controller is asked for.
    pub pending_isr: Option<Vec<NodeId>>,
    /// The followers.
    pub followers: BTreeMap<NodeId, FollowerState>,
}

/// What a leader knows of a follower.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub struct FollowerState {
    /// The end of its log: it fetches from there.
    pub end: Offset,
    /// The registration in which it fetches (KIP-903).
    pub broker_epoch: Option<BrokerEpoch>,
    /// When it had all that the leader had.
    pub caught_up_at: Option<Time>,
    /// When it fetched last, and where the leader's log ended then.
    pub last_fetch: Option<(Time, Offset)>,
    /// The high watermark that it was told last.
    pub told: Offset,
}

/// What a follower knows.
#[derive(Clone, Debug, Hash)]
pub struct Following {
    /// The leader, if there is one.
    pub leader: Option<NodeId>,
    /// Its epoch.
    pub epoch: LeaderEpoch,
    /// The last change that this follower knows.
    pub partition_epoch: PartitionEpoch,
    /// What it does.
    pub phase: Phase,
}

/// What a follower does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It finds out what of its log the leader does not have, beginning with this epoch (KIP-101).
    Truncating(LeaderEpoch),
    /// It fetches what the leader has behind the end of its log.
    Fetching,
}

impl FollowerState {
    /// A fetch has come: the follower has all below `offset` (Kafka, `Replica.updateFetchState`).
    pub fn fetched(&mut self, offset: Offset, epoch: BrokerEpoch, leader_end: Offset, now: Time) {
        let caught_up_at = match self.last_fetch {
            _ if offset >= leader_end => Some(now),
            Some((at, end)) if offset >= end => Some(at),
            _ => None,
        };
        self.caught_up_at = self.caught_up_at.max(caught_up_at);
        (self.end, self.broker_epoch, self.last_fetch) = (offset, Some(epoch), Some((now, leader_end)));
    }

    /// Whether it is in sync by `replica.lag.time.max.ms`: it has all, or had it not long ago. A clock that went back counts from anew.
    pub fn is_caught_up(&self, leader_end: Offset, now: Time, lag: Span) -> bool {
        self.end == leader_end || self.caught_up_at.is_some_and(|at| now.since(at) <= lag)
    }
}

impl Leading {
    /// The in-sync replicas with those that the controller is asked to add or remove: whoever may be in sync counts (KIP-497).
    pub fn maximal_isr(&self) -> Vec<NodeId> {
        let mut all = [&self.isr[..], self.pending_isr.as_deref().unwrap_or_default()].concat();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether too few replicas are in sync for anything to be committed.
    pub fn is_under_min(&self, min_insync: u16) -> bool {
        self.isr.len() < usize::from(min_insync)
    }
}

impl Replica {
    /// A replica whose log was read from the disk.
    pub fn new(log: Log) -> Self {
        Replica { log, high_watermark: Offset::ZERO, role: Role::Offline }
    }

    /// What it knows as a leader.
    pub fn leading(&self) -> Option<&Leading> {
        match &self.role {
            Role::Leader(leading) => Some(leading),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub fn leading_mut(&mut self) -> Option<&mut Leading> {
        match &mut self.role {
            Role::Leader(leading) => Some(leading),
            _ => None,
        }
    }

    /// What it knows as a follower.
    pub fn following(&self) -> Option<&Following> {
        match &self.role {
            Role::Follower(following) => Some(following),
            _ => None,
        }
    }

    /// The epoch of the leader that it knows.
    pub fn leader_epoch(&self) -> Option<LeaderEpoch> {
        match &self.role {
            Role::Offline => None,
            Role::Leader(leading) => Some(leading.epoch),
            Role::Follower(following) => Some(following.epoch),
        }
    }

    /// The last change by the controller that it knows.
    pub fn partition_epoch(&self) -> Option<PartitionEpoch> {
        match &self.role {
            Role::Offline => None,
            Role::Leader(leading) => Some(leading.partition_epoch),
            Role::Follower(following) => Some(following.partition_epoch),
        }
    }

    /// Whether a request that means the leader of this epoch has come to it (KIP-320).
    ///
    /// # Errors
    /// If it has not.
    pub fn led_in(&self, epoch: Option<LeaderEpoch>) -> Result<&Leading, Error> {
        match (self.leader_epoch(), epoch) {
            (Some(known), Some(meant)) if meant < known => Err(Error::FencedLeaderEpoch),
            (Some(known), Some(meant)) if meant > known => Err(Error::UnknownLeaderEpoch),
            _ => self.leading().ok_or(Error::NotLeaderOrFollower),
        }
    }

    /// Becomes the leader (Kafka, `Partition.makeLeader`). Followers that are in sync have time to fetch.
    pub fn become_leader(&mut self, id: NodeId, state: &PartitionState, now: Time) {
        let known = self.leader_epoch();
        assert!(
            known.is_none_or(|known| known < state.leader_epoch),
            "a leader begins a later epoch than it knows: {known:?}"
        );
        self.log.begin_epoch(state.leader_epoch);
        let follower = |node: &NodeId| {
            let caught_up_at = state.isr.contains(node).then_some(now);
            (*node, FollowerState { caught_up_at, ..FollowerState::default() })
        };
        self.role = Role::Leader(Leading {
            epoch: state.leader_epoch,
            epoch_start: self.log.end(),
            isr: state.isr.clone(),
            partition_epoch: state.partition_epoch,
            pending_isr: None,
            followers: state.replicas.iter().filter(|node| **node != id).map(follower).collect(),
        });
    }

    /// Becomes a follower (Kafka, `Partition.makeFollower`): of another leader than before, unless only the rest of the state has
    /// changed.
    pub fn become_follower(&mut self, state: &PartitionState) {
        let phase = self.log.last_epoch().map_or(Phase::Fetching, Phase::Truncating);
        let (leader, epoch) = (state.leader, state.leader_epoch);
        self.role = Role::Follower(Following { leader, epoch, partition_epoch: state.partition_epoch, phase });
    }

    /// Truncates the log, and the high watermark with it.
    pub fn truncate_to(&mut self, end: Offset) {
        self.log.truncate_to(end);
        self.high_watermark = self.high_watermark.min(self.log.end());
    }

    /// The high watermark of a leader (Kafka, `Partition.maybeIncrementLeaderHW`): the least end of the logs of those that may be in
    /// sync, or are about to be. While too few are in sync, it stays (KIP-966). Says whether it has moved.
    pub fn advance_high_watermark(&mut self, min_insync: u16, now: Time, lag: Span) -> bool {
        let end = self.log.end();
        let Role::Leader(leading) = &self.role else { return false };
        if leading.is_under_min(min_insync) {
            return false;
        }
        let maximal = leading.maximal_isr();
        let counts = |(node, follower): &(&NodeId, &FollowerState)| {
            maximal.contains(node) || follower.broker_epoch.is_some() && follower.is_caught_up(end, now, lag)
        };
        let least = leading.followers.iter().filter(counts).map(|(_, follower)| follower.end).min();
        let reached = least.unwrap_or(end).min(end);
        let moved = reached > self.high_watermark;
        self.high_watermark = self.high_watermark.max(reached);
        moved
    }
}
