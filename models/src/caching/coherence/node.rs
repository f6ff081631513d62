//! A node: a core with its cache, or a directory with the memory, or a bus with the memory, and the way in and out.

use std::collections::{BTreeMap, VecDeque};

use seedbed_sim::{Context, NoDisk, NodeId, OpId, Process, Span, kinds};
use serde::{Deserialize, Serialize};

use super::controller::{Ask, Controller, Step};
use super::core::{By, Core, Op, Ret, Slot};
use super::message::{Block, Data, Message, Network, Nodes, Part, Say};
use super::table::State;

seedbed_sim::marks! {
    BLOCK_EVICTED_FOR_WANT_OF_ROOM = "block evicted for want of room",
}

/// Bounded virtual channels: each receiver has, for each sender and each channel, room for so many messages; a message
/// that has to wait keeps the ones behind it in its channel waiting (Primer ch. 9). Senders know by credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channels {
    /// How many channels: three give requests, forwards and responses one each; with two, forwards and responses share
    /// one; with one, all do.
    pub count: u8,
    /// How many messages there is room for, for each sender in each channel.
    pub slots: u8,
}

impl Channels {
    /// The channel of a message.
    pub fn of(self, say: Say) -> u8 {
        let network = match say.network() {
            Network::Request => 0,
            Network::Forward => 1,
            Network::Response => 2,
        };
        network.min(self.count - 1)
    }
}

/// Why a message waits at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It stalls until the state of its block changes.
    State,
    /// There is no room at this node for what it leads to.
    Room(NodeId, Say),
    /// One before it waits.
    Behind,
}

/// A message that waits at a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Parked {
    from: NodeId,
    message: Message,
    /// Where it would lead to more messages than there is room for: to whom.
    no_room: Option<(NodeId, Say)>,
}

/// The timers of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The thread of the litmus program goes on.
    GoOn,
    /// What no core waits for leaves the outgoing buffer.
    Lazily(u64),
    /// The cache looks at the next request that the bus has shown.
    Snoop,
    /// The oldest store leaves the store buffer.
    Drain,
}
kinds!(Timer: GoOn, Lazily, Snoop, Drain);

/// How a core goes through its litmus program, and its cache through what it gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pace {
    /// The longest that it lets pass before an instruction.
    pub(super) most: Span,
    /// The longest that a store stays in the buffer without need.
    pub(super) drain: Span,
    /// The longest that what no core waits for stays in the outgoing buffer, and that what a bus shows stays unseen.
    pub(super) lazy: Span,
}

/// What may stay for longer than this stays rarely, or else all would wait for all.
pub(super) const RARELY: Span = Span::ms(100);

impl Pace {
    /// How often something stays, of 32 times: where it may stay for a short while, and where for a long one.
    fn of_32(self, short: u64, long: u64) -> u64 {
        match self.lazy {
            Span::ZERO => 0,
            lazy if lazy > RARELY => long,
            _ => short,
        }
    }

    /// How often such messages are put off: mostly where no core waits for it (a block was given up, memory gets its data
    /// back, a requestor has all), and now and then a request.
    fn puts_off(self, message: &Message) -> u64 {
        match message.say {
            say if (Say::PutS..=Say::PutF).contains(&say) => self.of_32(16, 8),
            Say::Data | Say::Unblock if message.part == Part::Home => self.of_32(16, 4),
            Say::GetS | Say::GetM => self.of_32(4, 1),
            _ => 0,
        }
    }
}

/// A node.
#[derive(Clone, Debug, Hash)]
pub struct Node {
    pub(super) me: NodeId,
    pub(super) core: Option<Core>,
    pub(super) cache: Option<Controller>,
    pub(super) home: Option<Controller>,
    /// To whom a bus shows what is asked of it, if this is one.
    pub(super) shows_to: Nodes,
    /// How many requests it has shown.
    pub(super) shown: u64,
    pub(super) channels: Option<Channels>,
    /// How many blocks the cache has room for.
    pub(super) capacity: usize,
    /// Whether a block can be fetched to be written without writing to it.
    pub(super) fetches_owned: bool,
    pub(super) pace: Pace,
    /// The first block that clients use: those before are the program's.
    pub(super) first_of_clients: u8,
    parked: Vec<Parked>,
    /// Of each channel to each node, how many messages are there that have not been taken.
    sent: BTreeMap<(NodeId, u8), u8>,
    /// The blocks of the cache, the one used last at the end.
    recent: Vec<Block>,
    /// The blocks that are to be given up when they can be, and the state in which the cache did not let them go.
    leaving: Vec<(Block, State)>,
    /// What is still to be said and no core waits for, and how much of that there was.
    unsaid: BTreeMap<u64, (NodeId, Message)>,
    put_off: u64,
    /// What the bus has shown and the cache has not looked at, the oldest first.
    unseen: VecDeque<(NodeId, Message)>,
    /// The store of the buffer that was looked at last, and whether it stays there for a while.
    draining: Option<(u64, bool)>,
}

