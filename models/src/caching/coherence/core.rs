//! Cores: they run litmus programs and the operations of clients, in program order, on a cache.
//!
//! A *sequentially consistent* core has one access under way at a time. A *TSO* core appends stores to a FIFO store buffer, goes
//! on, and performs them on the cache one by one; a load reads the newest store to its block in the store buffer, or else the
//! cache; fences and swaps wait until the store buffer is empty (Primer ch. 4; Sewell and others, *x86-TSO*, 2010, §3).

use std::collections::VecDeque;

use seedbed_sim::OpId;

use crate::caching::coherence::controller::Access;
use crate::caching::coherence::messages::{Block, Data, Op, Ret};
use crate::caching::coherence::settings::MemoryModel;
use crate::caching::coherence::table::State;
use crate::caching::litmus::{Instruction, Location, Outcome, Program};

/// The issuer of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Issuer {
    /// A client.
    Client(OpId),
    /// The litmus program; the register that the result goes to, if there is one.
    Program(Option<u8>),
}

/// An access that was performed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Performed {
    /// Its position in the program order of the core.
    pub index: u64,
    /// The block.
    pub block: Block,
    /// The access.
    pub access: Access,
    /// The data of the block before: what it has read, if it reads.
    pub before: Data,
    /// The number of requests that the cache had snooped: its logical time. Zero where there is no bus.
    pub bus_time: u64,
    /// Whether it is the write that the bus ordered at that time, before everything else that happens then.
    pub by_bus: bool,
}

/// An access that is not performed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PendingAccess {
    /// Its position in the program order of the core.
    pub index: u64,
    /// Its issuer.
    pub issuer: Issuer,
    /// The block.
    pub block: Block,
    /// The access.
    pub access: Access,
    /// Whether the cache has sent a request for it.
    pub requested: bool,
    /// The state of the block in which it stalled last.
    pub stalled_in: Option<State>,
}

/// A store in the store buffer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct BufferedStore {
    store: PendingAccess,
    /// The positions, in program order, of the loads that have read it. They are performed with it.
    read_by: Vec<u64>,
}

/// Where an access waits for the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Slot {
    /// In the core: the program waits for it.
    Core,
    /// At the head of the store buffer.
    StoreBuffer,
}

/// A core.
#[derive(Clone, Debug, Hash)]
pub struct Core {
    memory_model: MemoryModel,
    /// The number of operations that were begun.
    begun: u64,
    /// The operations that are not begun.
    queue: VecDeque<(Issuer, Op)>,
    /// The access that the program waits for.
    current: Option<PendingAccess>,
    /// A fence or a swap that waits until the store buffer is empty.
    draining: Option<(Issuer, Op)>,
    store_buffer: VecDeque<BufferedStore>,
    /// The instructions of the litmus thread that are not issued.
    thread: VecDeque<Instruction>,
    registers: Vec<u8>,
    /// Whether an instruction of the litmus thread is under way.
    executing: bool,
    performed: Vec<Performed>,
}

/// The answer to an issuer.
pub(super) type Answer = (Issuer, Ret);

impl Core {
    /// A core that runs this thread of a litmus program, if there is one.
    pub fn new(memory_model: MemoryModel, program: Option<(&Program, usize)>) -> Self {
        let thread = program.map(|(program, thread)| program.threads[thread].iter().copied().collect());
        let registers = program.map_or(0, |(program, thread)| program.registers(thread));
        Core {
            memory_model,
            begun: 0,
            queue: VecDeque::new(),
            current: None,
            draining: None,
            store_buffer: VecDeque::new(),
            thread: thread.unwrap_or_default(),
            registers: vec![0; registers],
            executing: false,
            performed: Vec::new(),
        }
    }

    /// The accesses that were performed, in this order.
    pub fn performed(&self) -> &[Performed] {
        &self.performed
    }

    /// The registers of the litmus thread.
    pub fn registers(&self) -> &[u8] {
        &self.registers
    }

    /// Whether the litmus thread has ended, all operations are done, and the store buffer is empty.
    pub fn is_done(&self) -> bool {
        let idle = self.current.is_none() && self.draining.is_none() && self.queue.is_empty();
        idle && self.thread.is_empty() && !self.executing && self.store_buffer.is_empty()
    }

    /// The oldest access that is not performed.
    pub fn oldest_pending(&self) -> Option<&PendingAccess> {
        let store = self.store_buffer.front().map(|buffered| &buffered.store);
        store.into_iter().chain(&self.current).min_by_key(|pending| pending.index)
    }

    /// Whether the next instruction of the litmus thread can be issued.
    pub(super) fn can_issue(&self) -> bool {
        !self.thread.is_empty() && !self.executing
    }

