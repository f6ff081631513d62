//! What controllers agree on of brokers and partitions.

use seedbed_models::communication::log_broker::controller::metadata::{Command, Metadata, Output, PartitionState};
use seedbed_models::communication::log_broker::messages::Error;
use seedbed_models::communication::log_broker::names::{Topic, TopicPartition};
use seedbed_models::communication::log_broker::numbers::{BrokerEpoch, Incarnation, LeaderEpoch, PartitionEpoch};
use seedbed_models::replication::raft::machine::StateMachine;
use seedbed_sim::NodeId;

const PARTITION: TopicPartition = TopicPartition::new(Topic(0), 0);
const BROKERS: [NodeId; 3] = [NodeId(0), NodeId(1), NodeId(2)];

fn register(metadata: &mut Metadata, broker: u16, life: u64, previous: Option<BrokerEpoch>) -> BrokerEpoch {
    let (broker, incarnation) = (NodeId(broker), Incarnation(life));
    match metadata.apply(&Command::RegisterBroker { broker, incarnation, previous, keep_in_sync: false }) {
        Output::Registered(Ok(epoch)) => epoch,
        other => panic!("a broker is registered: {other:?}"),
    }
}

fn unfence(metadata: &mut Metadata, broker: u16, epoch: BrokerEpoch) {
    metadata.apply(&Command::UnfenceBroker(NodeId(broker), epoch));
}

fn fence(metadata: &mut Metadata, broker: u16, epoch: BrokerEpoch) {
    metadata.apply(&Command::FenceBroker(NodeId(broker), epoch));
}

/// Three brokers that are alive, and a partition that all of them have; `min.insync.replicas` is 2.
fn cluster(unclean: bool) -> (Metadata, [BrokerEpoch; 3]) {
    let mut metadata = Metadata::default();
    let partitions = vec![(PARTITION, BROKERS.to_vec())];
    metadata.apply(&Command::CreateTopics { partitions, min_insync: 2, unclean });
    let epochs = [0, 1, 2].map(|broker| register(&mut metadata, broker, u64::from(broker) + 1, None));
    for (broker, epoch) in epochs.into_iter().enumerate() {
        unfence(&mut metadata, broker as u16, epoch);
    }
    (metadata, epochs)
}

fn state(metadata: &Metadata) -> &PartitionState {
    metadata.partition(PARTITION).expect("it was created")
}

fn alter(
    metadata: &mut Metadata,
    leader: (u16, BrokerEpoch),
    isr: &[(u16, BrokerEpoch)],
) -> Result<PartitionState, Error> {
    let (leader_epoch, partition_epoch) = (state(metadata).leader_epoch, state(metadata).partition_epoch);
    alter_at(metadata, leader, (leader_epoch, partition_epoch), isr)
}

fn alter_at(
    metadata: &mut Metadata,
    (leader, broker_epoch): (u16, BrokerEpoch),
    (leader_epoch, partition_epoch): (LeaderEpoch, PartitionEpoch),
    isr: &[(u16, BrokerEpoch)],
) -> Result<PartitionState, Error> {
    let isr = isr.iter().map(|(broker, epoch)| (NodeId(*broker), *epoch)).collect();
    let (leader, partition) = (NodeId(leader), PARTITION);
    match metadata.apply(&Command::AlterPartition {
        leader,
        broker_epoch,
        partition,
        leader_epoch,
        partition_epoch,
        isr,
    }) {
        Output::Altered(altered) => altered,
        other => panic!("a partition is altered: {other:?}"),
    }
}

fn isr(metadata: &Metadata) -> Vec<u16> {
    state(metadata).isr.iter().map(|node| node.0).collect()
}

fn elr(metadata: &Metadata) -> Vec<u16> {
    state(metadata).elr.iter().map(|node| node.0).collect()
}

#[test]
fn the_first_broker_that_is_alive_leads() {
    let (metadata, _) = cluster(false);
    assert_eq!((state(&metadata).leader, isr(&metadata)), (Some(NodeId(0)), vec![0, 1, 2]));
}

#[test]
fn another_in_sync_replica_leads_when_the_leader_is_fenced() {
    let (mut metadata, epochs) = cluster(false);
    let before = state(&metadata).clone();
    fence(&mut metadata, 0, epochs[0]);
    let after = state(&metadata);
    assert_eq!((after.leader, isr(&metadata)), (Some(NodeId(1)), vec![1, 2]));
    assert_eq!(after.leader_epoch, before.leader_epoch.next());
    assert!(after.partition_epoch > before.partition_epoch);
}

#[test]
fn a_follower_that_is_fenced_changes_no_leader() {
    let (mut metadata, epochs) = cluster(false);
    let before = state(&metadata).leader_epoch;
    fence(&mut metadata, 2, epochs[2]);
    assert_eq!((state(&metadata).leader_epoch, isr(&metadata)), (before, vec![0, 1]));
}

