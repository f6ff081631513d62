//! The costs of the family's models, and the inconsistencies that they show, on the same transfers under the same
//! faults.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use seedbed_models::transactions::store::Key;
use seedbed_models::transactions::transfer::{INITIAL_BALANCE, Transfer, Transfers};
use seedbed_sim::scenario::Impossible;
use seedbed_sim::{
    Case, NodeId, Operation, Outcome, Property, Record, Source, Span, Swarm, Time, Verdict, World, maker, run,
};

/// The totals of many worlds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// Transfers that were invoked.
    pub asked: u64,
    /// The latencies of transfers that the client knows to be committed.
    pub moved: Vec<Span>,
    /// Transfers that the client knows to be aborted.
    pub refused: u64,
    /// Messages sent, including those of clients.
    pub messages: u64,
    /// Writes that were forced.
    pub forced: u64,
    /// Writes that were lazy.
    pub lazy: u64,
    /// The time that accounts were locked against readers, summed over accounts.
    pub locked: Span,
    /// The time in which a reader of all accounts would have seen a wrong sum.
    pub exposed: Span,
    /// The length of all worlds together.
    pub watched: Span,
    /// Worlds with a wrong sum at the end, and nothing locked.
    pub wrong: u64,
    /// Worlds.
    pub worlds: u64,
}

/// Runs a model on transfers, in one world for each seed.
///
/// # Errors
/// If no world can run the model.
pub fn measure<M: Transfers>(model: &M, swarm: &Swarm, seeds: Range<u64>) -> Result<Costs, Impossible> {
    let cases = swarm.clone().as_configured().cases_with(model, model.transfers());
    let mut costs = Costs::default();
    for seed in seeds {
        let case = cases.case(seed);
        let seen = Arc::new(Mutex::new(Exposure::default()));
        let watch = maker(Watch {
            seen: seen.clone(),
            count: model.account_count(),
            accounts: BTreeMap::new(),
            last: Time::ZERO,
        });
        let outcome = run(&case, &Source::Seed(seed), &[watch], Record::No)?;
        for invocation in outcome.history.invocations() {
            costs.asked += 1;
            match &invocation.outcome {
                Outcome::Returned { ret, at } if M::moved(ret) => costs.moved.push(at.since(invocation.invoked)),
                Outcome::Returned { .. } | Outcome::Failed { .. } => costs.refused += 1,
                Outcome::Unknown => {}
            }
        }
        let seen = *seen.lock().expect("nobody panics with it");
        costs.messages += outcome.stats.sent;
        costs.forced += outcome.stats.forced;
        costs.lazy += outcome.stats.lazy;
        costs.locked += seen.locked;
        costs.exposed += seen.exposed;
        costs.wrong += u64::from(seen.wrong);
        costs.watched += outcome.ended_at.since(Time::ZERO);
        costs.worlds += 1;
    }
    Ok(costs)
}

/// The cost of a committed transfer between two accounts on two nodes, without faults: messages, forced writes and lazy
/// ones, without those that the model makes anyway.
///
/// # Errors
/// If no world can run the model.
pub fn one_transfer<M: Transfers>(model: &M) -> Result<[u64; 3], Impossible> {
    let mut case = Case::quiet(model.clone());
    let counted = |case: &Case<M>| -> Result<[u64; 3], Impossible> {
        let stats = run(case, &Source::Fixed(Vec::new()), &[], Record::No)?.stats;
        Ok([stats.sent, stats.forced, stats.lazy])
    };
    let idle = counted(&case)?;
    let transfer = Transfer { from: Key(0), to: Key(1), amount: 1 };
    let client = NodeId(model.clients().start);
    case.operations = vec![Operation { at: Time::ms(500), client, op: M::request(transfer) }];
    let busy = counted(&case)?;
    Ok([0, 1, 2].map(|n| busy[n].saturating_sub(idle[n])))
}

/// The visibility of the accounts in one world.
#[derive(Clone, Copy, Debug, Default)]
struct Exposure {
    locked: Span,
    exposed: Span,
    wrong: bool,
}

/// Observes the accounts after each event, as a property that always holds.
#[derive(Clone)]
struct Watch {
    seen: Arc<Mutex<Exposure>>,
    count: u16,
    accounts: BTreeMap<Key, Option<i64>>,
    last: Time,
}

impl Watch {
    /// Whether all accounts can be read, and have a wrong sum.
    fn is_exposed(&self) -> bool {
        let readable: Option<i64> = self.accounts.values().copied().sum();
        let all = self.accounts.len() == usize::from(self.count);
        all && readable.is_some_and(|sum| sum != i64::from(self.count) * INITIAL_BALANCE)
    }

    /// Adds the time since the last event.
    fn pass(&mut self, now: Time) {
        let since = now.since(self.last);
        let mut seen = self.seen.lock().expect("nobody panics with it");
        let locked = self.accounts.values().filter(|balance| balance.is_none()).count();
        seen.locked += since * locked as u64;
        if self.is_exposed() {
            seen.exposed += since;
        }
        self.last = now;
    }
}

impl<M: Transfers> Property<M> for Watch {
    fn name(&self) -> String {
        "compare/watch".into()
    }

    fn after_event(&mut self, world: &World<M>) -> Verdict {
        self.pass(world.now());
        // A node that is down shows its last state, which is on its disk and cannot change.
        let changed = world.changed().iter().filter_map(|node| world.process(*node));
        self.accounts.extend(changed.flat_map(M::accounts));
        Ok(())
    }

    fn at_end(&mut self, world: &World<M>) -> Verdict {
        self.pass(world.now());
        for (_, process) in world.processes() {
            self.accounts.extend(M::accounts(process));
        }
        self.seen.lock().expect("nobody panics with it").wrong = self.is_exposed();
        Ok(())
    }
}
