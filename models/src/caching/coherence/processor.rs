//! A processor: a core with its cache and, in IVY, with the manager of some pages.

use std::collections::VecDeque;

use seedbed_sim::{Context, NoDisk, NodeId, OpId, Process, Span};

use crate::caching::coherence::bugs::Bug;
use crate::caching::coherence::controller::{Controller, CoreRequest, Handled};
use crate::caching::coherence::core::{Answer, Core, Issuer, Slot};
use crate::caching::coherence::marks;
use crate::caching::coherence::messages::{Block, Data, Message, Op, Part, Ret, Timer};
use crate::caching::coherence::ports::{Ports, Receiver};
use crate::caching::coherence::setup::Setup;
use crate::caching::coherence::table::State;

/// The settings of a processor, besides those that all nodes have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The number of blocks that the cache has room for.
    pub capacity: usize,
    /// Whether a block can be prefetched to write to it.
    pub prefetches_owned: bool,
    /// The first block of clients: those before are the locations of the litmus program.
    pub first_client_block: u8,
}

/// A processor.
#[derive(Clone, Debug, Hash)]
pub struct Processor {
    setup: Setup,
    settings: Settings,
    core: Core,
    cache: Controller,
    /// The manager of the pages whose home is here.
    manager: Option<Controller>,
    ports: Ports,
    /// The blocks that were used, the least recently used first.
    recently_used: Vec<Block>,
    /// The blocks to evict when their transactions are complete, and the states in which that was tried last.
    evictions: Vec<(Block, State)>,
    /// The requests that the bus has broadcast and the cache has not snooped, the oldest first.
    snoop_queue: VecDeque<(NodeId, Message)>,
    /// The index of the store that was the oldest of the store buffer last, and whether it is delayed there.
    delayed_store: Option<(u64, bool)>,
}

impl Processor {
    /// A processor that runs `core`.
    pub fn new(me: NodeId, core: Core, setup: Setup, settings: Settings) -> Self {
        let cache = setup.cache(me);
        // Where caches evict nothing they have room for all blocks.
        let capacity = if cache.table().replaces() { settings.capacity } else { setup.blocks.into() };
        Processor {
            setup,
            settings: Settings { capacity, ..settings },
            core,
            cache,
            manager: if setup.protocol.is_distributed() { setup.home(me) } else { None },
            ports: setup.ports(),
            recently_used: Vec::new(),
            evictions: Vec::new(),
            snoop_queue: VecDeque::new(),
            delayed_store: None,
        }
    }

    /// The core.
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// The cache controller.
    pub fn cache(&self) -> &Controller {
        &self.cache
    }

    /// The manager of the pages whose home is here.
    pub fn manager(&self) -> Option<&Controller> {
        self.manager.as_ref()
    }

