//! Cores: they run programs and what clients ask, in program order, on a cache.
//!
//! A *sequentially consistent* core has one access under way at a time. A *TSO* core puts stores into a FIFO buffer, goes
//! on, and writes them to the cache one by one; loads get what the newest store to their block in the buffer holds, or
//! else what the cache holds; fences and swaps wait until the buffer is empty (Primer ch. 4; Sewell and others, *x86-TSO*,
//! 2010, §3).

use std::collections::VecDeque;

use seedbed_sim::OpId;
use serde::{Deserialize, Serialize};

use super::controller::Access;
use super::message::{Block, Data};
use super::table::State;
use crate::caching::litmus::{Instruction, Outcome, Program};

/// What a core does between its program and its cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Nothing: sequential consistency.
    Sc,
    /// It has a store buffer: total store order.
    Tso,
}

impl Kind {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Sc => "sc",
            Kind::Tso => "tso",
        }
    }
}

/// What a core is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Read a block.
    Load(Block),
    /// Write to a block.
    Store(Block, Data),
    /// In one step read a block and write to it; also a fence.
    Swap(Block, Data),
    /// Go on when all before has taken effect.
    Fence,
    /// See to it that a block is there to be read, and do not wait: what a prefetcher does.
    Fetch(Block),
    /// See to it that a block is there to be written, and do not wait.
    FetchOwned(Block),
    /// Give a block up, at once or when it has come, and do not wait.
    Evict(Block),
}

impl Op {
    /// The same at another block.
    pub(super) fn at(self, other: impl Fn(Block) -> Block) -> Op {
        match self {
            Op::Load(block) => Op::Load(other(block)),
            Op::Store(block, data) => Op::Store(other(block), data),
            Op::Swap(block, data) => Op::Swap(other(block), data),
            Op::Fence => Op::Fence,
            Op::Fetch(block) => Op::Fetch(other(block)),
            Op::FetchOwned(block) => Op::FetchOwned(other(block)),
            Op::Evict(block) => Op::Evict(other(block)),
        }
    }
}

/// What a core answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// What was read.
    Read(Data),
    /// It is done; a store of a TSO core is in the buffer.
    Done,
}

/// Who asked for an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// A client.
    Client(OpId),
    /// The litmus program: which register gets what is read.
    Program(Option<u8>),
}

/// An access that has taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Performed {
    /// Its place in the program of the core.
    pub index: u64,
    /// Where.
    pub block: Block,
    /// What it did.
    pub access: Access,
    /// What the block held before: what was read, if it reads.
    pub before: Data,
    /// How many requests the cache had seen on the bus: its logical time. Zero where there is no bus.
    pub seen: u64,
    /// Whether it is the write that the bus showed at that time, before which nothing else happens then.
    pub shown: bool,
}

/// An access on its way to the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pending {
    /// Its place in the program.
    pub index: u64,
    /// Who asked for it.
    pub by: By,
    /// Where.
    pub block: Block,
    /// What.
    pub access: Access,
    /// Whether the cache has asked others on its behalf.
    pub issued: bool,
    /// The state of the block in which the cache let it wait last.
    pub refused: Option<State>,
}

/// A store in the buffer, and the loads that have read from it: they take effect with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Buffered {
    /// The store.
    pub store: Pending,
    /// The places of those loads in the program.
    pub read_by: Vec<u64>,
}

/// What the core wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Slot {
    /// The access at which the program stands.
    Program,
    /// The oldest store of the buffer.
    Buffer,
}

/// A core.
#[derive(Clone, Debug, Hash)]
pub struct Core {
    kind: Kind,
    /// How many instructions have begun.
    begun: u64,
    /// What is to be done after what is being done.
    queue: VecDeque<(By, Op)>,
    /// The access at which the program stands.
    pub(super) current: Option<Pending>,
    /// A fence or a swap that waits for the buffer.
    draining: Option<(By, Op)>,
    pub(super) buffer: VecDeque<Buffered>,
    /// What is left of the litmus thread.
    thread: VecDeque<Instruction>,
    registers: Vec<u8>,
    /// Whether an instruction of the thread is under way.
    busy_with_thread: bool,
    performed: Vec<Performed>,
}

/// Something that is to be told to whoever asked.
pub(super) type Answer = (By, Ret);

impl Core {
    /// A core that runs this thread of a program, if there is one.
    pub fn new(kind: Kind, program: Option<(&Program, usize)>) -> Self {
        let thread = program.map(|(program, thread)| program.threads[thread].iter().copied().collect());
        let registers = program.map_or(0, |(program, thread)| program.registers(thread));
        Core {
            kind,
            begun: 0,
            queue: VecDeque::new(),
            current: None,
            draining: None,
            buffer: VecDeque::new(),
            thread: thread.unwrap_or_default(),
            registers: vec![0; registers],
            busy_with_thread: false,
            performed: Vec::new(),
        }
    }

    /// What has taken effect, in this order.
    pub fn performed(&self) -> &[Performed] {
        &self.performed
    }

    /// The registers of the litmus thread.
    pub fn registers(&self) -> &[u8] {
        &self.registers
    }

    /// Whether the thread has run to its end, and all stores are in the cache.
    pub fn is_through(&self) -> bool {
        let idle = self.current.is_none() && self.draining.is_none() && self.queue.is_empty();
        idle && self.thread.is_empty() && !self.busy_with_thread && self.buffer.is_empty()
    }

