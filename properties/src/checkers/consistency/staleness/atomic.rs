//! The least k and the least Δ of a history without a known order of writes, by searching for linearisations.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::hash::Hash;

use crate::checkers::linearizability::specs::register::{Access, Answer, Register};
use crate::checkers::linearizability::{Checker, Limits, Operation, Specification, Step, Unknown, Verdict};

/// A history of one register.
type Accesses<V> = [Operation<Access<V>, Answer<V>>];

/// The least k, up to `most`, for which a history of one register is k-atomic.
///
/// # Errors
/// A search reached its limits: the least k is not known.
pub fn least_k<V: Clone + Debug + Ord + Hash>(
    initial: &V,
    history: &Accesses<V>,
    most: usize,
    limits: Limits,
) -> Result<Option<usize>, Unknown> {
    if !every_read_was_written(initial, history) {
        return Ok(None);
    }
    for k in 1..=most {
        let verdict = match k {
            1 => Checker::new(Register::new(initial.clone())).limits(limits).check(history),
            _ => Checker::new(Recent { initial: initial.clone(), k }).limits(limits).check(history),
        };
        match verdict {
            Verdict::Linearizable(_) => return Ok(Some(k)),
            Verdict::Violation(_) => {}
            Verdict::Unknown(why) => return Err(why),
        }
    }
    Ok(None)
}

/// The least Δ for which a history of one register is Δ-atomic, in the unit of its times; `None` if no Δ is enough,
/// because a read returned a value that was never written, or only later.
///
/// # Errors
/// A search reached its limits; this cannot happen if writes are unique.
pub fn least_delta<V: Clone + Debug + Ord + Hash>(
    initial: &V,
    history: &Accesses<V>,
    limits: Limits,
) -> Result<Option<u64>, Unknown> {
    let checker = Checker::new(Register::new(initial.clone())).limits(limits);
    let atomic_by = |delta: u64| {
        let earlier = history.iter().cloned().map(|operation| match operation.op {
            Access::Read => Operation { invoked: operation.invoked.saturating_sub(delta), ..operation },
            Access::Write(_) => operation,
        });
        match checker.check(&earlier.collect::<Vec<_>>()) {
            Verdict::Linearizable(_) => Ok(true),
            Verdict::Violation(_) => Ok(false),
            Verdict::Unknown(why) => Err(why),
        }
    };
    // A read cannot begin before time 0, so a Δ beyond the greatest time changes nothing.
    let (mut low, mut high) = (0, history.iter().map(|operation| operation.invoked).max().unwrap_or(0));
    if !atomic_by(high)? {
        return Ok(None);
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if atomic_by(middle)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(Some(high))
}

fn every_read_was_written<V: Ord>(initial: &V, history: &Accesses<V>) -> bool {
    history.iter().filter(|operation| operation.returned.is_some()).all(|operation| match &operation.ret {
        Some(Answer::Value(v)) => {
            v == initial || history.iter().any(|other| matches!(&other.op, Access::Write(written) if written == v))
        }
        _ => true,
    })
}

/// A register that may return any of its last k values.
#[derive(Clone, Debug)]
struct Recent<V> {
    initial: V,
    k: usize,
}

impl<V: Clone + Debug + Ord + Hash> Specification for Recent<V> {
    /// The last k values, the newest last.
    type State = VecDeque<V>;
    type Op = Access<V>;
    type Ret = Answer<V>;
    /// The value that was dropped.
    type Undo = Option<V>;
    type Key = ();

    fn initial(&self) -> VecDeque<V> {
        VecDeque::from([self.initial.clone()])
    }

    fn apply(&self, recent: &mut VecDeque<V>, op: &Access<V>, ret: Option<&Answer<V>>) -> Step<Option<V>> {
        match (op, ret) {
            (Access::Read, None) => Step::Same,
            (Access::Read, Some(Answer::Value(v))) => Step::same(recent.contains(v)),
            (Access::Write(v), None | Some(Answer::Written)) => {
                recent.push_back(v.clone());
                Step::Changed(if recent.len() > self.k { recent.pop_front() } else { None })
            }
            _ => Step::Illegal,
        }
    }

    fn undo(&self, recent: &mut VecDeque<V>, _: &Access<V>, forgotten: Option<V>) {
        recent.pop_back();
        if let Some(v) = forgotten {
            recent.push_front(v);
        }
    }

    fn read_only(&self, op: &Access<V>, _: Option<&Answer<V>>) -> bool {
        matches!(op, Access::Read)
    }

    fn answer_matters(&self, op: &Access<V>, ret: Option<&Answer<V>>) -> bool {
        !matches!((op, ret), (Access::Read, _) | (Access::Write(_), None | Some(Answer::Written)))
    }

    fn attainable<'a>(
        &self,
        recent: &VecDeque<V>,
        op: &Access<V>,
        ret: Option<&Answer<V>>,
        mut means: impl Iterator<Item = &'a Access<V>>,
    ) -> bool
    where
        V: 'a,
    {
        match (op, ret) {
            (Access::Read, Some(Answer::Value(v))) => {
                recent.contains(v) || means.any(|op| matches!(op, Access::Write(written) if written == v))
            }
            _ => true,
        }
    }
}
