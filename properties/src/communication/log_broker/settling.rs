//! L: groups settle.

use std::collections::BTreeMap;

use seedbed_models::communication::log_broker::LogBroker;
use seedbed_models::communication::log_broker::consumer::Phase;
use seedbed_models::communication::log_broker::groups::{Identity, State};
use seedbed_models::communication::log_broker::names::{Generation, TopicPartition};
use seedbed_models::communication::log_broker::settings::ORDERS;
use seedbed_sim::{Broken, NodeId, Property, Span, Verdict, World};

/// L: when the faults have ended, the group is stable, in a generation in which all consumers are that have not been replaced under their
/// lasting names, and each partition has an owner.
#[derive(Clone, Default)]
pub struct GroupsSettle;

impl Property<LogBroker> for GroupsSettle {
    fn name(&self) -> String {
        "log_broker/groups_settle".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn patience(&self) -> Span {
        Span::secs(10)
    }

    fn at_end(&mut self, world: &World<LogBroker>) -> Verdict {
        let config = world.config();
        let brokers = world.present().filter(|node| config.broker_ids().contains(&node.0)).count();
        if brokers < usize::from(config.brokers) {
            return Ok(());
        }
        let mut owners: BTreeMap<TopicPartition, NodeId> = BTreeMap::new();
        let mut generation: Option<(NodeId, Generation)> = None;
        for (node, process) in world.processes() {
            let Some(consumer) = process.consumer() else { continue };
            if consumer.phase() == Phase::Fenced {
                continue;
            }
            let Some(Identity { generation: is_in, .. }) =
                consumer.identity().filter(|_| consumer.phase() == Phase::Stable)
            else {
                let words = format!("{node} is in no generation: {:?}", consumer.phase());
                return Err(Broken::new([node], words));
            };
            if let Some((other, before)) = generation.replace((node, is_in)).filter(|(_, before)| *before != is_in) {
                return Err(Broken::new([other, node], format!("{other} is in {before:?}, and {node} in {is_in:?}")));
            }
            owners.extend(consumer.owned().map(|partition| (partition, node)));
        }
        if generation.is_none() {
            return Ok(());
        }
        let all = (0..config.partitions).map(|number| TopicPartition::new(ORDERS, number));
        if let Some(partition) = all.into_iter().find(|partition| !owners.contains_key(partition)) {
            return Err(format!("nobody has {partition}").into());
        }
        let groups = world
            .processes()
            .filter_map(|(_, process)| process.broker())
            .flat_map(|broker| broker.group_coordinators());
        let states: Vec<State> =
            groups.flat_map(|coordinator| coordinator.groups().values()).map(|g| g.state).collect();
        if states.contains(&State::Stable) { Ok(()) } else { Err(format!("no group is stable: {states:?}").into()) }
    }
}
