//! The controllers: one interpreter of transition tables, for caches, directories, managers and memories alike.
//!
//! An event that the table calls impossible is an assertion that fails. Which entries were used is remembered, so that a
//! sweep can tell which were not.

use seedbed_sim::NodeId;

use super::message::{Block, Data, Message, Nodes, Part, Say};
use super::table::{Action, Along, Cell, Event, State, Table, To};

/// Where the home of each block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Homes {
    /// All at one node.
    At(NodeId),
    /// One block after the other at the nodes of the cores, which begin with `n1`, as pages are in IVY.
    Spread {
        /// How many cores there are.
        cores: u16,
    },
}

impl Homes {
    /// The home of a block.
    pub fn of(self, block: Block) -> NodeId {
        match self {
            Homes::At(node) => node,
            Homes::Spread { cores } => NodeId(1 + u16::from(block.0) % cores),
        }
    }
}

/// What a controller knows of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// The state.
    pub state: State,
    /// What the block holds, as far as this controller knows.
    pub data: Data,
    /// How many acknowledgements are to come; below zero: how many came before their number was known.
    pub acks: i8,
    /// The owner; at a cache of IVY, the hint.
    pub owner: Option<NodeId>,
    /// Who has copies.
    pub sharers: Nodes,
    /// Where there is a bus: the place in its order of the last request that this controller has seen of the block.
    pub place: u64,
}

/// An access of the core, as its cache sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Reads.
    Load,
    /// Writes this.
    Store(Data),
    /// In one step reads, and writes this.
    Swap(Data),
}

impl Access {
    /// Whether it writes.
    pub fn writes(self) -> bool {
        self != Access::Load
    }
}

/// What a core asks of its cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// An access.
    Access(Access),
    /// That the block be there to read; nothing waits for it.
    Fetch,
    /// That the block be there to write; nothing waits for it.
    FetchOwned,
    /// That the block give up its place.
    Replace,
}

impl Ask {
    fn event(self) -> Event {
        match self {
            Ask::Access(Access::Load) | Ask::Fetch => Event::Load,
            Ask::Access(Access::Store(_) | Access::Swap(_)) | Ask::FetchOwned => Event::Store,
            Ask::Replace => Event::Replacement,
        }
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It has to wait until the state changes.
    Stalled,
    /// It has to wait until there is room for a message to this node.
    NoRoom(NodeId, Say),
    /// It is done. If the core's access took effect: what the block held before.
    Done(Option<Data>),
}

/// What a cache lets its core do with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum May {
    /// Nothing.
    Nothing,
    /// Read it.
    Read,
    /// Read and write it.
    Write,
}

/// A change of what a cache lets its core do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Granted {
    /// With which block.
    pub block: Block,
    /// What it lets it do from now on.
    pub may: May,
    /// How many requests it had seen on the bus: its logical time.
    pub seen: u64,
    /// Whether it was the last of these requests that changed it: then it was never otherwise at that time.
    pub shown: bool,
}

/// A controller.
#[derive(Clone, Debug, Hash)]
pub struct Controller {
    table: &'static Table,
    me: NodeId,
    part: Part,
    homes: Homes,
    lines: Vec<Line>,
    /// How many requests it has seen on the bus.
    seen: u64,
    /// The bug: acknowledgements that come before their number is known are forgotten.
    forgets: bool,
    /// What a cache has let its core do.
    granted: Vec<Granted>,
    /// Which entries of the table were used, a bit each.
    used: Vec<u64>,
}

impl Controller {
    /// A controller of so many blocks.
    pub fn new(table: &'static Table, me: NodeId, part: Part, homes: Homes, blocks: u8) -> Self {
        let line = Line { state: table.start(), data: 0, acks: 0, owner: None, sharers: Nodes::default(), place: 0 };
        let used = vec![0; table.places().div_ceil(64)];
        let lines = vec![line; blocks.into()];
        Controller { table, me, part, homes, lines, seen: 0, forgets: false, granted: Vec::new(), used }
    }

    /// The same, where each block has an owner from the beginning: its home.
    pub fn owned_at_home(mut self) -> Self {
        for (block, line) in (0u8..).zip(&mut self.lines) {
            let home = self.homes.of(Block(block));
            line.owner = Some(home);
            if self.part == Part::Cache && home == self.me {
                line.state = self.table.first_owner();
                self.granted.push(Granted { block: Block(block), may: May::Write, seen: 0, shown: false });
            }
        }
        self
    }