    /// Issues the next instruction of the litmus thread.
    pub(super) fn issue(&mut self) {
        assert!(!self.executing, "instructions of a thread are issued one after the other");
        let Some(instruction) = self.thread.pop_front() else { return };
        self.executing = true;
        let block = |location: Location| Block(location.0);
        let (register, op) = match instruction {
            Instruction::Load { into, from } => (Some(into.0), Op::Load(block(from))),
            Instruction::Store { to, value } => (None, Op::Store(block(to), value.into())),
            Instruction::Fence => (None, Op::Fence),
            Instruction::Swap { into, at, value } => (Some(into.0), Op::Swap(block(at), value.into())),
        };
        self.queue.push_back((Issuer::Program(register), op));
    }

    /// An instruction of the litmus thread has ended.
    pub(super) fn retire(&mut self, register: Option<u8>, ret: Ret) {
        assert!(self.executing, "an instruction that ends was issued: {ret:?}");
        self.executing = false;
        if let (Some(register), Ret::Read(data)) = (register, ret) {
            self.registers[usize::from(register)] = u8::try_from(data).expect("litmus programs write small values");
        }
    }

    /// Appends an operation of a client.
    pub(super) fn enqueue(&mut self, op: OpId, input: Op) {
        self.queue.push_back((Issuer::Client(op), input));
    }

    /// Begins the next operation, if no access is under way. One that needs no access is answered. A hint to the cache is
    /// appended to `hints`.
    pub(super) fn begin(&mut self, hints: &mut Vec<Op>) -> Option<Answer> {
        if self.current.is_some() {
            return None;
        }
        let (issuer, op) = match self.draining.take() {
            Some(waiting) => waiting,
            None => self.queue.pop_front()?,
        };
        if matches!(op, Op::Fence | Op::Swap(..)) && !self.store_buffer.is_empty() {
            self.draining = Some((issuer, op));
            return None;
        }
        let index = self.begun;
        self.begun += 1;
        let pending =
            |block, access| PendingAccess { index, issuer, block, access, requested: false, stalled_in: None };
        match op {
            Op::Load(block) => match self.store_buffer.iter_mut().rev().find(|stored| stored.store.block == block) {
                Some(stored) => {
                    stored.read_by.push(index);
                    let Access::Store(data) = stored.store.access else { panic!("only stores are buffered") };
                    return Some((issuer, Ret::Read(data)));
                }
                None => self.current = Some(pending(block, Access::Load)),
            },
            Op::Store(block, data) => {
                let store = pending(block, Access::Store(data));
                match self.memory_model {
                    MemoryModel::Sc => self.current = Some(store),
                    MemoryModel::Tso => {
                        self.store_buffer.push_back(BufferedStore { store, read_by: Vec::new() });
                        return Some((issuer, Ret::Done));
                    }
                }
            }
            Op::Swap(block, data) => self.current = Some(pending(block, Access::Swap(data))),
            Op::Fence => return Some((issuer, Ret::Done)),
            Op::Fetch(_) | Op::FetchOwned(_) | Op::Evict(_) => {
                hints.push(op);
                return Some((issuer, Ret::Done));
            }
        }
        None
    }

    /// The access that waits for the cache.
    pub(super) fn pending(&self, slot: Slot) -> Option<&PendingAccess> {
        match slot {
            Slot::Core => self.current.as_ref(),
            Slot::StoreBuffer => self.store_buffer.front().map(|buffered| &buffered.store),
        }
    }

    /// The access that waits for the cache.
    pub(super) fn pending_mut(&mut self, slot: Slot) -> Option<&mut PendingAccess> {
        match slot {
            Slot::Core => self.current.as_mut(),
            Slot::StoreBuffer => self.store_buffer.front_mut().map(|buffered| &mut buffered.store),
        }
    }

    /// The access of a slot was performed. A store of the store buffer was answered when it was buffered.
    pub(super) fn perform(&mut self, slot: Slot, before: Data, bus_time: u64, by_bus: bool) -> Option<Answer> {
        let (done, read_by) = match slot {
            Slot::Core => (self.current.take().expect("an access that is performed was pending"), Vec::new()),
            Slot::StoreBuffer => {
                let first = self.store_buffer.pop_front();
                let BufferedStore { store, read_by } = first.expect("a store that is performed was buffered");
                (store, read_by)
            }
        };
        let PendingAccess { index, issuer, block, access, .. } = done;
        self.performed.push(Performed { index, block, access, before, bus_time, by_bus });
        if let Access::Store(before) = access {
            let load = |index| Performed { index, block, access: Access::Load, before, bus_time, by_bus: false };
            self.performed.extend(read_by.into_iter().map(load));
        }
        match (slot, access) {
            (Slot::StoreBuffer, _) => None,
            (Slot::Core, Access::Load | Access::Swap(_)) => Some((issuer, Ret::Read(before))),
            (Slot::Core, Access::Store(_)) => Some((issuer, Ret::Done)),
        }
    }
}

/// The outcome of a litmus program that these cores have run, with what the locations hold at the end.
pub fn outcome<'a>(cores: impl Iterator<Item = &'a Core>, memory: impl Iterator<Item = Data>) -> Outcome {
    let small = |data: Data| u8::try_from(data).expect("litmus programs write small values");
    Outcome { registers: cores.map(|core| core.registers.clone()).collect(), memory: memory.map(small).collect() }
}
