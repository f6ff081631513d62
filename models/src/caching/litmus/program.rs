//! Programs, and their outcomes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The value of a location or a register. All are zero at the beginning.
pub type Value = u8;

/// A shared location.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Location(pub u8);

/// A register of one thread.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Register(pub u8);

/// An instruction of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Instruction {
    /// Reads a location.
    Load {
        /// The register for its value.
        into: Register,
        /// The location.
        from: Location,
    },
    /// Writes to a location.
    Store {
        /// The location.
        to: Location,
        /// Its new value.
        value: Value,
    },
    /// All earlier accesses of the thread are performed before all later ones (x86's MFENCE).
    Fence,
    /// Reads a location and writes to it, atomically; also a fence (x86's XCHG).
    Swap {
        /// The register for its old value.
        into: Register,
        /// The location.
        at: Location,
        /// Its new value.
        value: Value,
    },
}

/// A program: threads that run concurrently.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Its name in the literature: `SB`, `MP+fences`.
    pub name: String,
    /// The threads, each in program order.
    pub threads: Vec<Vec<Instruction>>,
}

/// The outcome of a program: the state when all threads have ended and all stores have reached memory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The registers of each thread, up to the greatest that the program names.
    pub registers: Vec<Vec<Value>>,
    /// The locations, up to the greatest that the program names.
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

    /// The number of locations: one more than the greatest that is named.
    pub fn locations(&self) -> usize {
        let named = self.threads.iter().flatten().filter_map(Instruction::location);
        named.map(|location| usize::from(location.0) + 1).max().unwrap_or(0)
    }

    /// The number of registers of a thread: one more than the greatest that is named.
    pub fn registers(&self, thread: usize) -> usize {
        let named = self.threads[thread].iter().filter_map(Instruction::register);
        named.map(|register| usize::from(register.0) + 1).max().unwrap_or(0)
    }

    /// The state at the beginning.
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
