//! The controllers: one interpreter of transition tables, for caches, directories, managers and memories alike.
//!
//! An event that is impossible by the table is an assertion that fails. Which entries were used is remembered, so that a sweep
//! can tell which were not.

use seedbed_sim::NodeId;

use crate::caching::coherence::bugs::Bug;
use crate::caching::coherence::messages::{Block, Data, Message, MessageKind, NodeSet, Part};
use crate::caching::coherence::table::{Action, Cell, Destination, Event, Payload, State, Table};

/// Where the homes of blocks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Homes {
    /// All at one node.
    Central(NodeId),
    /// At the nodes of so many cores, from `n1` on, one block after the other, as pages are in IVY.
    Distributed(u16),
}

impl Homes {
    /// The home of a block.
    pub fn of(self, block: Block) -> NodeId {
        match self {
            Homes::Central(node) => node,
            Homes::Distributed(cores) => NodeId(1 + u16::from(block.0) % cores),
        }
    }
}

/// A block, as a controller has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// The state.
    pub state: State,
    /// The data.
    pub data: Data,
    /// The number of acknowledgements that are awaited; below zero, of those that came before their number was known.
    pub acks: i8,
    /// The owner; at a cache of IVY, the hint.
    pub owner: Option<NodeId>,
    /// The sharers.
    pub sharers: NodeSet,
    /// Where there is a bus: the position, in the bus order, of the last request of the block that was snooped.
    pub bus_time: u64,
}

/// An access of the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Reads.
    Load,
    /// Writes this.
    Store(Data),
    /// Reads and writes this, atomically.
    Swap(Data),
}

impl Access {
    /// Whether it writes.
    pub fn writes(self) -> bool {
        self != Access::Load
    }
}

/// What a core requests of its cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CoreRequest {
    /// An access.
    Access(Access),
    /// A prefetch of a block to read it.
    Prefetch,
    /// A prefetch of a block to write to it.
    PrefetchOwned,
    /// The replacement of a block.
    Replace,
}

impl CoreRequest {
    fn event(self) -> Event {
        match self {
            CoreRequest::Access(Access::Load) | CoreRequest::Prefetch => Event::Load,
            CoreRequest::Access(Access::Store(_) | Access::Swap(_)) | CoreRequest::PrefetchOwned => Event::Store,
            CoreRequest::Replace => Event::Replacement,
        }
    }
}

/// The result of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// It stalls until the state of the block changes.
    Stalled,
    /// It waits for room in a channel to this node, for a message of this kind.
    ChannelFull(NodeId, MessageKind),
    /// It was handled. If an access of the core was performed: the data that the block had before.
    Done(Option<Data>),
}

/// What a cache permits its core to do with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Nothing.
    None,
    /// To read.
    Read,
    /// To read and to write.
    Write,
}

/// A change of a cache's permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PermissionChange {
    /// The block.
    pub block: Block,
    /// The permission from now on.
    pub permission: Permission,
    /// The number of requests that the cache had snooped: its logical time. Zero where there is no bus.
    pub bus_time: u64,
    /// Whether the last of these requests changed it: then it was never otherwise at that time.
    pub by_bus: bool,
}

/// A controller.
#[derive(Clone, Debug, Hash)]
pub struct Controller {
    table: &'static Table,
    me: NodeId,
    part: Part,
    homes: Homes,
    lines: Vec<Line>,
    /// The number of requests that it has snooped.
    bus_time: u64,
    /// Whether [`Bug::AckCountLost`] is planted.
    loses_early_acks: bool,
    permission_changes: Vec<PermissionChange>,
    /// A bit for each cell of the table: whether its entry was used.
    used: Vec<u64>,
}

impl Controller {
    /// A controller of this number of blocks.
    pub fn new(table: &'static Table, me: NodeId, part: Part, homes: Homes, blocks: u8) -> Self {
        let line =
            Line { state: table.start(), data: 0, acks: 0, owner: None, sharers: NodeSet::default(), bus_time: 0 };
        let lines = vec![line; blocks.into()];
        let (permission_changes, used) = (Vec::new(), unused(table));
        let mut controller = Controller {
            table,
            me,
            part,
            homes,
            lines,
            bus_time: 0,
            loses_early_acks: false,
            permission_changes,
            used,
        };
        if matches!(homes, Homes::Distributed(_)) {
            controller.own_at_home();
        }
        controller
    }

