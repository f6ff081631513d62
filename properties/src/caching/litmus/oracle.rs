//! The exhaustive exploration of litmus programs.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use seedbed_models::caching::litmus::{Instruction, Location, Outcome, Program, Value};

/// A memory model that the oracle knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Memory {
    /// Sequential consistency.
    Sc,
    /// Total store order, the memory model of x86.
    Tso,
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Memory::Sc => "sequential consistency",
            Memory::Tso => "TSO",
        })
    }
}

/// All outcomes of a program under a memory model.
pub fn outcomes(program: &Program, memory: Memory) -> BTreeSet<Outcome> {
    let threads = program.threads.len();
    let start = State { next: vec![0; threads], buffers: vec![VecDeque::new(); threads], values: program.start() };
    let (mut seen, mut todo, mut outcomes) = (BTreeSet::from([start.clone()]), vec![start], BTreeSet::new());
    while let Some(state) = todo.pop() {
        let mut stuck = true;
        for thread in 0..threads {
            for next in [state.run(program, memory, thread), state.drain(thread)].into_iter().flatten() {
                stuck = false;
                if seen.insert(next.clone()) {
                    todo.push(next);
                }
            }
        }
        // A thread that waits for its buffer can drain it, so every state before the end has a successor.
        if stuck {
            outcomes.insert(state.values);
        }
    }
    outcomes
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    /// The index of each thread's next instruction.
    next: Vec<usize>,
    /// By thread: stores that have not reached memory, the oldest first.
    buffers: Vec<VecDeque<(Location, Value)>>,
    values: Outcome,
}

impl State {
    /// The state after a thread's next instruction; `None` if it has ended or must wait.
    fn run(&self, program: &Program, memory: Memory, thread: usize) -> Option<State> {
        let instruction = *program.threads[thread].get(self.next[thread])?;
        let mut state = self.clone();
        state.next[thread] += 1;
        let buffer = &mut state.buffers[thread];
        let cell = |location: Location| usize::from(location.0);
        match instruction {
            Instruction::Load { into, from } => {
                let own = buffer.iter().rev().find(|(location, _)| *location == from);
                let value = own.map_or(state.values.memory[cell(from)], |(_, value)| *value);
                state.values.registers[thread][usize::from(into.0)] = value;
            }
            Instruction::Store { to, value } => match memory {
                Memory::Sc => state.values.memory[cell(to)] = value,
                Memory::Tso => buffer.push_back((to, value)),
            },
            Instruction::Fence if !buffer.is_empty() => return None,
            Instruction::Fence => {}
            Instruction::Swap { .. } if !buffer.is_empty() => return None,
            Instruction::Swap { into, at, value } => {
                let old = std::mem::replace(&mut state.values.memory[cell(at)], value);
                state.values.registers[thread][usize::from(into.0)] = old;
            }
        }
        Some(state)
    }

    /// The state after a thread's oldest store has reached memory.
    fn drain(&self, thread: usize) -> Option<State> {
        let mut state = self.clone();
        let (location, value) = state.buffers[thread].pop_front()?;
        state.values.memory[usize::from(location.0)] = value;
        Some(state)
    }
}
