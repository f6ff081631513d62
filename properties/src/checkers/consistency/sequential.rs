//! Sequential consistency (Lamport 1979): one order of all operations that respects the order of each process,
//! regardless of real time. NP-complete even for registers with unique writes (Gibbons and Korach 1997), so this is a
//! search with memoisation and a limit.

use std::collections::BTreeMap;

use crate::checkers::linearizability::{Limits, Operation, Specification, Step, measured_hash};

/// After how many steps it is asked whether to give up.
const PATIENCE: usize = 1_000;
/// The size of a state that takes as long as a step.
const BYTES_A_STEP: usize = 64;
/// The bytes of a configuration besides its contents.
const CONFIGURATION: usize = 120;

/// The verdict of the search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sequential {
    /// Sequentially consistent, in this order of indices in the history. Pending operations without effect are left
    /// out.
    Consistent(Vec<usize>),
    /// No order exists.
    Violation {
        /// The longest order found, as indices in the history.
        furthest: Vec<usize>,
        /// The next operation of each process, none of which can follow.
        stuck: Vec<usize>,
    },
    /// Undecided after so many steps.
    Unknown(u64),
}

/// Judges a history. Operations of one process are listed in its order. A process may continue after an operation that
/// never returned, which then takes effect before its next one, or never.
pub fn sequential<S: Specification>(spec: &S, history: &[Operation<S::Op, S::Ret>], limits: Limits) -> Sequential {
    let mut processes: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (n, operation) in history.iter().enumerate() {
        processes.entry(operation.process).or_default().push(n);
    }
    let mut search = Search {
        spec,
        history,
        done: vec![0; processes.len()],
        processes: processes.into_values().collect(),
        state: spec.initial(),
        order: Vec::new(),
        failed: BTreeMap::new(),
        limits,
        steps: 0,
        unasked: 0,
        taken: 0,
        furthest: None,
    };
    match search.run() {
        Some(true) => Sequential::Consistent(search.order),
        Some(false) => {
            let (furthest, stuck) = search.furthest.unwrap_or_default();
            Sequential::Violation { furthest, stuck }
        }
        None => Sequential::Unknown(search.steps),
    }
}

struct Search<'a, S: Specification> {
    spec: &'a S,
    history: &'a [Operation<S::Op, S::Ret>],
    processes: Vec<Vec<usize>>,
    /// By process: the number of operations that are ordered or left out.
    done: Vec<usize>,
    state: S::State,
    order: Vec<usize>,
    /// Configurations that failed, by a hash.
    failed: BTreeMap<u64, Vec<Configuration<S::State>>>,
    limits: Limits,
    steps: u64,
    /// Steps since [`Limits::stop`] was asked; of large states, more than one each.
    unasked: usize,
    /// The approximate size of the failed configurations.
    taken: u64,
    furthest: Option<(Vec<usize>, Vec<usize>)>,
}

/// By process, the number of operations that are ordered or left out; and the state.
type Configuration<State> = (Vec<usize>, State);

/// A step of a process: over an operation that took effect, or over a pending one that never did.
struct Move<U> {
    process: usize,
    undo: Option<U>,
    placed: bool,
}

/// A configuration on the search path: the moves that led to it, and the next process to try. An odd number leaves the
/// next operation of the process out.
struct Frame<U> {
    moves: Vec<Move<U>>,
    next: usize,
}

impl<S: Specification> Search<'_, S> {
    /// `None` if the limit was reached.
    fn run(&mut self) -> Option<bool> {
        let mut frames: Vec<Frame<S::Undo>> = Vec::new();
        let mut entering = Some(Vec::new());
        loop {
            if let Some(mut moves) = entering.take() {
                self.take_readers(&mut moves);
                if (0..self.processes.len()).all(|p| self.head(p).is_none()) {
                    return Some(true);
                }
                let next = if self.has_failed() { usize::MAX } else { 0 };
                frames.push(Frame { moves, next });
            }
            let frame = frames.last_mut().expect("the first configuration is left only by returning");
            let choice = frame.next;
            frame.next = frame.next.saturating_add(1);
            if choice >= 2 * self.processes.len() {
                let frame = frames.pop().expect("just seen");
                if choice != usize::MAX {
                    self.note_failure();
                }
                frame.moves.into_iter().rev().for_each(|back| self.take_back(back));
                if frames.is_empty() {
                    return Some(false);
                }
                continue;
            }
            self.steps += 1;
            if self.is_over() {
                return None;
            }
            entering = self.step(choice / 2, choice % 2 == 1).map(|step| vec![step]);
        }
    }

    /// Whether a limit is reached. Configurations are not forgotten, so too many of them end the search.
    fn is_over(&mut self) -> bool {
        self.unasked += 1;
        if self.steps > self.limits.steps || self.taken > self.limits.bytes {
            return true;
        }
        if self.unasked < PATIENCE {
            return false;
        }
        self.unasked = 0;
        self.limits.stop.is_some_and(|stop| stop())
    }

    fn head(&self, process: usize) -> Option<usize> {
        self.processes[process].get(self.done[process]).copied()
    }

    /// Takes the next operation of a process, or leaves it out.
    fn step(&mut self, process: usize, leave_out: bool) -> Option<Move<S::Undo>> {
        let n = self.head(process)?;
        let Operation { op, ret, returned, .. } = &self.history[n];
        if leave_out {
            returned.is_none().then(|| self.done[process] += 1)?;
            return Some(Move { process, undo: None, placed: false });
        }
        let undo = match self.spec.apply(&mut self.state, op, ret.as_ref().filter(|_| returned.is_some())) {
            Step::Illegal => return None,
            Step::Same => None,
            Step::Changed(undo) => Some(undo),
        };
        self.done[process] += 1;
        self.order.push(n);
        Some(Move { process, undo, placed: true })
    }

    fn take_back(&mut self, back: Move<S::Undo>) {
        self.done[back.process] -= 1;
        if back.placed {
            let n = self.order.pop().expect("it was placed");
            if let Some(undo) = back.undo {
                self.spec.undo(&mut self.state, &self.history[n].op, undo);
            }
        }
    }

    /// Takes read-only operations as soon as they are possible, which excludes no order.
    fn take_readers(&mut self, moves: &mut Vec<Move<S::Undo>>) {
        for process in 0..self.processes.len() {
            while let Some(n) = self.head(process) {
                let Operation { op, ret, returned, .. } = &self.history[n];
                let ret = ret.as_ref().filter(|_| returned.is_some());
                let step = if self.spec.read_only(op, ret) { self.step(process, returned.is_none()) } else { None };
                let Some(step) = step else { break };
                moves.push(step);
            }
        }
    }

    fn has_failed(&mut self) -> bool {
        let (hash, bytes) = measured_hash(&(&self.done, &self.state));
        self.unasked += bytes / BYTES_A_STEP;
        let failed = self.failed.get(&hash);
        failed.is_some_and(|all| all.iter().any(|(done, state)| *done == self.done && *state == self.state))
    }

    fn note_failure(&mut self) {
        if self.furthest.as_ref().is_none_or(|(order, _)| order.len() < self.order.len()) {
            let stuck = (0..self.processes.len()).filter_map(|process| self.head(process)).collect();
            self.furthest = Some((self.order.clone(), stuck));
        }
        let (hash, bytes) = measured_hash(&(&self.done, &self.state));
        self.taken += (bytes + CONFIGURATION) as u64;
        self.failed.entry(hash).or_default().push((self.done.clone(), self.state.clone()));
    }
}