// KIP-497: "the controller … validate[s] the leader epoch and the partition epoch".
#[test]
fn only_the_leader_that_knows_the_last_change_alters_a_partition() {
    let (mut metadata, epochs) = cluster(false);
    let known = (state(&metadata).leader_epoch, state(&metadata).partition_epoch);
    let two = [(0, epochs[0]), (1, epochs[1])];
    assert_eq!(alter_at(&mut metadata, (1, epochs[1]), known, &two), Err(Error::FencedLeaderEpoch));
    assert_eq!(alter_at(&mut metadata, (0, BrokerEpoch(99)), known, &two), Err(Error::StaleBrokerEpoch));
    assert!(alter_at(&mut metadata, (0, epochs[0]), known, &two).is_ok());
    assert_eq!(alter_at(&mut metadata, (0, epochs[0]), known, &two), Err(Error::InvalidUpdateVersion));
    assert_eq!(isr(&metadata), [0, 1]);
}

// KIP-841: a fenced replica does not join; KIP-903: nor one that has restarted since it fetched.
#[test]
fn who_has_restarted_does_not_join_by_what_it_had_before() {
    let (mut metadata, epochs) = cluster(false);
    let again = register(&mut metadata, 2, 12, None);
    assert_eq!(isr(&metadata), [0, 1], "what it had in memory may be gone");
    let joined = |epoch| [(0, epochs[0]), (1, epochs[1]), (2, epoch)];
    assert_eq!(alter(&mut metadata, (0, epochs[0]), &joined(again)), Err(Error::IneligibleReplica), "it is fenced");
    unfence(&mut metadata, 2, again);
    assert_eq!(alter(&mut metadata, (0, epochs[0]), &joined(epochs[2])), Err(Error::IneligibleReplica));
    assert!(alter(&mut metadata, (0, epochs[0]), &joined(again)).is_ok());
    assert_eq!(isr(&metadata), [0, 1, 2]);
}

#[test]
fn a_life_registers_once() {
    let (mut metadata, epochs) = cluster(false);
    assert_eq!(register(&mut metadata, 2, 3, None), epochs[2]);
    assert_eq!(isr(&metadata), [0, 1, 2]);
}

// KIP-966: a replica that leaves when too few are in sync is eligible, and leads if no other can.
#[test]
fn an_eligible_replica_leads_when_none_is_in_sync() {
    let (mut metadata, epochs) = cluster(false);
    fence(&mut metadata, 2, epochs[2]);
    assert_eq!(elr(&metadata), [] as [u16; 0], "two are in sync, which is enough");
    fence(&mut metadata, 1, epochs[1]);
    assert_eq!((isr(&metadata), elr(&metadata)), (vec![0], vec![1]));
    fence(&mut metadata, 0, epochs[0]);
    assert_eq!((isr(&metadata), elr(&metadata), state(&metadata).leader), (vec![], vec![1, 0], None));
    unfence(&mut metadata, 2, epochs[2]);
    assert_eq!(state(&metadata).leader, None, "it lacks what was committed without it");
    unfence(&mut metadata, 1, epochs[1]);
    assert_eq!((isr(&metadata), elr(&metadata), state(&metadata).leader), (vec![1], vec![0], Some(NodeId(1))));
}

// KIP-966: after an unclean shutdown it is not eligible any more; after a clean one it is.
#[test]
fn who_has_lost_what_it_had_is_not_eligible() {
    for whole in [false, true] {
        let (mut metadata, epochs) = cluster(false);
        fence(&mut metadata, 2, epochs[2]);
        fence(&mut metadata, 1, epochs[1]);
        let again = register(&mut metadata, 1, 11, whole.then_some(epochs[1]));
        assert_eq!(elr(&metadata).contains(&1), whole);
        fence(&mut metadata, 0, epochs[0]);
        unfence(&mut metadata, 1, again);
        assert_eq!(state(&metadata).leader.is_some(), whole);
    }
}

#[test]
fn an_unclean_election_takes_whoever_is_alive() {
    let (mut metadata, epochs) = cluster(true);
    fence(&mut metadata, 2, epochs[2]);
    let again = register(&mut metadata, 1, 11, None);
    register(&mut metadata, 0, 10, None);
    assert_eq!(state(&metadata).leader, None);
    unfence(&mut metadata, 1, again);
    assert_eq!((isr(&metadata), state(&metadata).leader), (vec![1], Some(NodeId(1))));
}

// KIP-730: blocks do not overlap.
#[test]
fn producer_ids_are_given_once() {
    let (mut metadata, epochs) = cluster(false);
    let mut allocate = |broker: u16, epoch| match metadata.apply(&Command::AllocateProducerIds(NodeId(broker), epoch)) {
        Output::Allocated(first) => first,
        other => panic!("ids are allocated: {other:?}"),
    };
    assert_eq!(allocate(0, epochs[0]), Ok(0));
    assert_eq!(allocate(1, epochs[1]), Ok(100));
    assert_eq!(allocate(1, BrokerEpoch(99)), Err(Error::StaleBrokerEpoch));
}