    /// What it waits for, if for anything: the oldest first.
    pub fn waits_for(&self) -> Option<&Pending> {
        let store = self.buffer.front().map(|buffered| &buffered.store);
        store.into_iter().chain(&self.current).min_by_key(|pending| pending.index)
    }

    /// Whether there are instructions of the thread left, and none is under way.
    pub(super) fn may_go_on(&self) -> bool {
        !self.thread.is_empty() && !self.busy_with_thread
    }

    /// The next instruction of the thread is queued.
    pub(super) fn go_on(&mut self) {
        let Some(instruction) = self.thread.pop_front() else { return };
        self.busy_with_thread = true;
        let block = |location: crate::caching::litmus::Location| Block(location.0);
        let (register, op) = match instruction {
            Instruction::Load { into, from } => (Some(into.0), Op::Load(block(from))),
            Instruction::Store { to, value } => (None, Op::Store(block(to), value.into())),
            Instruction::Fence => (None, Op::Fence),
            Instruction::Swap { into, at, value } => (Some(into.0), Op::Swap(block(at), value.into())),
        };
        self.queue.push_back((By::Program(register), op));
    }

    /// An instruction of the thread has ended.
    pub(super) fn thread_went_on(&mut self, register: Option<u8>, ret: Ret) {
        self.busy_with_thread = false;
        if let (Some(register), Ret::Read(data)) = (register, ret) {
            self.registers[usize::from(register)] = u8::try_from(data).expect("litmus programs write small values");
        }
    }

    /// Queues what a client asks.
    pub(super) fn asked(&mut self, op: OpId, what: Op) {
        self.queue.push_back((By::Client(op), what));
    }

    /// Begins what can begin without the cache; what ends at once is answered.
    pub(super) fn begin(&mut self, hints: &mut Vec<Op>) -> Option<Answer> {
        if self.current.is_some() {
            return None;
        }
        let (by, op) = match self.draining.take() {
            Some(waiting) => waiting,
            None => self.queue.pop_front()?,
        };
        if matches!(op, Op::Fence | Op::Swap(..)) && !self.buffer.is_empty() {
            self.draining = Some((by, op));
            return None;
        }
        let index = self.begun;
        self.begun += 1;
        let pending = |block, access| Pending { index, by, block, access, issued: false, refused: None };
        match op {
            Op::Load(block) => match self.buffer.iter_mut().rev().find(|buffered| buffered.store.block == block) {
                Some(buffered) => {
                    buffered.read_by.push(index);
                    let Access::Store(data) = buffered.store.access else { panic!("only stores are buffered") };
                    return Some((by, Ret::Read(data)));
                }
                None => self.current = Some(pending(block, Access::Load)),
            },
            Op::Store(block, data) => {
                let store = pending(block, Access::Store(data));
                match self.kind {
                    Kind::Sc => self.current = Some(store),
                    Kind::Tso => {
                        self.buffer.push_back(Buffered { store, read_by: Vec::new() });
                        return Some((by, Ret::Done));
                    }
                }
            }
            Op::Swap(block, data) => self.current = Some(pending(block, Access::Swap(data))),
            Op::Fence => return Some((by, Ret::Done)),
            Op::Fetch(_) | Op::FetchOwned(_) | Op::Evict(_) => {
                hints.push(op);
                return Some((by, Ret::Done));
            }
        }
        None
    }

    /// The accesses that wait for the cache.
    pub(super) fn pending(&mut self, slot: Slot) -> Option<&mut Pending> {
        match slot {
            Slot::Program => self.current.as_mut(),
            Slot::Buffer => self.buffer.front_mut().map(|buffered| &mut buffered.store),
        }
    }

    /// An access has taken effect. Whoever asked is told, but for a store from the buffer, whose asker knows.
    pub(super) fn took_effect(&mut self, slot: Slot, before: Data, seen: u64, shown: bool) -> Option<Answer> {
        let (done, read_by) = match slot {
            Slot::Program => (self.current.take().expect("it was pending"), Vec::new()),
            Slot::Buffer => {
                let Buffered { store, read_by } = self.buffer.pop_front().expect("it was pending");
                (store, read_by)
            }
        };
        let Pending { index, by, block, access, .. } = done;
        self.performed.push(Performed { index, block, access, before, seen, shown });
        if let Access::Store(before) = access {
            let loads = read_by.into_iter();
            let loads = loads.map(|index| Performed { index, block, access: Access::Load, before, seen, shown: false });
            self.performed.extend(loads);
        }
        match (slot, access) {
            (Slot::Buffer, _) => None,
            (_, Access::Load | Access::Swap(_)) => Some((by, Ret::Read(before))),
            (_, Access::Store(_)) => Some((by, Ret::Done)),
        }
    }
}

/// The outcome of a program that these cores have run, with what the locations hold now.
pub fn outcome<'a>(cores: impl Iterator<Item = &'a Core>, memory: impl Iterator<Item = Data>) -> Outcome {
    let small = |data: Data| u8::try_from(data).expect("litmus programs write small values");
    Outcome { registers: cores.map(|core| core.registers.clone()).collect(), memory: memory.map(small).collect() }
}
