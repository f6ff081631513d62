//! The classical programs, each with the outcome that it asks about. Names and shapes after Alglave, Maranget and
//! Tautschnig, "Herding cats" (2014); n5, n6 and SB with swaps after Sewell and others, "x86-TSO"
//! (2010), section 2.

use crate::caching::litmus::program::{Instruction, Location, Outcome, Program, Register, Value};

/// A program and the outcome that sequential consistency forbids, and weaker models may allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Litmus {
    /// The program.
    pub program: Program,
    /// The values of registers in that outcome: thread, register, value.
    pub registers: Vec<(usize, Register, Value)>,
    /// The values of locations in that outcome, where they matter.
    pub memory: Vec<(Location, Value)>,
}

impl Litmus {
    /// Whether this is the outcome that the program asks about.
    pub fn shows(&self, outcome: &Outcome) -> bool {
        let register = |thread: usize, register: Register| outcome.registers[thread][usize::from(register.0)];
        let memory = |location: Location| outcome.memory[usize::from(location.0)];
        self.registers.iter().all(|(thread, at, value)| register(*thread, *at) == *value)
            && self.memory.iter().all(|(location, value)| memory(*location) == *value)
    }

    /// The same with a fence between any two instructions of a thread.
    pub fn fenced(&self) -> Litmus {
        Litmus { program: self.program.fenced(), ..self.clone() }
    }
}

const X: Location = Location(0);
const Y: Location = Location(1);
const R: [Register; 2] = [Register(0), Register(1)];

fn r(into: usize, from: Location) -> Instruction {
    Instruction::Load { into: R[into], from }
}

fn w(to: Location, value: Value) -> Instruction {
    Instruction::Store { to, value }
}

fn swap(into: usize, at: Location, value: Value) -> Instruction {
    Instruction::Swap { into: R[into], at, value }
}

fn litmus(
    name: &str,
    threads: &[&[Instruction]],
    registers: &[(usize, usize, Value)],
    memory: &[(Location, Value)],
) -> Litmus {
    let threads = threads.iter().map(|thread| thread.to_vec()).collect();
    let registers = registers.iter().map(|(thread, register, value)| (*thread, R[*register], *value)).collect();
    Litmus { program: Program::new(name, threads), registers, memory: memory.to_vec() }
}

/// The classical programs, each without fences and, where a thread has two instructions, with fences.
pub fn classical() -> Vec<Litmus> {
    let plain = [
        // Message passing: the flag is seen, the message is not.
        litmus("MP", &[&[w(X, 1), w(Y, 1)], &[r(0, Y), r(1, X)]], &[(1, 0, 1), (1, 1, 0)], &[]),
        // Store buffering: neither sees the other.
        litmus("SB", &[&[w(X, 1), r(0, Y)], &[w(Y, 1), r(0, X)]], &[(0, 0, 0), (1, 0, 0)], &[]),
        // Load buffering: each sees what the other does later.
        litmus("LB", &[&[r(0, X), w(Y, 1)], &[r(0, Y), w(X, 1)]], &[(0, 0, 1), (1, 0, 1)], &[]),
        // Independent reads of independent writes: two readers see two writes in opposite orders.
        litmus(
            "IRIW",
            &[&[w(X, 1)], &[w(Y, 1)], &[r(0, X), r(1, Y)], &[r(0, Y), r(1, X)]],
            &[(2, 0, 1), (2, 1, 0), (3, 0, 1), (3, 1, 0)],
            &[],
        ),
        // Coherence: of one location no access goes back in time.
        litmus("CoRR", &[&[w(X, 1)], &[r(0, X), r(1, X)]], &[(1, 0, 1), (1, 1, 0)], &[]),
        litmus("CoWW", &[&[w(X, 1), w(X, 2)]], &[], &[(X, 1)]),
        litmus("CoRW1", &[&[r(0, X), w(X, 1)]], &[(0, 0, 1)], &[]),
        litmus("CoRW2", &[&[r(0, X), w(X, 1)], &[w(X, 2)]], &[(0, 0, 2)], &[(X, 2)]),
        litmus("CoWR", &[&[w(X, 1), r(0, X)], &[w(X, 2)]], &[(0, 0, 2)], &[(X, 1)]),
        // Write to read causality.
        litmus("WRC", &[&[w(X, 1)], &[r(0, X), w(Y, 1)], &[r(0, Y), r(1, X)]], &[(1, 0, 1), (2, 0, 1), (2, 1, 0)], &[]),
        // Read to write causality.
        litmus("RWC", &[&[w(X, 1)], &[r(0, X), r(1, Y)], &[w(Y, 1), r(0, X)]], &[(1, 0, 1), (1, 1, 0), (2, 0, 0)], &[]),
        litmus("2+2W", &[&[w(X, 1), w(Y, 2)], &[w(Y, 1), w(X, 2)]], &[], &[(X, 1), (Y, 1)]),
        litmus("S", &[&[w(X, 2), w(Y, 1)], &[r(0, Y), w(X, 1)]], &[(1, 0, 1)], &[(X, 2)]),
        litmus("R", &[&[w(X, 1), w(Y, 1)], &[w(Y, 2), r(0, X)]], &[(1, 0, 0)], &[(Y, 2)]),
        // Store buffering where each sees its own store first: buffers are forwarded from.
        litmus(
            "SB+rfis",
            &[&[w(X, 1), r(0, X), r(1, Y)], &[w(Y, 1), r(0, Y), r(1, X)]],
            &[(0, 0, 1), (0, 1, 0), (1, 0, 1), (1, 1, 0)],
            &[],
        ),
        litmus("n5", &[&[w(X, 1), r(0, X)], &[w(X, 2), r(0, X)]], &[(0, 0, 2), (1, 0, 1)], &[]),
        litmus("n6", &[&[w(X, 1), r(0, X), r(1, Y)], &[w(Y, 2), w(X, 2)]], &[(0, 0, 1), (0, 1, 0)], &[(X, 1)]),
    ];
    let with_fences = plain.iter().filter(|litmus| litmus.program.threads.iter().any(|thread| thread.len() > 1));
    let mut all: Vec<Litmus> = plain.iter().cloned().chain(with_fences.map(Litmus::fenced)).collect();
    // A fence on one side only is not enough for SB, and is for R and RWC on the side that stores and then loads.
    let fence = Instruction::Fence;
    all.extend([
        litmus("SB+fence+po", &[&[w(X, 1), fence, r(0, Y)], &[w(Y, 1), r(0, X)]], &[(0, 0, 0), (1, 0, 0)], &[]),
        litmus("R+po+fence", &[&[w(X, 1), w(Y, 1)], &[w(Y, 2), fence, r(0, X)]], &[(1, 0, 0)], &[(Y, 2)]),
        litmus(
            "RWC+po+fence",
            &[&[w(X, 1)], &[r(0, X), r(1, Y)], &[w(Y, 1), fence, r(0, X)]],
            &[(1, 0, 1), (1, 1, 0), (2, 0, 0)],
            &[],
        ),
        // A swap is a fence.
        litmus("SB+swaps", &[&[swap(0, X, 1), r(1, Y)], &[swap(0, Y, 1), r(1, X)]], &[(0, 1, 0), (1, 1, 0)], &[]),
        // A swap is one step: two of them do not get the same.
        litmus("swaps", &[&[swap(0, X, 1)], &[swap(0, X, 2)]], &[(0, 0, 0), (1, 0, 0)], &[]),
    ]);
    all
}
