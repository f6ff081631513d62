//! Whether the stores agree: all participants hold the effects of a transaction, or none does. Judged by the contents
//! of the stores and by the answers to clients, not by the states of processes.
//!
//! ```
//! use seedbed_properties::checkers::atomic_commitment::stores::{Effect, Event, StoresAgree};
//! use seedbed_properties::checkers::judge::Judge;
//!
//! let mut stores = StoresAgree::default();
//! stores.observe(Event::Holds { node: 1u64, transaction: 'x', effect: Effect::Present }).unwrap();
//! stores.observe(Event::Holds { node: 2, transaction: 'x', effect: Effect::Open }).unwrap();
//! let refusal = stores.observe(Event::Holds { node: 2, transaction: 'x', effect: Effect::Absent }).unwrap_err();
//! assert_eq!(refusal.to_string(), "all or nothing: 1 holds the effects of 'x', and 2 will never hold them");
//! ```

use std::collections::BTreeMap;

use super::Decision;
use crate::checkers::judge::{Id, Judge, Name, Refusal, Ruling};

/// The state of a transaction's effects in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Visible to others.
    Present,
    /// Absent for good.
    Absent,
    /// Undecided: reserved, prepared, locked.
    Open,
}

/// Facts about stores and clients. All of them may be repeated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event<T, N> {
    /// The present state of a transaction in a participant's store.
    Holds {
        /// The participant.
        node: N,
        /// A transaction in which it participates.
        transaction: T,
        /// The state of its effects.
        effect: Effect,
    },
    /// The answer that a client got.
    Answered {
        /// The transaction of the client's request.
        transaction: T,
        /// The outcome in the answer.
        decision: Decision,
    },
}

/// At every instant the effects are not present in one store and absent in another, and do not contradict the answer to
/// the client. At the end they are decided in the stores of all correct processes, for which the system needs time
/// after the last fault.
#[derive(Clone, Debug)]
pub struct StoresAgree<T, N> {
    transactions: BTreeMap<T, Held<N>>,
}

#[derive(Clone, Debug)]
struct Held<N> {
    effects: BTreeMap<N, Effect>,
    answered: Option<Decision>,
}

const RULE: &str = "all or nothing";

impl<T: Name, N: Id> Judge for StoresAgree<T, N> {
    type Event = Event<T, N>;
    type Node = N;

    fn observe(&mut self, event: Event<T, N>) -> Ruling<N> {
        let id = match event {
            Event::Holds { node, transaction, effect } => {
                let held = self.transactions.entry(transaction.clone()).or_default();
                let before = held.effects.insert(node.clone(), effect);
                if before == Some(effect) {
                    return Ok(());
                }
                let lost = match before {
                    Some(Effect::Present) => "held the effects of",
                    Some(Effect::Absent) => "had refused",
                    _ => return self.transactions[&transaction].agree(&transaction),
                };
                let now = format!("{effect:?}").to_lowercase();
                let words = format!("{node:?} {lost} {transaction:?}, and now they are {now}");
                return Err(Refusal::new("settled for good", [node], words));
            }
            Event::Answered { transaction, decision } => {
                let held = self.transactions.entry(transaction.clone()).or_default();
                match held.answered {
                    Some(before) if before != decision => {
                        let words = format!("of {transaction:?} a client was told {before}, and then {decision}");
                        return Err(Refusal::new("answers agree", [], words));
                    }
                    _ => held.answered = Some(decision),
                }
                transaction
            }
        };
        self.transactions[&id].agree(&id)
    }

    fn finish(&mut self, obliged: &dyn Fn(&N) -> bool) -> Ruling<N> {
        for (id, held) in &self.transactions {
            let open = held.effects.iter().find(|(node, effect)| **effect == Effect::Open && obliged(node));
            if let Some((node, _)) = open {
                let words = format!("{node:?} has still not settled {id:?}");
                return Err(Refusal::new(RULE, [node.clone()], words));
            }
        }
        Ok(())
    }
}

impl<N: Id> Held<N> {
    fn agree<T: Name>(&self, id: &T) -> Ruling<N> {
        let one = |wanted: Effect| self.effects.iter().find(|(_, effect)| **effect == wanted).map(|(node, _)| node);
        match (one(Effect::Present), one(Effect::Absent), self.answered) {
            (Some(with), Some(without), _) => {
                let words = format!("{with:?} holds the effects of {id:?}, and {without:?} will never hold them");
                Err(Refusal::new(RULE, [with.clone(), without.clone()], words))
            }
            (Some(with), _, Some(Decision::Abort)) => {
                let words = format!("{with:?} holds the effects of {id:?}, and a client was told that it is aborted");
                Err(Refusal::new("answers are kept", [with.clone()], words))
            }
            (_, Some(without), Some(Decision::Commit)) => {
                let words = format!(
                    "{without:?} will never hold the effects of {id:?}, and a client was told that it is committed"
                );
                Err(Refusal::new("answers are kept", [without.clone()], words))
            }
            _ => Ok(()),
        }
    }
}

impl<T, N> Default for StoresAgree<T, N> {
    fn default() -> Self {
        StoresAgree { transactions: BTreeMap::new() }
    }
}

impl<N> Default for Held<N> {
    fn default() -> Self {
        Held { effects: BTreeMap::new(), answered: None }
    }
}
