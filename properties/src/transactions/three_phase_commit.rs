//! What must be true of three-phase commit (C25).

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::commitment::{Entry, Ledger, ledger};
use seedbed_models::transactions::three_phase_commit::model::{LOG, Record};
use seedbed_models::transactions::three_phase_commit::{Node, ThreePhaseCommit};
use seedbed_sim::{Boundary, FaultClass, NodeId, Span, Suite, Swarm, World};

use super::{Commits, liveness, safety};

/// Three-phase commit with everything that must be true of it.
pub fn suite() -> Suite<ThreePhaseCommit> {
    let mut suite = Suite::new(ThreePhaseCommit::default());
    suite.properties.extend(safety());
    suite.properties.extend(liveness());
    suite
        .boundary(Boundary {
            bug: None,
            name: "split-by-partition",
            what: "a partition after the pre-commit: the side that knows of it commits, the other aborts",
            breaks: "three_phase_commit/stores_agree",
            model: ThreePhaseCommit::default(),
            swarm: Swarm::only([FaultClass::Partition]).as_configured(),
        })
        .boundary(Boundary {
            bug: None,
            name: "late-message",
            what: "one message takes longer than the bound, so one who is up is taken for fallen",
            breaks: "three_phase_commit/ac1_agreement",
            model: ThreePhaseCommit::default(),
            swarm: Swarm::only([FaultClass::Reorder]).as_configured(),
        })
}

impl Commits for ThreePhaseCommit {
    fn journal(process: &Node) -> &[Entry] {
        process.journal()
    }

    fn ledger(process: &Node) -> Option<&Ledger> {
        Some(process.participant()?.ledger())
    }

    fn waits_for(process: &Node) -> Option<TxId> {
        match process {
            Node::Client(client) => client.open(),
            _ => None,
        }
    }

    fn log(world: &World<Self>, node: NodeId) -> Vec<&ledger::Record> {
        world.log(node, LOG).filter_map(Record::of_participant).collect()
    }

    fn after_recovery(world: &World<Self>, node: NodeId) -> Option<Ledger> {
        Some(world.process(node)?.participant()?.after_recovery(world.log(node, LOG)))
    }

    fn accounts(&self) -> u16 {
        self.cluster.accounts
    }

    /// It is non-blocking.
    fn in_doubt_at_most(&self) -> Option<Span> {
        Some(self.settings.in_doubt_at_most(usize::from(self.cluster.participants)))
    }
}