impl Node {
    pub(super) fn new(me: NodeId, capacity: usize, pace: Pace) -> Self {
        Node {
            me,
            core: None,
            cache: None,
            home: None,
            shows_to: Nodes::default(),
            shown: 0,
            channels: None,
            capacity,
            fetches_owned: true,
            pace,
            first_of_clients: 0,
            parked: Vec::new(),
            sent: BTreeMap::new(),
            recent: Vec::new(),
            leaving: Vec::new(),
            unsaid: BTreeMap::new(),
            put_off: 0,
            unseen: VecDeque::new(),
            draining: None,
        }
    }

    /// The core, if there is one.
    pub fn core(&self) -> Option<&Core> {
        self.core.as_ref()
    }

    /// The cache, if there is one.
    pub fn cache(&self) -> Option<&Controller> {
        self.cache.as_ref()
    }

    /// The directory, the manager or the memory, if there is one.
    pub fn home(&self) -> Option<&Controller> {
        self.home.as_ref()
    }

    /// How many requests this bus has shown.
    pub fn shown(&self) -> u64 {
        self.shown
    }

    /// How many blocks the cache has room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many virtual channels there are, if they are bounded.
    pub fn channels(&self) -> Option<Channels> {
        self.channels
    }

    /// The messages that wait here, in the order in which they came, and why.
    pub fn waiting(&self) -> impl Iterator<Item = (NodeId, &Message, Why)> {
        self.parked.iter().enumerate().map(|(place, parked)| {
            let behind = self.parked[..place].iter().any(|before| self.keeps_waiting(&before.message, &parked.message));
            let why = match parked.no_room {
                _ if behind => Why::Behind,
                Some((to, say)) => Why::Room(to, say),
                None => Why::State,
            };
            (parked.from, &parked.message, why)
        })
    }

    /// Whether a message of a block waits here.
    pub fn is_waited_for(&self, block: Block) -> bool {
        self.parked.iter().any(|parked| parked.message.block == block)
    }

    /// The first of the messages that wait before this one and keep it waiting.
    pub fn waits_behind(&self, message: &Message) -> Option<&Message> {
        let place = self.parked.iter().position(|parked| std::ptr::eq(&parked.message, message))?;
        let before = self.parked[..place].iter().map(|parked| &parked.message);
        before.into_iter().find(|before| self.keeps_waiting(before, message))
    }