    /// The same, with the bug that loses count.
    pub fn forgetting(self, forgets: bool) -> Self {
        Controller { forgets, ..self }
    }

    /// Its table.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// What it knows of a block.
    #[inline]
    pub fn line(&self, block: Block) -> &Line {
        &self.lines[usize::from(block.0)]
    }

    /// What it knows of all blocks.
    pub fn lines(&self) -> impl Iterator<Item = (Block, &Line)> {
        (0u8..).map(Block).zip(&self.lines)
    }

    /// How many requests it has seen on the bus.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Whether a block is here or on its way.
    pub fn has(&self, block: Block) -> bool {
        self.line(block).state != self.table.start()
    }

    /// Whether a block waits for something.
    pub fn is_busy(&self, block: Block) -> bool {
        self.table.is_busy(self.line(block).state)
    }

    /// Whether a core's access to a block takes effect at once.
    pub fn hits(&self, block: Block, event: Event) -> bool {
        self.table.hits(self.line(block).state, event)
    }

    /// Whether the table says what an access does in the state that the block is in.
    pub fn handles(&self, block: Block, access: Access) -> bool {
        self.table.cell(self.line(block).state, Ask::Access(access).event()).is_some()
    }

    /// What this cache lets its core do with a block now, by its table.
    pub fn may(&self, block: Block) -> May {
        match (self.hits(block, Event::Store), self.hits(block, Event::Load)) {
            (true, _) => May::Write,
            (false, true) => May::Read,
            (false, false) => May::Nothing,
        }
    }

    /// What this cache has let its core do, in order. At the beginning it lets it do nothing.
    pub fn granted(&self) -> &[Granted] {
        &self.granted
    }