    /// At the beginning each page of IVY is owned by its home.
    fn own_at_home(&mut self) {
        for (block, line) in (0u8..).map(Block).zip(&mut self.lines) {
            let home = self.homes.of(block);
            line.owner = Some(home);
            if self.part == Part::Cache && home == self.me {
                line.state = self.table.first_owner();
                let permission = Permission::Write;
                self.permission_changes.push(PermissionChange { block, permission, bus_time: 0, by_bus: false });
            }
        }
    }

    /// Plants a bug, of which `table` is the table.
    ///
    /// # Panics
    /// If an event was handled already.
    pub fn plant(&mut self, bug: Bug, table: &'static Table) {
        assert!(self.used == unused(self.table), "a bug is planted before anything happens");
        (self.table, self.used) = (table, unused(table));
        self.loses_early_acks = bug == Bug::AckCountLost;
    }

    /// Its table.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// A block, as this controller has it.
    #[inline]
    pub fn line(&self, block: Block) -> &Line {
        &self.lines[usize::from(block.0)]
    }

    /// All blocks.
    pub fn lines(&self) -> impl Iterator<Item = (Block, &Line)> {
        (0u8..).map(Block).zip(&self.lines)
    }

    /// The number of requests that it has snooped: its logical time. Zero where there is no bus.
    pub fn bus_time(&self) -> u64 {
        self.bus_time
    }

    /// Whether a block is present, or a transaction of it under way.
    pub fn has(&self, block: Block) -> bool {
        self.line(block).state != self.table.start()
    }

    /// Whether a block is in a transient state.
    pub fn is_transient(&self, block: Block) -> bool {
        self.table.is_transient(self.line(block).state)
    }

    /// Whether an access of the core hits.
    pub fn hits(&self, block: Block, event: Event) -> bool {
        self.table.hits(self.line(block).state, event)
    }

    /// Whether an access is possible in the state of the block.
    pub fn handles(&self, block: Block, access: Access) -> bool {
        self.table.cell(self.line(block).state, CoreRequest::Access(access).event()).is_some()
    }

    /// What this cache permits its core to do with a block, by its table.
    pub fn permission(&self, block: Block) -> Permission {
        match (self.hits(block, Event::Store), self.hits(block, Event::Load)) {
            (true, _) => Permission::Write,
            (false, true) => Permission::Read,
            (false, false) => Permission::None,
        }
    }

