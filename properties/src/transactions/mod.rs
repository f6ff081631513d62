//! The properties of the models that commit over several nodes, and of those without atomic commitment ([`saga`],
//! [`tcc`], [`outbox`], [`mvcc`]); [`compare`] compares them.
//!
//! For atomic commitment: AC1 to AC5 ([`crate::checkers::atomic_commitment`]), and the guarantees to clients. They hold
//! for every model whose participants keep a [`Ledger`]: every one that [`Commits`].

mod blocking;
pub mod compare;
pub mod journals;
mod locks;
mod money;
pub mod mvcc;
mod open;
pub mod outbox;
pub mod saga;
mod serializable;
mod stores;
pub mod tcc;
pub mod three_phase_commit;
pub mod two_phase_commit;

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::commitment::{self, Commits, Entry, Ledger, Vote};
use seedbed_models::transactions::store::Key;
use seedbed_sim::{Answered, Maker, Model, NodeId, Span, World, maker};

use crate::checkers::atomic_commitment::{AtomicCommitment, Decision, Event, Rule, nothing_failed};
use crate::checkers::judge::{Id, Journal, journal};

pub use blocking::{Blocked, NonBlocking};
pub use locks::LocksHeld;
pub use money::MoneyConserved;
pub use open::NothingOpen;
pub use serializable::StrictlySerializable;
pub use stores::StoresAgree;

/// The time within which a participant knows the decision after the faults have ended, or after its vote if that is
/// later: a few timeouts of the widest variant, and as many messages of the greatest latency.
pub const DECIDED_WITHIN: Span = Span::ms(2_500);

/// Within this long after the faults have ended, or after it was asked for if that is later, a request is answered.
pub const ANSWERED_WITHIN: Span = Span::ms(2_800);

impl Id for TxId {}

/// AC1 to AC4, each a property of its own, and the other safety properties. Stores come first, so that a split decision
/// is reported with the participants that hold accounts, if possible.
pub fn safety<M: Commits>() -> Vec<Maker<M>> {
    vec![
        maker(StoresAgree::default()),
        maker(ac::<M>(Rule::Agreement)),
        maker(ac::<M>(Rule::Final)),
        maker(ac::<M>(Rule::OnlyIfAllYes)),
        maker(ac::<M>(Rule::NoNeedlessAbort)),
        maker(LocksHeld::default()),
        maker(MoneyConserved),
        maker(StrictlySerializable),
    ]
}

/// AC5; that nothing is open in the end; and answers to clients.
pub fn liveness<M: Commits>() -> Vec<Maker<M>> {
    let answered = Answered::within(format!("{}/requests_answered", M::INFO.name), ANSWERED_WITHIN);
    vec![maker(ac::<M>(Rule::AllDecide)), maker(NothingOpen), maker(answered)]
}

/// One of the conditions, judged by the journals of nodes.
pub fn ac<M: Commits>(rule: Rule) -> Journal<M, AtomicCommitment<TxId, NodeId>, Entry> {
    let name = format!("{}/{}", M::INFO.name, rule.name());
    journal(name, AtomicCommitment::judging(rule), entries, move |world, node, entry| events(rule, world, node, entry))
}

fn entries<M: Commits>(world: &World<M>, node: NodeId) -> &[Entry] {
    world.process(node).map_or(&[], commitment::Node::journal)
}

fn events<M: Commits>(rule: Rule, world: &World<M>, node: NodeId, entry: &Entry) -> Vec<Event<TxId, NodeId>> {
    let mut events = Vec::new();
    if rule == Rule::NoNeedlessAbort && !nothing_failed(world) {
        events.push(Event::Failed);
    }
    match entry {
        Entry::Began(tx, participants) => {
            events.push(Event::Began { transaction: *tx, participants: participants.clone() });
        }
        Entry::Voted(tx, vote) if rule != Rule::AllDecide || obliged(world, *vote) => {
            events.push(Event::Voted { transaction: *tx, node, yes: *vote != Vote::No });
        }
        Entry::Voted(..) => {}
        Entry::Decided(tx, decision) => {
            events.push(Event::Decided { transaction: *tx, node, decision: (*decision).into() });
        }
        // A message of a fault-free network that was slower than a timeout.
        Entry::TimedOut(tx) => events.push(Event::Late { transaction: *tx }),
    }
    events
}

/// Whether a node that votes so now must know the decision when the run ends. Not after a read-only vote.
fn obliged<M: Model>(world: &World<M>, vote: Vote) -> bool {
    vote != Vote::ReadOnly && world.now() + DECIDED_WITHIN <= world.scenario().phases.end_at()
}

impl From<commitment::Decision> for Decision {
    fn from(decision: commitment::Decision) -> Self {
        match decision {
            commitment::Decision::Commit => Decision::Commit,
            commitment::Decision::Abort => Decision::Abort,
        }
    }
}

/// The participants that the last event may have changed.
fn changed_ledgers<M: Commits>(world: &World<M>) -> impl Iterator<Item = (NodeId, &Ledger)> {
    world.changed().iter().filter_map(|node| Some((*node, world.process(*node)?.ledger()?)))
}

/// The accounts of a participant that a transaction touches or changes.
fn touched<'w, M: Commits>(
    world: &'w World<M>,
    tx: TxId,
    ledger: &'w Ledger,
    only_changes: bool,
) -> impl Iterator<Item = Key> + 'w {
    let invocation = world.history().invocations().iter().rev().find(move |invocation| TxId::from(invocation.id) == tx);
    let steps = invocation.into_iter().flat_map(|invocation| invocation.op.steps());
    let keys = steps.filter(move |step| step.writes() || !only_changes).map(|step| step.key());
    keys.filter(|key| ledger.store().get(*key).is_some())
}

/// The live nodes that keep accounts, with their ledgers.
fn ledgers<M: Commits>(world: &World<M>) -> impl Iterator<Item = (NodeId, &Ledger)> {
    world.processes().filter_map(|(node, process)| Some((node, process.ledger()?)))
}
