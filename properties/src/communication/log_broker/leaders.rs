//! L: partitions have leaders.

use seedbed_models::communication::log_broker::LogBroker;
use seedbed_models::communication::log_broker::broker::Replica;
use seedbed_sim::{Broken, Property, Span, Verdict, World};

use crate::communication::log_broker::watched::{Agreed, broker};

/// When the faults have ended, every partition that has an in-sync or eligible replica on a broker which is up has a leader, which leads,
/// and all its replicas are in sync with it again.
#[derive(Clone, Default)]
pub struct LeadersAreElected {
    agreed: Agreed,
}

impl Property<LogBroker> for LeadersAreElected {
    fn name(&self) -> String {
        "log_broker/leaders_are_elected".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    /// A controller has to be elected first, which takes as long as it takes.
    fn patience(&self) -> Span {
        Span::secs(10)
    }

    fn after_event(&mut self, world: &World<LogBroker>) -> Verdict {
        self.agreed.look(world);
        Ok(())
    }

    fn at_end(&mut self, world: &World<LogBroker>) -> Verdict {
        let metadata = self.agreed.metadata();
        let present: Vec<_> = world.present().filter(|node| world.config().broker_ids().contains(&node.0)).collect();
        // In a world from which most brokers were removed, nothing is agreed on.
        if present.len() < usize::from(world.config().brokers) {
            return Ok(());
        }
        if metadata.partitions().next().is_none() {
            return Err("no topics were created".into());
        }
        for (partition, state) in metadata.partitions() {
            let is_up = |node: &&_| world.process(**node).is_some();
            let Some(candidate) = state.isr.iter().chain(&state.elr).find(is_up) else { continue };
            let Some(leader) = state.leader else {
                return Err(Broken::new(
                    [*candidate],
                    format!("{partition} has no leader, and {candidate} may lead: {state:?}"),
                ));
            };
            let leading = broker(world, leader).and_then(|broker| broker.replica(partition)).and_then(Replica::leading);
            if leading.is_none_or(|leading| leading.epoch != state.leader_epoch) {
                return Err(Broken::new([leader], format!("{leader} is to lead {partition}, and does not: {state:?}")));
            }
            let missing = state.replicas.iter().filter(is_up).find(|node| !state.isr.contains(node));
            if let Some(missing) = missing {
                return Err(Broken::new(
                    [*missing],
                    format!("{missing} is not in sync with {leader} in {partition}: {state:?}"),
                ));
            }
        }
        Ok(())
    }
}
