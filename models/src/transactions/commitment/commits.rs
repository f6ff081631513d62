//! What the models of atomic commitment have in common.

use seedbed_sim::{Model, NodeId, World};

use crate::transactions::commitment::cluster::Cluster;
use crate::transactions::commitment::ledger::{self, Ledger};
use crate::transactions::commitment::node::{Node, Roles};
use crate::transactions::commitment::protocol::Protocol;
use crate::transactions::commitment::resource_manager::LOG;
use crate::transactions::commitment::work::{Op, Ret};
use crate::transactions::store::Key;
use crate::transactions::transfer::{Transfer, Transfers};

/// A model of a protocol of atomic commitment.
pub trait Commits: Model<Process = Node<Self::Protocol>> {
    /// The protocol.
    type Protocol: Roles;

    /// The nodes.
    fn cluster(&self) -> &Cluster;

    /// A participant's records in the log of a node.
    fn log(world: &World<Self>, node: NodeId) -> impl Iterator<Item = &ledger::Record> {
        world.log(node, LOG).filter_map(Self::Protocol::participant_record)
    }

    /// The ledger that a participant that is up would have after a crash that leaves all that is on its disk.
    fn after_recovery(world: &World<Self>, node: NodeId) -> Option<Ledger> {
        Some(world.process(node)?.participant()?.as_ref().after_recovery(world.log(node, LOG)))
    }
}

/// A lock of a transaction that is not decided keeps readers out.
impl<M: Commits> Transfers for M {
    fn clients(&self) -> std::ops::Range<u16> {
        self.cluster().client_numbers()
    }

    fn account_count(&self) -> u16 {
        self.cluster().accounts
    }

    fn request(transfer: Transfer) -> Op {
        transfer.into()
    }

    fn moved(answer: &Ret) -> bool {
        matches!(answer, Ret::Committed { .. })
    }

    fn accounts(process: &Node<M::Protocol>) -> Vec<(Key, Option<i64>)> {
        process.ledger().into_iter().flat_map(|ledger| ledger.store().readable()).collect()
    }
}