    /// Whether a message that waits keeps a later one waiting. What a bus shows is seen in its order, for the order of
    /// all requests is what makes it coherent; in a bounded channel the head of the line blocks it; elsewhere blocks are
    /// independent of each other, and so are responses.
    fn keeps_waiting(&self, before: &Message, later: &Message) -> bool {
        if let Some(channels) = self.channels {
            return channels.of(before.say) == channels.of(later.say);
        }
        let shown = |message: &Message| message.say >= Say::BusGetS && message.say <= Say::BusUpd;
        before.part == later.part
            && before.say.network() == later.say.network()
            && before.say.network() != Network::Response
            && (before.block == later.block || shown(before) && shown(later))
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Messages

    /// Hands a message to the part it is for. What cannot be taken now stays.
    fn take(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: &Message) -> Step {
        if message.part == Part::Bus {
            return self.show(ctx, message);
        }
        let mut out = Vec::new();
        let (sent, channels) = (&self.sent, self.channels);
        let room = |to: NodeId, say: Say| has_room(channels, sent, to, say);
        let controller = if message.part == Part::Cache { &mut self.cache } else { &mut self.home };
        let controller =
            controller.as_mut().unwrap_or_else(|| panic!("a message for a part that is not here: {message:?}"));
        let before = controller.line(message.block).state;
        let step = controller.message(from, message, &room, &mut out);
        if let Step::Done(took_effect) = step {
            let (after, table, part) = (controller.line(message.block).state, controller.table(), message.part);
            if after != before {
                ctx.note(|| told(table, message.block, part, before, after));
            }
            self.put_out(ctx, out);
            if let Some(before) = took_effect {
                self.update_took_effect(ctx, message.block, before);
            }
        }
        step
    }

    /// The bus shows a request to all, the memory with them, in the order in which requests come to it.
    fn show(&mut self, ctx: &mut Context<'_, Self>, message: &Message) -> Step {
        self.shown += 1;
        let say = message.say.on_the_bus();
        for node in self.shows_to.iter() {
            ctx.send(node, Message { say, part: Part::Cache, ..message.clone() });
        }
        // The memory sits where the bus does; what it sees takes the network too.
        ctx.send(self.me, Message { say, part: Part::Home, ..message.clone() });
        Step::Done(None)
    }

    fn put_out(&mut self, ctx: &mut Context<'_, Self>, out: Vec<(NodeId, Message)>) {
        for (to, message) in out {
            if let Some(channels) = self.channels {
                *self.sent.entry((to, channels.of(message.say))).or_default() += 1;
            }
            let often = self.pace.puts_off(&message);
            if often > 0 && ctx.draw("late", 0..=31) < often {
                let after = ctx.draw_span("put off", Span::ZERO..=self.pace.lazy);
                self.put_off += 1;
                self.unsaid.insert(self.put_off, (to, message));
                ctx.arm(Timer::Lazily(self.put_off), after);
            } else {
                ctx.send(to, message);
            }
        }
    }

    /// A message has been taken out of its channel: its sender may send another.
    fn taken(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: &Message) {
        if let Some(channels) = self.channels {
            let (channel, copies) = (channels.of(message.say), Nodes::default());
            let credit = Message { say: Say::Credit, acks: channel, data: 0, copies, ..message.clone() };
            ctx.send(from, credit);
        }
    }

    fn credited(&mut self, from: NodeId, channel: u8) {
        let taken = self.sent.get_mut(&(from, channel)).filter(|sent| **sent > 0);
        *taken.unwrap_or_else(|| panic!("more room than there was: {from}, channel {channel}")) -= 1;
    }

    /// A message is there to be taken.
    fn arrived(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        if message.say == Say::Credit {
            self.credited(from, message.acks);
        } else {
            self.parked.push(Parked { from, message, no_room: None });
        }
        self.take_parked(ctx);
        self.serve_core(ctx);
    }

    /// What the bus has shown is looked at in order: mostly at once, sometimes after a while.
    fn look_later(&mut self, ctx: &mut Context<'_, Self>) {
        if self.unseen.is_empty() {
            return;
        }
        let late = ctx.draw("snoop late", 0..=31) < self.pace.of_32(4, 1);
        let after = if late { ctx.draw_span("snoop", Span::ZERO..=self.pace.lazy) } else { Span::ZERO };
        ctx.arm(Timer::Snoop, after);
    }

    /// Takes what waits and no longer has to, in order.
    fn take_parked(&mut self, ctx: &mut Context<'_, Self>) -> bool {
        let mut place = 0;
        let mut some = false;
        while place < self.parked.len() {
            let Parked { from, message, .. } = self.parked[place].clone();
            let behind = self.parked[..place].iter().any(|before| self.keeps_waiting(&before.message, &message));
            if behind {
                place += 1;
                continue;
            }
            match self.take(ctx, from, &message) {
                Step::Done(_) => {
                    self.parked.remove(place);
                    self.taken(ctx, from, &message);
                    some = true;
                    // The core is first when its block has come: else others could take it away again and again.
                    self.serve_core(ctx);
                    place = 0;
                }
                Step::Stalled => {
                    self.parked[place].no_room = None;
                    place += 1;
                }
                Step::NoRoom(to, say) => {
                    self.parked[place].no_room = Some((to, say));
                    place += 1;
                }
            }
        }
        some
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The core and its cache

    /// Lets the core go on as far as it can.
    fn serve_core(&mut self, ctx: &mut Context<'_, Self>) {
        if self.core.is_none() {
            return;
        }
        loop {
            let mut hints = Vec::new();
            let answer = self.core.as_mut().and_then(|core| core.begin(&mut hints));
            let began = answer.is_some();
            for hint in hints {
                self.hint(ctx, hint);
            }
            self.answer(ctx, answer);
            let served = [Slot::Buffer, Slot::Program].map(|slot| self.serve(ctx, slot));
            if !began && served == [false, false] && !self.give_up(ctx) {
                break;
            }
        }
    }

    /// Brings an access of the core to the cache. Says whether it took effect.
    fn serve(&mut self, ctx: &mut Context<'_, Self>, slot: Slot) -> bool {
        let Some(core) = &mut self.core else { return false };
        let Some(pending) = core.pending(slot).copied() else { return false };
        if slot == Slot::Buffer && self.stays(ctx, pending.index) {
            return false;
        }
        let (block, access) = (pending.block, pending.access);
        let Some(cache) = &self.cache else { return false };
        // Where the cache let it wait it is not tried again until something has changed.
        if cache.is_busy(block) && pending.refused == Some(cache.line(block).state) {
            return false;
        }
        // What was asked of others may come without another try: Dragon's own update takes effect when the bus shows it.
        if pending.issued && !cache.handles(block, access) {
            return false;
        }
        if !cache.has(block) && !self.make_room(ctx, block) {
            return false;
        }
        let step = self.ask(ctx, block, Ask::Access(access));
        let state = self.cache.as_ref().map(|cache| cache.line(block).state);
        let Some(pending) = self.core.as_mut().and_then(|core| core.pending(slot)) else { return false };
        match step {
            Step::Done(Some(before)) => {
                self.took_effect(ctx, slot, before, false);
                true
            }
            Step::Done(None) => {
                pending.issued = true;
                false
            }
            Step::Stalled => {
                pending.refused = state;
                false
            }
            Step::NoRoom(..) => false,
        }
    }

    /// Whether the oldest store of the buffer stays there for a while: it may leave at any time (*x86-TSO*, §3).
    fn stays(&mut self, ctx: &mut Context<'_, Self>, index: u64) -> bool {
        if let Some((_, stays)) = self.draining.filter(|(looked_at, _)| *looked_at == index) {
            return stays;
        }
        let stays = ctx.draw("drain late", 0..=3) == 0;
        if stays {
            let after = ctx.draw_span("drain", Span::ZERO..=self.pace.drain);
            ctx.arm(Timer::Drain, after);
        }
        self.draining = Some((index, stays));
        stays
    }

    fn ask(&mut self, ctx: &mut Context<'_, Self>, block: Block, ask: Ask) -> Step {
        let (sent, channels) = (&self.sent, self.channels);
        let room = |to: NodeId, say: Say| has_room(channels, sent, to, say);
        let mut out = Vec::new();
        let cache = self.cache.as_mut().expect("cores have caches");
        let before = cache.line(block).state;
        let step = cache.ask(block, ask, &room, &mut out);
        let (after, table) = (cache.line(block).state, cache.table());
        if after != before {
            ctx.note(|| told(table, block, Part::Cache, before, after));
        }
        self.put_out(ctx, out);
        self.recent.retain(|other| *other != block);
        self.recent.push(block);
        step
    }

    fn took_effect(&mut self, ctx: &mut Context<'_, Self>, slot: Slot, before: Data, shown: bool) {
        let seen = self.cache.as_ref().map_or(0, Controller::seen);
        let core = self.core.as_mut().expect("it was the core's");
        let answer = core.took_effect(slot, before, seen, shown);
        self.answer(ctx, answer);
    }

    /// The bus has shown this node's own update: the access that it was for has taken effect.
    fn update_took_effect(&mut self, ctx: &mut Context<'_, Self>, block: Block, before: Data) {
        let core = self.core.as_mut().expect("updates are of cores");
        let of = |slot: &Slot, core: &mut Core| {
            let pending = core.pending(*slot);
            pending.is_some_and(|pending| pending.block == block && pending.issued && pending.access.writes())
        };
        let slot = [Slot::Buffer, Slot::Program].into_iter().find(|slot| of(slot, core));
        let slot = slot.unwrap_or_else(|| panic!("an update that nothing waits for: {block}"));
        self.took_effect(ctx, slot, before, true);
    }

    fn answer(&mut self, ctx: &mut Context<'_, Self>, answer: Option<(By, Ret)>) {
        match answer {
            None => {}
            Some((By::Client(op), ret)) => ctx.complete(op, ret),
            Some((By::Program(register), ret)) => {
                self.core.as_mut().expect("it was the core's").thread_went_on(register, ret);
                self.think(ctx, false);
            }
        }
    }

    /// What a core asks for without waiting for it. What cannot be done now is not done.
    fn hint(&mut self, ctx: &mut Context<'_, Self>, hint: Op) {
        let cache = self.cache.as_ref().expect("cores have caches");
        let (block, ask) = match hint {
            Op::Fetch(block) => (block, Ask::Fetch),
            Op::FetchOwned(block) if self.fetches_owned => (block, Ask::FetchOwned),
            Op::FetchOwned(block) => (block, Ask::Fetch),
            Op::Evict(block) if !cache.has(block) || !cache.table().replaces() => return,
            Op::Evict(block) => {
                // If the block is on its way, it goes when it has come.
                if cache.is_busy(block) && !self.leaving.iter().any(|(leaving, _)| *leaving == block) {
                    self.leaving.push((block, cache.line(block).state));
                }
                (block, Ask::Replace)
            }
            Op::Load(_) | Op::Store(..) | Op::Swap(..) | Op::Fence => panic!("not a hint: {hint:?}"),
        };
        // A cache that is full does not give up what it has for what may never be used.
        let full = !cache.has(block) && self.used() >= self.capacity;
        if !full {
            self.ask(ctx, block, ask);
        }
    }

    /// Asks the cache to give up a block that is to go and whose state has changed. Says whether there was one.
    fn give_up(&mut self, ctx: &mut Context<'_, Self>) -> bool {
        let cache = self.cache.as_ref().expect("cores have caches");
        let changed = |(block, refused): &(Block, State)| cache.line(*block).state != *refused;
        let Some(place) = self.leaving.iter().position(changed) else { return false };
        let (block, _) = self.leaving[place];
        let waits = cache.is_busy(block);
        self.leaving[place].1 = cache.line(block).state;
        if cache.has(block) {
            self.ask(ctx, block, Ask::Replace);
        }
        if !waits {
            self.leaving.remove(place);
        }
        true
    }

    fn used(&self) -> usize {
        self.cache.as_ref().map_or(0, |cache| cache.lines().filter(|(block, _)| cache.has(*block)).count())
    }

    /// Whether there is a place for a block in the cache; if not, the block that was used least recently and waits for
    /// nothing is asked to give up its own.
    fn make_room(&mut self, ctx: &mut Context<'_, Self>, block: Block) -> bool {
        if self.used() < self.capacity {
            return true;
        }
        let cache = self.cache.as_ref().expect("cores have caches");
        let leaving = cache.lines().filter(|(other, _)| cache.has(*other) && cache.is_busy(*other)).count();
        // One is on its way out already, or cannot be asked now.
        if leaving > 0 && self.used() - leaving < self.capacity {
            return false;
        }
        let victim =
            self.recent.iter().copied().find(|other| *other != block && cache.has(*other) && !cache.is_busy(*other));
        let Some(victim) = victim else { return false };
        ctx.mark(BLOCK_EVICTED_FOR_WANT_OF_ROOM);
        self.ask(ctx, victim, Ask::Replace);
        self.used() < self.capacity
    }

    /// The thread goes on after a while.
    fn think(&mut self, ctx: &mut Context<'_, Self>, first: bool) {
        if self.core.as_ref().is_some_and(Core::may_go_on) {
            // Threads begin at very different times, so that any of them can be through before another begins.
            let most = if first { self.pace.most * 4 } else { self.pace.most };
            let after = ctx.draw_span("think", Span::ZERO..=most);
            ctx.arm(Timer::GoOn, after);
        }
    }
}

fn has_room(channels: Option<Channels>, sent: &BTreeMap<(NodeId, u8), u8>, to: NodeId, say: Say) -> bool {
    channels.is_none_or(|channels| sent.get(&(to, channels.of(say))).is_none_or(|sent| *sent < channels.slots))
}

fn told(
    table: &super::table::Table,
    block: Block,
    part: Part,
    before: super::table::State,
    after: super::table::State,
) -> String {
    let whose = if part == Part::Home { "home of " } else { "" };
    format!("{whose}{block}: {} → {}", table.state_name(before), table.state_name(after))
}

impl Process for Node {
    type Message = Message;
    type Timer = Timer;
    type Record = NoDisk;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.think(ctx, true);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        let shown = message.part == Part::Cache && (Say::BusGetS..=Say::BusUpd).contains(&message.say);
        if shown && self.pace.lazy > Span::ZERO {
            self.unseen.push_back((from, message));
            if self.unseen.len() == 1 {
                self.look_later(ctx);
            }
            return;
        }
        self.arrived(ctx, from, message);
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::GoOn => {
                let core = self.core.as_mut().expect("only cores have programs");
                core.go_on();
                self.serve_core(ctx);
            }
            Timer::Lazily(which) => {
                let (to, message) = self.unsaid.remove(&which).expect("it was put there");
                ctx.send(to, message);
            }
            Timer::Drain => {
                self.draining = self.draining.map(|(index, _)| (index, false));
                self.serve_core(ctx);
            }
            Timer::Snoop => {
                let (from, message) = self.unseen.pop_front().expect("it was put there");
                self.arrived(ctx, from, message);
                self.look_later(ctx);
            }
        }
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: Op) {
        let core = self.core.as_mut().unwrap_or_else(|| panic!("operations are for cores: {input:?}"));
        let first = self.first_of_clients;
        core.asked(op, input.at(|Block(block)| Block(first + block)));
        self.serve_core(ctx);
    }
}
