//! What must be true of two-phase commit (C24).

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::commitment::{Entry, Ledger, ledger};
use seedbed_models::transactions::two_phase_commit::model::{LOG, Record};
use seedbed_models::transactions::two_phase_commit::{Node, Settings, TwoPhaseCommit};
use seedbed_sim::{Boundary, FaultClass, NodeId, Span, Suite, Swarm, World};

use super::{Commits, liveness, safety};

/// Longer than anybody is in doubt where coordinators stay up and messages are not very late.
const LONG: Span = Span::ms(400);

/// Participants that do not ask often, so that the story is short, and are asked not to be in doubt for long.
fn not_to_be_blocked() -> TwoPhaseCommit {
    let usual = TwoPhaseCommit::default();
    let settings = Settings { doubt: Span::ms(150), ..usual.settings };
    TwoPhaseCommit { settings, in_doubt_at_most: Some(LONG), ..usual }
}

/// Two-phase commit with everything that must be true of it.
pub fn suite() -> Suite<TwoPhaseCommit> {
    let mut suite = Suite::new(TwoPhaseCommit::default());
    suite.properties.extend(safety());
    suite.properties.extend(liveness());
    suite
        .boundary(Boundary {
            bug: None,
            name: "blocked-by-coordinator-crash",
            what: "a coordinator that crashes after it asked for votes leaves those who voted yes in doubt, with their locks",
            breaks: "two_phase_commit/non_blocking",
            model: not_to_be_blocked(),
            swarm: Swarm::only([FaultClass::Crash]).as_configured(),
        })
}

impl Commits for TwoPhaseCommit {
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

    fn in_doubt_at_most(&self) -> Option<Span> {
        self.in_doubt_at_most
    }
}