    /// The changes of this cache's permissions, in order. At the beginning it permits nothing.
    pub fn permission_changes(&self) -> &[PermissionChange] {
        &self.permission_changes
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

    /// A request of the core. `room` says whether a channel has room for a message; the messages to send are appended to
    /// `out`.
    pub fn request(
        &mut self,
        block: Block,
        request: CoreRequest,
        room: &dyn Fn(NodeId, MessageKind) -> bool,
        out: &mut Vec<(NodeId, Message)>,
    ) -> Handled {
        // A request of the core is handled like a message on this node's own behalf.
        let data = match request {
            CoreRequest::Access(Access::Store(data) | Access::Swap(data)) => data,
            _ => self.line(block).data,
        };
        let own = Message {
            kind: MessageKind::Credit,
            block,
            part: self.part,
            requestor: self.me,
            data,
            acks: 0,
            sharers: NodeSet::default(),
            bus_time: 0,
        };
        let before = self.permission(block);
        let handled = self.handle(request.event(), self.me, &own, Some(request), room, out);
        self.note_permission(block, before, false);
        handled
    }

    fn note_permission(&mut self, block: Block, before: Permission, by_bus: bool) {
        let permission = self.permission(block);
        if self.part == Part::Cache && permission != before {
            self.permission_changes.push(PermissionChange { block, permission, bus_time: self.bus_time, by_bus });
        }
    }

    /// A message. `room` says whether a channel has room for a message; the messages to send are appended to `out`.
    pub fn message(
        &mut self,
        from: NodeId,
        message: &Message,
        room: &dyn Fn(NodeId, MessageKind) -> bool,
        out: &mut Vec<(NodeId, Message)>,
    ) -> Handled {
        let event = self.event(from, message);
        let before = self.permission(message.block);
        let handled = self.handle(event, from, message, None, room, out);
        let by_bus = message.kind.is_broadcast();
        self.bus_time += u64::from(by_bus && matches!(handled, Handled::Done(_)));
        self.note_permission(message.block, before, by_bus);
        handled
    }

    /// The event that a message is, refined as the tables need it.
    fn event(&self, from: NodeId, message: &Message) -> Event {
        let line = self.line(message.block);
        let outstanding = self.outstanding(line, message.acks);
        let last = line.acks == 1;
        let own = message.requestor == self.me;
        let owner = line.owner == Some(message.requestor);
        let pick = |yes: bool, this: Event, that: Event| if yes { this } else { that };
        match (self.part, message.kind) {
            (_, MessageKind::InvAck) => pick(last, Event::LastInvAck, Event::InvAck),
            (Part::Cache, MessageKind::Data) if self.table.has_bus() => Event::Data,
            (Part::Cache, MessageKind::Data) if from == self.homes.of(message.block) && !self.is_distributed() => {
                pick(outstanding == 0, Event::DataDirNone, Event::DataDirSome)
            }
            (Part::Cache, MessageKind::Data) => pick(outstanding == 0, Event::DataOwnerNone, Event::DataOwnerSome),
            (Part::Cache, MessageKind::AckCount) => pick(outstanding == 0, Event::AckCountNone, Event::AckCountSome),
            (Part::Cache, MessageKind::BusGetS) => pick(own, Event::OwnGetS, Event::OtherGetS),
            (Part::Cache, MessageKind::BusGetM) => pick(own, Event::OwnGetM, Event::OtherGetM),
            (Part::Cache, MessageKind::BusPutM) => pick(own, Event::OwnPutM, Event::OtherPutM),
            (Part::Cache, MessageKind::BusPutF) => pick(own, Event::OwnPutF, Event::OtherPutF),
            (Part::Cache, MessageKind::BusUpd) => pick(own, Event::OwnUpd, Event::OtherUpd),
            // Without managers the caches of IVY receive requests, and an owner knows by its state that it is one.
            (Part::Cache, MessageKind::GetM) => Event::GetM,
            (_, MessageKind::GetM | MessageKind::BusGetM) => {
                // A home that awaits the acknowledgements itself has to know whether there are sharers.
                let counts = self.table.knows(Event::GetMShared);
                let shared = counts && !line.sharers.without(message.requestor).is_empty();
                match (owner, shared) {
                    (false, false) => Event::GetM,
                    (false, true) => Event::GetMShared,
                    (true, false) => Event::GetMOwner,
                    (true, true) => Event::GetMOwnerShared,
                }
            }
            (_, MessageKind::PutS) => {
                let only = line.sharers == NodeSet::default().with(message.requestor);
                pick(only, Event::PutSLast, Event::PutSNotLast)
            }
            // A home may handle all evictions by nodes that are not the owner alike.
            (_, MessageKind::PutE | MessageKind::PutO | MessageKind::PutM | MessageKind::PutF)
                if !owner && self.table.knows(Event::PutNonOwner) =>
            {
                Event::PutNonOwner
            }
            (_, MessageKind::PutE) => pick(owner, Event::PutEOwner, Event::PutENonOwner),
            (_, MessageKind::PutO) => pick(owner, Event::PutOOwner, Event::PutONonOwner),
            (_, MessageKind::PutM | MessageKind::BusPutM) => pick(owner, Event::PutMOwner, Event::PutMNonOwner),
            (_, MessageKind::PutF | MessageKind::BusPutF) => pick(owner, Event::PutFOwner, Event::PutFNonOwner),
            (_, MessageKind::GetS | MessageKind::BusGetS) => Event::GetS,
            (_, MessageKind::Upd | MessageKind::BusUpd) => Event::Upd,
            // The data of several caches can be in flight to the home at one time.
            (_, MessageKind::Data) if line.bus_time != message.bus_time && self.table.knows(Event::DataOther) => {
                Event::DataOther
            }
            (_, MessageKind::Data) => Event::Data,
            (_, MessageKind::DataE) => Event::DataE,
            (_, MessageKind::DataF) => Event::DataF,
            (_, MessageKind::FwdGetS) => Event::FwdGetS,
            (_, MessageKind::FwdGetM) => Event::FwdGetM,
            (_, MessageKind::Inv) => Event::Inv,
            (_, MessageKind::PutAck) => Event::PutAck,
            (_, MessageKind::AckCount) => Event::AckCountNone,
            (_, MessageKind::GntS) => Event::GntS,
            (_, MessageKind::GntE) => Event::GntE,
            (_, MessageKind::Grant) => Event::Grant,
            (_, MessageKind::Unblock) => Event::Unblock,
            (_, MessageKind::Credit) => panic!("a credit is not for a controller: {message:?}"),
        }
    }

    fn is_distributed(&self) -> bool {
        matches!(self.homes, Homes::Distributed(_))
    }

    /// The number of acknowledgements that are awaited when this many are announced.
    fn outstanding(&self, line: &Line, announced: u8) -> i8 {
        let early = if self.loses_early_acks { 0 } else { line.acks };
        early + announced as i8
    }

    fn handle(
        &mut self,
        event: Event,
        from: NodeId,
        message: &Message,
        request: Option<CoreRequest>,
        room: &dyn Fn(NodeId, MessageKind) -> bool,
        out: &mut Vec<(NodeId, Message)>,
    ) -> Handled {
        let mut line = *self.line(message.block);
        let state = line.state;
        let place = self.table.place(state, event);
        let Some(cell) = self.table.cell(state, event) else {
            let (name, state) = (&self.table.name, self.table.state_name(state));
            panic!("an event that the transition table calls impossible: {event:?} in {state} of {name}, {message:?}");
        };
        self.used[place / 64] |= 1 << (place % 64);
        let Cell::Transition { actions, next } = cell else { return Handled::Stalled };
        let begun = out.len();
        let mut performed = None;
        for action in actions {
            match *action {
                Action::Send(kind, to, payload) => self.send(&line, message, kind, to, payload, out),
                // A prefetch that hits performs nothing.
                Action::Hit => {
                    if let Some(CoreRequest::Access(access)) = request {
                        performed = Some(line.data);
                        if let Access::Store(data) | Access::Swap(data) = access {
                            line.data = data;
                        }
                    }
                }
                Action::Perform => {
                    performed = Some(line.data);
                    line.data = message.data;
                }
                Action::Fill => line.data = message.data,
                Action::AcksAdd => line.acks = self.outstanding(&line, message.acks),
                Action::AckSub => line.acks -= 1,
                Action::AwaitSharers => line.acks = line.sharers.without(message.requestor).count() as i8,
                Action::AwaitCopies => line.acks = line.sharers.count() as i8,
                Action::AddReq => line.sharers = line.sharers.with(message.requestor),
                Action::AddOwner => line.sharers = line.sharers.with(owner(&line, message)),
                Action::DropReq => line.sharers = line.sharers.without(message.requestor),
                Action::ClearSharers => line.sharers = NodeSet::default(),
                Action::OwnerReq => line.owner = Some(message.requestor),
                Action::OwnerFrom => line.owner = Some(from),
                Action::ClearOwner => line.owner = None,
                Action::TakeCopies => line.sharers = message.sharers.without(self.me),
            }
        }
        if let Some((to, refused)) = out[begun..].iter().find(|(to, sent)| !room(*to, sent.kind)) {
            let (to, kind) = (*to, refused.kind);
            out.truncate(begun);
            return Handled::ChannelFull(to, kind);
        }
        line.state = *next;
        if message.kind.is_broadcast() {
            line.bus_time = self.bus_time;
        }
        if !self.table.is_transient(*next) {
            // All acknowledgements have come.
            line.acks = 0;
        }
        self.lines[usize::from(message.block.0)] = line;
        Handled::Done(performed)
    }

    fn send(
        &self,
        line: &Line,
        message: &Message,
        kind: MessageKind,
        to: Destination,
        payload: Payload,
        out: &mut Vec<(NodeId, Message)>,
    ) {
        let others = line.sharers.without(message.requestor);
        let acks = match (payload, self.part) {
            (Payload::Nothing, _) => 0,
            (Payload::Acks, Part::Cache) => message.acks,
            (Payload::Acks, _) | (Payload::Copies, _) => others.count(),
        };
        let (part, receivers) = match to {
            Destination::Dir => (Part::Home, NodeSet::of(self.homes.of(message.block))),
            Destination::Req => (Part::Cache, NodeSet::of(message.requestor)),
            Destination::Owner => (Part::Cache, NodeSet::of(owner(line, message))),
            Destination::Sharers => (Part::Cache, others),
            Destination::Copies => (Part::Cache, line.sharers),
            Destination::Bus => (Part::Bus, NodeSet::of(self.homes.of(message.block))),
        };
        // An update carries what is to be written, everything else what this controller has.
        let data = if kind == MessageKind::Upd { message.data } else { line.data };
        let sharers = if payload == Payload::Copies { others } else { NodeSet::default() };
        let (block, requestor, bus_time) = (message.block, message.requestor, self.bus_time);
        let sent = Message { kind, block, part, requestor, data, acks, sharers, bus_time };
        out.extend(receivers.iter().map(|to| (to, sent.clone())));
    }
}

/// The bits of a table of which no entry was used.
fn unused(table: &Table) -> Vec<u64> {
    vec![0; table.places().div_ceil(64)]
}

fn owner(line: &Line, message: &Message) -> NodeId {
    line.owner.unwrap_or_else(|| panic!("a block without an owner: {message:?} came to {line:?}"))
}