    /// The marks of the entries that were used.
    pub fn reached(&self, mark: &mut dyn FnMut(&'static str)) {
        for (word, bits) in self.used.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                mark(self.table.mark_at(word * 64 + bits.trailing_zeros() as usize));
                bits &= bits - 1;
            }
        }
    }

    /// The core asks something. `room` says whether there is room for a message.
    pub fn ask(
        &mut self,
        block: Block,
        ask: Ask,
        room: &dyn Fn(NodeId, Say) -> bool,
        out: &mut Vec<(NodeId, Message)>,
    ) -> Step {
        // What a core asks of its cache is what a message on its own behalf would be.
        let data = match ask {
            Ask::Access(Access::Store(data) | Access::Swap(data)) => data,
            _ => self.line(block).data,
        };
        let own = Message {
            say: Say::Credit,
            block,
            part: self.part,
            req: self.me,
            data,
            acks: 0,
            copies: Nodes::default(),
            place: 0,
        };
        let before = self.may(block);
        let step = self.step(ask.event(), self.me, &own, Some(ask), room, out);
        self.grant(block, before, false);
        step
    }

    /// Keeps that it lets the core do something else than before.
    fn grant(&mut self, block: Block, before: May, shown: bool) {
        let may = self.may(block);
        if self.part == Part::Cache && may != before {
            self.granted.push(Granted { block, may, seen: self.seen, shown });
        }
    }

    /// A message has come.
    pub fn message(
        &mut self,
        from: NodeId,
        message: &Message,
        room: &dyn Fn(NodeId, Say) -> bool,
        out: &mut Vec<(NodeId, Message)>,
    ) -> Step {
        let event = self.event(from, message);
        let before = self.may(message.block);
        let step = self.step(event, from, message, None, room, out);
        let shown = is_shown(message.say);
        self.seen += u64::from(shown && matches!(step, Step::Done(_)));
        self.grant(message.block, before, shown);
        step
    }

    /// What a message is to this controller, refined as the tables need it.
    fn event(&self, from: NodeId, message: &Message) -> Event {
        let line = self.line(message.block);
        let outstanding = self.outstanding(line, message.acks);
        let last = line.acks == 1;
        let own = message.req == self.me;
        let owner = line.owner == Some(message.req);
        let pick = |yes: bool, this: Event, that: Event| if yes { this } else { that };
        match (self.part, message.say) {
            (_, Say::InvAck) => pick(last, Event::LastInvAck, Event::InvAck),
            (Part::Cache, Say::Data) if self.table.has_bus() => Event::Data,
            (Part::Cache, Say::Data) if from == self.homes.of(message.block) && !self.spread() => {
                pick(outstanding == 0, Event::DataDirNone, Event::DataDirSome)
            }
            (Part::Cache, Say::Data) => pick(outstanding == 0, Event::DataOwnerNone, Event::DataOwnerSome),
            (Part::Cache, Say::AckCount) => pick(outstanding == 0, Event::AckCountNone, Event::AckCountSome),
            (Part::Cache, Say::BusGetS) => pick(own, Event::OwnGetS, Event::OtherGetS),
            (Part::Cache, Say::BusGetM) => pick(own, Event::OwnGetM, Event::OtherGetM),
            (Part::Cache, Say::BusPutM) => pick(own, Event::OwnPutM, Event::OtherPutM),
            (Part::Cache, Say::BusPutF) => pick(own, Event::OwnPutF, Event::OtherPutF),
            (Part::Cache, Say::BusUpd) => pick(own, Event::OwnUpd, Event::OtherUpd),
            // In IVY without managers caches see requests, and every owner is one by its state.
            (Part::Cache, Say::GetM) => Event::GetM,
            (_, Say::GetM | Say::BusGetM) => {
                // The home waits for acknowledgements itself, and so has to know whether there are sharers.
                let counts = self.table.knows(Event::GetMShared);
                let shared = counts && !line.sharers.without(message.req).is_empty();
                match (owner, shared) {
                    (false, false) => Event::GetM,
                    (false, true) => Event::GetMShared,
                    (true, false) => Event::GetMOwner,
                    (true, true) => Event::GetMOwnerShared,
                }
            }
            (_, Say::PutS) => {
                let only = line.sharers == Nodes::default().with(message.req);
                pick(only, Event::PutSLast, Event::PutSNotLast)
            }
            // The home may not care what it was that one who is not the owner gives up.
            (_, Say::PutE | Say::PutO | Say::PutM | Say::PutF) if !owner && self.table.knows(Event::PutNonOwner) => {
                Event::PutNonOwner
            }
            (_, Say::PutE) => pick(owner, Event::PutEOwner, Event::PutENonOwner),
            (_, Say::PutO) => pick(owner, Event::PutOOwner, Event::PutONonOwner),
            (_, Say::PutM | Say::BusPutM) => pick(owner, Event::PutMOwner, Event::PutMNonOwner),
            (_, Say::PutF | Say::BusPutF) => pick(owner, Event::PutFOwner, Event::PutFNonOwner),
            (_, Say::GetS | Say::BusGetS) => Event::GetS,
            (_, Say::Upd | Say::BusUpd) => Event::Upd,
            // Data of several caches can be on their way to the home at one time.
            (_, Say::Data) if line.place != message.place && self.table.knows(Event::DataOther) => Event::DataOther,
            (_, Say::Data) => Event::Data,
            (_, Say::DataE) => Event::DataE,
            (_, Say::DataF) => Event::DataF,
            (_, Say::FwdGetS) => Event::FwdGetS,
            (_, Say::FwdGetM) => Event::FwdGetM,
            (_, Say::Inv) => Event::Inv,
            (_, Say::PutAck) => Event::PutAck,
            (_, Say::AckCount) => Event::AckCountNone,
            (_, Say::GntS) => Event::GntS,
            (_, Say::GntE) => Event::GntE,
            (_, Say::Grant) => Event::Grant,
            (_, Say::Unblock) => Event::Unblock,
            (_, Say::Credit) => panic!("room is nothing for a controller: {message:?}"),
        }
    }

    fn spread(&self) -> bool {
        matches!(self.homes, Homes::Spread { .. })
    }

    /// How many acknowledgements are still to come when this many are announced.
    fn outstanding(&self, line: &Line, announced: u8) -> i8 {
        let early = if self.forgets { 0 } else { line.acks };
        early + announced as i8
    }

    fn step(
        &mut self,
        event: Event,
        from: NodeId,
        message: &Message,
        ask: Option<Ask>,
        room: &dyn Fn(NodeId, Say) -> bool,
        out: &mut Vec<(NodeId, Message)>,
    ) -> Step {
        let mut line = *self.line(message.block);
        let state = line.state;
        let place = self.table.place_of(state, event);
        let Some(cell) = self.table.cell(state, event) else {
            let (name, state) = (&self.table.name, self.table.state_name(state));
            panic!("an event that the transition table calls impossible: {event:?} in {state} of {name}, {message:?}");
        };
        self.used[place / 64] |= 1 << (place % 64);
        let Cell::Do { actions, next } = cell else { return Step::Stalled };
        let begun = out.len();
        let mut took_effect = None;
        for action in actions {
            match *action {
                Action::Send(say, to, along) => self.send(&line, message, say, to, along, out),
                // Nothing waits for what was only fetched.
                Action::Hit => {
                    if let Some(Ask::Access(access)) = ask {
                        took_effect = Some(line.data);
                        if let Access::Store(data) | Access::Swap(data) = access {
                            line.data = data;
                        }
                    }
                }
                Action::Perform => {
                    took_effect = Some(line.data);
                    line.data = message.data;
                }
                Action::Fill => line.data = message.data,
                Action::AcksAdd => line.acks = self.outstanding(&line, message.acks),
                Action::AckSub => line.acks -= 1,
                Action::AwaitSharers => line.acks = line.sharers.without(message.req).count() as i8,
                Action::AwaitCopies => line.acks = line.sharers.count() as i8,
                Action::AddReq => line.sharers = line.sharers.with(message.req),
                Action::AddOwner => line.sharers = line.sharers.with(owner(&line, message)),
                Action::DropReq => line.sharers = line.sharers.without(message.req),
                Action::ClearSharers => line.sharers = Nodes::default(),
                Action::OwnerReq => line.owner = Some(message.req),
                Action::OwnerFrom => line.owner = Some(from),
                Action::ClearOwner => line.owner = None,
                Action::TakeCopies => line.sharers = message.copies.without(self.me),
            }
        }
        if let Some((to, refused)) = out[begun..].iter().find(|(to, sent)| !room(*to, sent.say)) {
            let (to, say) = (*to, refused.say);
            out.truncate(begun);
            return Step::NoRoom(to, say);
        }
        line.state = *next;
        if is_shown(message.say) {
            line.place = self.seen;
        }
        if !self.table.is_busy(*next) {
            // Whatever was counted has come.
            line.acks = 0;
        }
        self.lines[usize::from(message.block.0)] = line;
        Step::Done(took_effect)
    }

    fn send(&self, line: &Line, message: &Message, say: Say, to: To, along: Along, out: &mut Vec<(NodeId, Message)>) {
        let others = line.sharers.without(message.req);
        let acks = match (along, self.part) {
            (Along::Nothing, _) => 0,
            (Along::Acks, Part::Cache) => message.acks,
            (Along::Acks, _) | (Along::Copies, _) => others.count(),
        };
        let part = match to {
            To::Dir => Part::Home,
            To::Bus => Part::Bus,
            To::Req | To::Owner | To::Sharers | To::Copies => Part::Cache,
        };
        // Data that a memory or a cache has; but an update says what is to be written.
        let data = if say == Say::Upd { message.data } else { line.data };
        let copies = if along == Along::Copies { others } else { Nodes::default() };
        let place = self.seen;
        let sent = Message { say, block: message.block, part, req: message.req, data, acks, copies, place };
        let one = |node: NodeId| Nodes::default().with(node);
        let receivers = match to {
            To::Dir => one(self.homes.of(message.block)),
            To::Req => one(message.req),
            To::Owner => one(owner(line, message)),
            To::Sharers => others,
            To::Copies => line.sharers,
            To::Bus => one(NodeId(0)),
        };
        out.extend(receivers.iter().map(|to| (to, sent.clone())));
    }
}

/// Whether a bus shows this.
fn is_shown(say: Say) -> bool {
    (Say::BusGetS..=Say::BusUpd).contains(&say)
}

fn owner(line: &Line, message: &Message) -> NodeId {
    line.owner.unwrap_or_else(|| panic!("a block without an owner: {message:?} came to {line:?}"))
}
