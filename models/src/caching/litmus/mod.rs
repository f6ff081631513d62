//! Litmus programs: a few threads of loads, stores, fences and atomic swaps on shared locations, that tell one memory
//! model from another. Cores of a model run them; which outcomes a memory model allows stands in `seedbed-properties`.

mod classical;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use classical::{Litmus, classical};

/// What a location or a register holds. Everything holds zero at the start.
pub type Value = u8;

/// A shared location.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Location(pub u8);

/// A register of one thread.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Register(pub u8);

/// One step of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Instruction {
    /// A register gets what a location holds.
    Load {
        /// Where to.
        into: Register,
        /// Where from.
        from: Location,
    },
    /// A location gets a value.
    Store {
        /// Where to.
        to: Location,
        /// What.
        value: Value,
    },
    /// All earlier accesses of the thread are performed before all later ones (x86's MFENCE).
    Fence,
    /// In one step a register gets what a location holds, and the location a value; also a fence (x86's XCHG).
    Swap {
        /// Where the old value goes.
        into: Register,
        /// The location.
        at: Location,
        /// The new value.
        value: Value,
    },
}

/// Threads that run side by side.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// What it is called in the literature: `SB`, `MP+fences`.
    pub name: String,
    /// The threads, each in program order.
    pub threads: Vec<Vec<Instruction>>,
}

/// How a program ended, when all threads are through and all stores have reached memory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The registers of each thread, as many as its program names.
    pub registers: Vec<Vec<Value>>,
    /// The locations, as many as the program names.
    pub memory: Vec<Value>,
}

impl Instruction {
    /// The register it sets.
    pub fn register(&self) -> Option<Register> {
        match self {
            Instruction::Load { into, .. } | Instruction::Swap { into, .. } => Some(*into),
            Instruction::Store { .. } | Instruction::Fence => None,
        }
    }

    /// The location it accesses.
    pub fn location(&self) -> Option<Location> {
        match self {
            Instruction::Load { from: location, .. }
            | Instruction::Store { to: location, .. }
            | Instruction::Swap { at: location, .. } => Some(*location),
            Instruction::Fence => None,
        }
    }
}

impl Program {
    /// A program of this name.
    pub fn new(name: impl Into<String>, threads: Vec<Vec<Instruction>>) -> Self {
        Program { name: name.into(), threads }
    }

    /// How many locations there are: one more than the highest that is named.
    pub fn locations(&self) -> usize {
        let named = self.threads.iter().flatten().filter_map(Instruction::location);
        named.map(|location| usize::from(location.0) + 1).max().unwrap_or(0)
    }

    /// How many registers a thread has: one more than the highest that is named.
    pub fn registers(&self, thread: usize) -> usize {
        let named = self.threads[thread].iter().filter_map(Instruction::register);
        named.map(|register| usize::from(register.0) + 1).max().unwrap_or(0)
    }

    /// Registers and memory before anything runs.
    pub fn start(&self) -> Outcome {
        let registers = (0..self.threads.len()).map(|thread| vec![0; self.registers(thread)]).collect();
        Outcome { registers, memory: vec![0; self.locations()] }
    }

    /// The same with a fence between any two instructions of a thread.
    pub fn fenced(&self) -> Program {
        let fenced = |thread: &Vec<Instruction>| {
            let apart = thread.iter().flat_map(|instruction| [Instruction::Fence, *instruction]);
            apart.skip(1).collect()
        };
        Program::new(format!("{}+fences", self.name), self.threads.iter().map(fenced).collect())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ["x", "y", "z", "w"].get(usize::from(self.0)) {
            Some(name) => f.write_str(name),
            None => write!(f, "x{}", self.0),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Instruction::Load { into, from } => write!(f, "{into} = {from}"),
            Instruction::Store { to, value } => write!(f, "{to} = {value}"),
            Instruction::Fence => f.write_str("fence"),
            Instruction::Swap { into, at, value } => write!(f, "{into} = swap({at}, {value})"),
        }
    }
}

/// `x = 1; r0 = y ‖ y = 1; r0 = x`.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thread = |thread: &Vec<Instruction>| thread.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        f.write_str(&self.threads.iter().map(thread).collect::<Vec<_>>().join(" ‖ "))
    }
}

/// `0:r0=1 1:r0=0 x=1 y=1`, as the literature has it.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        for (thread, registers) in self.registers.iter().enumerate() {
            words.extend(registers.iter().enumerate().map(|(register, value)| format!("{thread}:r{register}={value}")));
        }
        words.extend((0u8..).zip(&self.memory).map(|(at, value)| format!("{}={value}", Location(at))));
        f.write_str(&words.join(" "))
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