    /// The ports.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// The number of blocks that the cache has room for.
    pub fn capacity(&self) -> usize {
        self.settings.capacity
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The core

    /// Brings an access of the core to the cache. Returns whether it was performed.
    fn access(&mut self, ctx: &mut Context<'_, Self>, slot: Slot) -> bool {
        let Some(pending) = self.core.pending(slot).copied() else { return false };
        if slot == Slot::StoreBuffer && self.is_delayed(ctx, pending.index) {
            return false;
        }
        let (block, access) = (pending.block, pending.access);
        // An access that stalled is not tried again until the state has changed.
        if self.cache.is_transient(block) && pending.stalled_in == Some(self.cache.line(block).state) {
            return false;
        }
        // A request may be answered without another try: Dragon's own update is performed when the bus broadcasts it.
        if pending.requested && !self.cache.handles(block, access) {
            return false;
        }
        if !self.cache.has(block) && !self.make_room(ctx, block) {
            return false;
        }
        let handled = self.request(ctx, block, CoreRequest::Access(access));
        let state = self.cache.line(block).state;
        let pending = self.core.pending_mut(slot).expect("an access is pending until it is performed");
        match handled {
            Handled::Done(Some(before)) => {
                self.performed(ctx, slot, before, false);
                return true;
            }
            Handled::Done(None) => pending.requested = true,
            Handled::Stalled => pending.stalled_in = Some(state),
            Handled::ChannelFull(..) => {}
        }
        false
    }

    /// Whether the oldest store of the store buffer is delayed: it may leave at any time (*x86-TSO*, §3).
    fn is_delayed(&mut self, ctx: &mut Context<'_, Self>, index: u64) -> bool {
        if let Some((_, delayed)) = self.delayed_store.filter(|(last, _)| *last == index) {
            return delayed;
        }
        let delayed = ctx.draw("drain late", 0..=3) == 0;
        if delayed {
            let after = ctx.draw_span("drain", Span::ZERO..=self.setup.delays.store_buffer);
            ctx.arm(Timer::Drain, after);
        }
        self.delayed_store = Some((index, delayed));
        delayed
    }

    fn request(&mut self, ctx: &mut Context<'_, Self>, block: Block, request: CoreRequest) -> Handled {
        let handled = self.ports.run(ctx, &mut self.cache, (block, Part::Cache), |cache, room, out| {
            cache.request(block, request, room, out)
        });
        self.recently_used.retain(|other| *other != block);
        self.recently_used.push(block);
        handled
    }

    fn performed(&mut self, ctx: &mut Context<'_, Self>, slot: Slot, before: Data, by_bus: bool) {
        let answer = self.core.perform(slot, before, self.cache.bus_time(), by_bus);
        self.answer(ctx, answer);
    }

    /// The bus has broadcast this node's own update, so the access that it is for is performed.
    fn update_performed(&mut self, ctx: &mut Context<'_, Self>, block: Block, before: Data) {
        let is_for = |slot: &Slot| {
            let pending = self.core.pending(*slot);
            pending.is_some_and(|pending| pending.block == block && pending.requested && pending.access.writes())
        };
        let slot = [Slot::StoreBuffer, Slot::Core].into_iter().find(is_for);
        let slot = slot.unwrap_or_else(|| panic!("an update is for an access that is pending: {block}"));
        self.performed(ctx, slot, before, true);
    }

    fn answer(&mut self, ctx: &mut Context<'_, Self>, answer: Option<Answer>) {
        match answer {
            None => {}
            Some((Issuer::Client(op), Ret::Read(_))) if ctx.planted(Bug::AnswersAsUntouched) => {
                ctx.complete(op, Ret::Read(0))
            }
            Some((Issuer::Client(op), ret)) => ctx.complete(op, ret),
            Some((Issuer::Program(register), ret)) => {
                self.core.retire(register, ret);
                self.arm_next_instruction(ctx, self.setup.delays.instruction);
            }
        }
    }

    /// The next instruction of the litmus thread is issued after a random delay.
    fn arm_next_instruction(&mut self, ctx: &mut Context<'_, Self>, longest: Span) {
        if self.core.can_issue() {
            let after = ctx.draw_span("think", Span::ZERO..=longest);
            ctx.arm(Timer::GoOn, after);
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Replacement

    /// A hint of the core, which does not wait for it. What cannot be done now is not done.
    fn hint(&mut self, ctx: &mut Context<'_, Self>, hint: Op) {
        let (block, request) = match hint {
            Op::Fetch(block) => (block, CoreRequest::Prefetch),
            Op::FetchOwned(block) if self.settings.prefetches_owned => (block, CoreRequest::PrefetchOwned),
            Op::FetchOwned(block) => (block, CoreRequest::Prefetch),
            Op::Evict(block) if !self.cache.has(block) || !self.cache.table().replaces() => return,
            Op::Evict(block) => {
                let known = self.evictions.iter().any(|(evicted, _)| *evicted == block);
                if self.cache.is_transient(block) && !known {
                    self.evictions.push((block, self.cache.line(block).state));
                }
                (block, CoreRequest::Replace)
            }
            Op::Load(_) | Op::Store(..) | Op::Swap(..) | Op::Fence => panic!("not a hint: {hint:?}"),
        };
        // A full cache evicts nothing for a prefetch.
        if self.cache.has(block) || self.blocks_held() < self.settings.capacity {
            self.request(ctx, block, request);
        }
    }

    /// Tries again to evict one of the blocks that are to be evicted and whose state has changed. Returns whether there was one.
    fn evict(&mut self, ctx: &mut Context<'_, Self>) -> bool {
        let changed = |(block, tried): &(Block, State)| self.cache.line(*block).state != *tried;
        let Some(place) = self.evictions.iter().position(changed) else { return false };
        let (block, _) = self.evictions[place];
        let waits = self.cache.is_transient(block);
        self.evictions[place].1 = self.cache.line(block).state;
        if self.cache.has(block) {
            self.request(ctx, block, CoreRequest::Replace);
        }
        if !waits {
            self.evictions.remove(place);
        }
        true
    }

    fn blocks_held(&self) -> usize {
        self.cache.lines().filter(|(block, _)| self.cache.has(*block)).count()
    }

    /// Whether there is room for a block in the cache. If not, the least recently used block in a stable state is evicted.
    fn make_room(&mut self, ctx: &mut Context<'_, Self>, block: Block) -> bool {
        let capacity = self.settings.capacity;
        if self.blocks_held() < capacity {
            return true;
        }
        let cache = &self.cache;
        let in_transactions =
            cache.lines().filter(|(other, _)| cache.has(*other) && cache.is_transient(*other)).count();
        // A block is being evicted already, or no other can be evicted now.
        if in_transactions > 0 && self.blocks_held() - in_transactions < capacity {
            return false;
        }
        let can_be_evicted = |other: &Block| *other != block && cache.has(*other) && !cache.is_transient(*other);
        let Some(victim) = self.recently_used.iter().copied().find(can_be_evicted) else { return false };
        ctx.mark(marks::BLOCK_EVICTED_FOR_WANT_OF_ROOM);
        self.request(ctx, victim, CoreRequest::Replace);
        self.blocks_held() < capacity
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The bus

    /// Requests of the bus are snooped in order: mostly at once, sometimes after a delay.
    fn arm_snoop(&mut self, ctx: &mut Context<'_, Self>) {
        if self.snoop_queue.is_empty() {
            return;
        }
        let delayed = ctx.draw("snoop late", 0..=31) < self.setup.delays.delayed_snoops();
        let after = if delayed { ctx.draw_span("snoop", Span::ZERO..=self.setup.delays.buffers) } else { Span::ZERO };
        ctx.arm(Timer::Snoop, after);
    }
}

impl Receiver for Processor {
    fn ports(&mut self) -> &mut Ports {
        &mut self.ports
    }

    fn handle(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: &Message) -> Handled {
        let controller = match message.part {
            Part::Cache => Some(&mut self.cache),
            Part::Home => self.manager.as_mut(),
            Part::Bus => None,
        };
        let controller = controller.unwrap_or_else(|| panic!("a message for a part that is not here: {message:?}"));
        let handled = self.ports.deliver(ctx, controller, from, message);
        if let Handled::Done(Some(before)) = handled {
            self.update_performed(ctx, message.block, before);
        }
        handled
    }

    /// The core goes on as far as it can.
    fn proceed(&mut self, ctx: &mut Context<'_, Self>) {
        loop {
            let mut hints = Vec::new();
            let answer = self.core.begin(&mut hints);
            let began = answer.is_some();
            for hint in hints {
                self.hint(ctx, hint);
            }
            self.answer(ctx, answer);
            let performed = [Slot::StoreBuffer, Slot::Core].map(|slot| self.access(ctx, slot));
            if !began && performed == [false, false] && !self.evict(ctx) {
                break;
            }
        }
    }
}

impl Process for Processor {
    type Message = Message;
    type Timer = Timer;
    type Record = NoDisk;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.setup.plant(ctx, Some(&mut self.cache), self.manager.as_mut());
        // Threads begin at very different times, so that any of them can end before another begins.
        self.arm_next_instruction(ctx, self.setup.delays.instruction * 4);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        if message.kind.is_broadcast() && self.setup.delays.has_snoop_queue() {
            self.snoop_queue.push_back((from, message));
            if self.snoop_queue.len() == 1 {
                self.arm_snoop(ctx);
            }
            return;
        }
        self.receive(ctx, from, message);
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::GoOn => {
                self.core.issue();
                self.proceed(ctx);
            }
            Timer::Lazily(number) => self.ports.send_delayed(ctx, number),
            Timer::Drain => {
                self.delayed_store = self.delayed_store.map(|(index, _)| (index, false));
                self.proceed(ctx);
            }
            Timer::Snoop => {
                let (from, message) = self.snoop_queue.pop_front().expect("a request that is snooped was broadcast");
                self.receive(ctx, from, message);
                self.arm_snoop(ctx);
            }
        }
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: Op) {
        let first = self.settings.first_client_block;
        self.core.enqueue(op, input.map_block(|Block(block)| Block(first + block)));
        self.proceed(ctx);
    }
}
