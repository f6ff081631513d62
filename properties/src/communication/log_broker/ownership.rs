//! S5: who has which partition, and who commits.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::log_broker::groups::{
    GroupKey, GroupRecord, GroupValue, Identity, MemberValue, MembersValue,
};
use seedbed_models::communication::log_broker::names::{Generation, GroupId, InstanceId, MemberId, TopicPartition};
use seedbed_models::communication::log_broker::record::Data;
use seedbed_models::communication::log_broker::{LogBroker, Node};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::communication::log_broker::watched::Committed;

/// The records of `__consumer_offsets` that are committed, as they come to be.
#[derive(Clone, Debug, Default)]
pub struct GroupLog(Committed);

impl GroupLog {
    /// What was committed since the last call. That replicas agree is another property's.
    pub fn look(&mut self, world: &World<LogBroker>) -> Vec<GroupRecord> {
        let news = self.0.look(world).unwrap_or_default();
        let records = news.iter().flat_map(|(_, batch)| batch.records());
        let groups = records.filter_map(|(_, record)| match &record.data {
            Data::Group(record) => Some(record.clone()),
            _ => None,
        });
        groups.collect()
    }
}

/// Who is meant by a member through all of its lives.
fn lasting(member: &MemberValue) -> (Option<InstanceId>, MemberId) {
    match member.instance {
        Some(instance) => (Some(instance), MemberId(0)),
        None => (None, member.id),
    }
}

/// S5: in one generation a partition has at most one owner. By the log: an assignment gives a partition to one member; with the
/// cooperative protocol to none while another member has it (KIP-429); and the assignments of a generation, which is written again
/// when a static member comes back, give it to the same. By the consumers: of those that got their partitions in one generation no two
/// have the same, unless one of them was replaced under its lasting name and does not know it yet (KIP-345).
#[derive(Clone, Default)]
pub struct OneOwner {
    log: GroupLog,
    owners: BTreeMap<(GroupId, Generation, TopicPartition), (Option<InstanceId>, MemberId)>,
}

impl OneOwner {
    fn check(&mut self, group: GroupId, value: &MembersValue) -> Verdict {
        let mut given: BTreeMap<TopicPartition, MemberId> = BTreeMap::new();
        for member in &value.members {
            for partition in &member.assignment {
                if let Some(other) = given.insert(*partition, member.id) {
                    let (id, generation) = (member.id, value.generation);
                    return Err(format!("{partition} is given to {other:?} and to {id:?} in {generation:?}").into());
                }
                let has = |other: &&MemberValue| other.id != member.id && other.subscription.owned.contains(partition);
                let holder = value.members.iter().find(has);
                if let Some(holder) = holder.filter(|_| !member.subscription.owned.contains(partition)) {
                    let (id, holder, generation) = (member.id, holder.id, value.generation);
                    return Err(
                        format!("{partition} is given to {id:?} in {generation:?}, and {holder:?} has it").into()
                    );
                }
                let key = (group, value.generation, *partition);
                let owner = lasting(member);
                let before = self.owners.insert(key, owner);
                if let Some(before) = before.filter(|before| *before != owner) {
                    let generation = value.generation;
                    return Err(format!("{partition} was of {before:?} in {generation:?}, and is of {owner:?}").into());
                }
            }
        }
        Ok(())
    }

    fn consumers(world: &World<LogBroker>) -> Verdict {
        let mut owners: BTreeMap<(Generation, TopicPartition), (NodeId, Option<InstanceId>)> = BTreeMap::new();
        for (node, process) in world.processes() {
            let Some(consumer) = process.consumer() else { continue };
            let Some(generation) = consumer.assigned_in() else { continue };
            for partition in consumer.owned() {
                let owner = (node, consumer.instance());
                let Some((other, instance)) = owners.insert((generation, partition), owner) else { continue };
                if instance.is_none() || instance != consumer.instance() {
                    let words = format!("{other} and {node} both have {partition} since {generation:?}");
                    return Err(Broken::new([other, node], words));
                }
            }
        }
        Ok(())
    }
}

impl Property<LogBroker> for OneOwner {
    fn name(&self) -> String {
        "log_broker/one_owner".into()
    }

    fn after_event(&mut self, world: &World<LogBroker>) -> Verdict {
        if world.config().consumers == 0 {
            return Ok(());
        }
        for record in self.log.look(world) {
            if let (GroupKey::Members(group), Some(GroupValue::Members(value))) = (record.key, &record.value) {
                self.check(group, value)?;
            }
        }
        let is_consumer = |node: &&NodeId| world.process(**node).and_then(Node::consumer).is_some();
        if world.changed().iter().any(|node| is_consumer(&node)) { OneOwner::consumers(world) } else { Ok(()) }
    }
}

/// A position is committed by a member of the generation that the group is in, and not by one whose partition it has given to
/// another: in the order of the log. Whoever is a member no longer, or was replaced, has no say (*generation fencing*; KIP-345, KIP-447).
#[derive(Clone, Default)]
pub struct CommitsAreOfMembers {
    log: GroupLog,
    groups: BTreeMap<GroupId, MembersValue>,
}

impl CommitsAreOfMembers {
    fn check(&self, group: GroupId, partition: TopicPartition, by: &Identity) -> Verdict {
        let Some(value) = self.groups.get(&group) else {
            return Err(format!("{by:?} commits {partition}, and the group has had no generation").into());
        };
        if value.generation != by.generation {
            let now = value.generation;
            return Err(format!("{by:?} commits {partition}, and the group is in {now:?}").into());
        }
        if value.members.iter().all(|member| member.id != by.member) {
            let members: BTreeSet<MemberId> = value.members.iter().map(|member| member.id).collect();
            return Err(format!("{by:?} commits {partition}, and the members are {members:?}").into());
        }
        let owner = value.members.iter().find(|member| member.assignment.contains(&partition));
        if let Some(owner) = owner.filter(|owner| owner.id != by.member) {
            return Err(format!("{by:?} commits {partition}, which is of {:?}", owner.id).into());
        }
        Ok(())
    }
}

impl Property<LogBroker> for CommitsAreOfMembers {
    fn name(&self) -> String {
        "log_broker/commits_are_of_members".into()
    }

    fn after_event(&mut self, world: &World<LogBroker>) -> Verdict {
        for record in self.log.look(world) {
            match (record.key, record.value) {
                (GroupKey::Members(group), Some(GroupValue::Members(value))) => _ = self.groups.insert(group, value),
                (GroupKey::Position(group, partition), Some(GroupValue::Position { metadata, .. })) => {
                    self.check(group, partition, &metadata)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
