//! Protocols on a bus. It orders all requests, and each cache snoops them in that order at its own pace, so the single writer
//! is one of logical time (Primer §7.1): the time of a cache is the number of requests that it has snooped, and at each such
//! time at most one cache writes while no other reads. A read gives what was last written in logical time.

use std::collections::VecDeque;

use seedbed_models::caching::coherence::bugs::Bug;
use seedbed_models::caching::coherence::controller::{Access, Controller, CoreRequest, Handled, Homes};
use seedbed_models::caching::coherence::messages::{Data, Message, MessageKind, Part};
use seedbed_models::caching::coherence::protocol::tables;
use seedbed_models::caching::coherence::{HOME, Interconnect, Protocol};
use seedbed_sim::NodeId;

use crate::coherence_exhaustive::{Explored, Kind, Order, Small, Wrong, X, explore, first_wrong};

/// A write, in the order of logical time.
#[derive(Clone)]
struct Write {
    time: u64,
    /// Nobody's is what was there at the beginning.
    by: Option<NodeId>,
    /// Whether the bus has broadcast it: then it comes before all else that is done at that time, and every cache that holds
    /// the block has performed it when its time has come.
    broadcast: bool,
    data: Data,
}

/// Caches and a memory on a bus, whose queues hold so many requests: the bus waits until each has room.
#[derive(Clone)]
struct Snooping {
    room: usize,
    caches: Vec<Controller>,
    memory: Controller,
    /// Of each node, the memory first, what the bus has broadcast and it has not snooped, the oldest first.
    queues: Vec<VecDeque<Message>>,
    /// The requests that the bus has not broadcast yet.
    requests: Vec<Message>,
    /// The responses on their way, in any order, and their receivers.
    responses: Vec<(NodeId, Message)>,
    /// The number of requests that were broadcast.
    broadcasts: u64,
    /// What can still be read, the oldest first.
    writes: Vec<Write>,
    /// Of each cache the latest logical time at which it has read.
    last_reads: Vec<Option<u64>>,
    /// What was stored last, whether it is performed or not.
    stored: Data,
}

/// What can happen on a bus.
#[derive(Clone, Copy)]
enum Move {
    /// The request at this place is broadcast.
    Broadcast(usize),
    /// The response at this place arrives.
    Respond(usize),
    /// This node snoops.
    Snoop(NodeId),
}

impl Snooping {
    fn new(protocol: Protocol, caches: u16, room: usize, bug: Option<Bug>) -> Self {
        let tables = tables(protocol, Interconnect::Bus, bug);
        let new = |table, me, part| Controller::new(table, me, part, Homes::Central(HOME), 1);
        let memory = new(tables.home.as_ref().expect("a bus has a memory"), HOME, Part::Home);
        let controllers = (1..=caches).map(|me| new(&tables.cache, NodeId(me), Part::Cache)).collect();
        Snooping {
            room,
            caches: controllers,
            memory,
            queues: vec![VecDeque::new(); usize::from(caches) + 1],
            requests: Vec::new(),
            responses: Vec::new(),
            broadcasts: 0,
            writes: vec![Write { time: 0, by: None, broadcast: true, data: 0 }],
            last_reads: vec![None; caches.into()],
            stored: 0,
        }
    }

    fn controller(&mut self, node: NodeId) -> &mut Controller {
        if node == HOME { &mut self.memory } else { &mut self.caches[node.index() - 1] }
    }

    fn send(&mut self, out: Vec<(NodeId, Message)>) {
        for (to, message) in out {
            match message.part {
                Part::Bus => self.requests.push(message),
                Part::Cache | Part::Home => self.responses.push((to, message)),
            }
        }
    }

    /// A node handles a message; returns whether it could.
    fn handle(&mut self, node: NodeId, message: &Message) -> bool {
        let mut out = Vec::new();
        let handled = self.controller(node).message(HOME, message, &|_, _| true, &mut out);
        self.send(out);
        handled != Handled::Stalled
    }

    fn broadcast(&mut self, request: Message) {
        self.broadcasts += 1;
        let kind = request.kind.broadcast();
        if kind == MessageKind::BusUpd {
            // An update is performed at its position in the order of the bus, whoever has snooped it.
            let (time, by) = (self.broadcasts, Some(request.requestor));
            self.writes.push(Write { time, by, broadcast: true, data: request.data });
        }
        for (node, queue) in self.queues.iter_mut().enumerate() {
            let part = if node == 0 { Part::Home } else { Part::Cache };
            queue.push_back(Message { kind, part, ..request.clone() });
        }
    }

    /// A cache has read this.
    fn read(&mut self, core: usize, data: Data) -> Result<(), Wrong> {
        let (me, time) = (NodeId(core as u16 + 1), self.caches[core].bus_time());
        let last =
            self.writes.iter().rfind(|write| write.time <= time).expect("a block has been written at the beginning");
        if last.time == time && !last.broadcast && last.by != Some(me) {
            return Err(Wrong::Writers);
        }
        self.last_reads[core] = self.last_reads[core].max(Some(time));
        if last.data == data { Ok(()) } else { Err(Wrong::Value) }
    }

    /// A cache writes this, without the bus.
    fn write(&mut self, core: usize, data: Data) -> Result<(), Wrong> {
        let (me, time) = (NodeId(core as u16 + 1), self.caches[core].bus_time());
        let others_read = self.last_reads.iter().enumerate().filter(|(other, _)| *other != core).map(|(_, last)| *last);
        match others_read.max().flatten() {
            Some(last) if last > time => return Err(Wrong::Value),
            Some(last) if last == time => return Err(Wrong::Writers),
            _ => {}
        }
        let same_time = |write: &Write| write.time == time && !write.broadcast;
        if self.writes.iter().any(|write| write.time > time || same_time(write) && write.by != Some(me)) {
            return Err(Wrong::Writers);
        }
        self.writes.retain(|write| !same_time(write));
        self.writes.push(Write { time, by: Some(me), broadcast: false, data });
        Ok(())
    }

    /// How many requests were broadcast since.
    fn ago(&self, time: u64) -> u8 {
        (self.broadcasts - time) as u8
    }

    /// The place of what a block holds among what can still be read.
    fn place_of(&self, data: Data) -> u8 {
        self.writes.iter().position(|write| write.data == data).map_or(u8::MAX, |place| place as u8)
    }

    /// The time of the cache that has snooped least.
    fn earliest(&self) -> u64 {
        self.caches.iter().map(Controller::bus_time).min().expect("there are caches")
    }

    /// Forgets what can be read no more.
    fn forget(&mut self) {
        let earliest = self.earliest();
        let oldest =
            self.writes.iter().rposition(|write| write.time <= earliest).expect("what was written first is kept");
        self.writes.drain(..oldest);
    }
}

impl Small for Snooping {
    type Move = Move;

    fn moves(&self) -> Vec<Move> {
        let has_room = self.queues.iter().all(|queue| queue.len() < self.room);
        let broadcasts = (0..self.requests.len()).filter(|_| has_room).map(Move::Broadcast);
        let responses = (0..self.responses.len()).map(Move::Respond);
        let snoops = (0..).map(NodeId).zip(&self.queues).filter(|(_, queue)| !queue.is_empty());
        broadcasts.chain(responses).chain(snoops.map(|(node, _)| Move::Snoop(node))).collect()
    }

    fn moved(&self, this: Move) -> Option<Self> {
        let mut next = self.clone();
        let handled = match this {
            Move::Broadcast(place) => {
                let request = next.requests.remove(place);
                next.broadcast(request);
                true
            }
            Move::Respond(place) => {
                let (to, response) = next.responses.remove(place);
                next.handle(to, &response)
            }
            Move::Snoop(node) => {
                let request = next.queues[node.index()].pop_front().expect("a node snoops what was broadcast");
                next.handle(node, &request)
            }
        };
        next.forget();
        handled.then_some(next)
    }

    fn caches(&self) -> &[Controller] {
        &self.caches
    }

    fn requested(&self, core: usize, request: CoreRequest) -> Option<Result<Self, Wrong>> {
        let mut next = self.clone();
        let mut out = Vec::new();
        let handled = next.caches[core].request(X, request, &|_, _| true, &mut out);
        next.send(out);
        let judged = match (handled, request) {
            (Handled::Stalled | Handled::ChannelFull(..), _) => return None,
            (Handled::Done(Some(read)), CoreRequest::Access(Access::Load)) => next.read(core, read),
            (Handled::Done(Some(_)), CoreRequest::Access(Access::Store(data))) => next.write(core, data),
            _ => Ok(()),
        };
        if let CoreRequest::Access(Access::Store(data)) = request {
            next.stored = data;
        }
        next.forget();
        Some(judged.map(|()| next))
    }

    fn new_data(&self) -> Data {
        self.stored + 1
    }

    fn is_under_way(&self) -> bool {
        let waits = self.queues.iter().any(|queue| !queue.is_empty());
        let is_transient = self.caches.iter().chain([&self.memory]).any(|controller| controller.is_transient(X));
        waits || is_transient || !self.requests.is_empty() || !self.responses.is_empty()
    }

    /// All is judged when cores read and write.
    fn wrong(&self) -> Option<Wrong> {
        None
    }

    fn kind(&self, place: usize) -> Kind {
        let (line, last_read) = (self.caches[place].line(X), self.last_reads[place]);
        let mut others = self.caches.iter().enumerate().filter(|(other, _)| *other != place);
        let may_be_written_before = |time: &u64| others.any(|(_, other)| other.bus_time() <= *time);
        let last_read = last_read.filter(may_be_written_before).map_or(u8::MAX, |time| self.ago(time));
        [line.state.0, self.place_of(line.data), last_read, self.queues[place + 1].len() as u8]
    }

    fn code_in(&self, order: &Order) -> Vec<u8> {
        let mut code = Vec::with_capacity(64);
        code.extend(order.places().flat_map(|place| self.kind(place)));
        let line = self.memory.line(X);
        let owner = line.owner.map_or(u8::MAX, |owner| order.name(owner));
        code.extend([line.state.0, self.place_of(line.data), owner, self.queues[0].len() as u8]);
        // All queues are ends of one order.
        let longest = self.queues.iter().max_by_key(|queue| queue.len()).expect("the memory snoops");
        code.extend(longest.iter().flat_map(|request| [request.kind as u8, order.name(request.requestor)]));

        let earliest = self.earliest();
        for write in &self.writes {
            let by = write.by.map_or(0, |by| order.name(by));
            let told = [self.ago(write.time), by, u8::from(write.broadcast)];
            code.extend(if write.time < earliest { [u8::MAX; 3] } else { told });
        }
        code.push(self.requests.len() as u8);
        let mut requests: Vec<_> = self.requests.iter().map(|m| [order.name(m.requestor), m.kind as u8]).collect();
        requests.sort_unstable();
        code.extend(requests.iter().flatten());
        let coded = |(to, m): &(NodeId, Message)| {
            // Only a memory asks which of the requests it is that a response answers.
            let answers = if *to == HOME { self.broadcasts.wrapping_sub(m.bus_time) as u8 } else { 0 };
            [order.name(*to), m.kind as u8, order.name(m.requestor), self.place_of(m.data), answers]
        };
        let mut responses: Vec<_> = self.responses.iter().map(coded).collect();
        responses.sort_unstable();
        code.extend(responses.iter().flatten());
        code
    }
}

const SNOOPING: [Protocol; 5] = [Protocol::Msi, Protocol::Mesi, Protocol::Moesi, Protocol::Mesif, Protocol::Dragon];

fn explored(caches: u16, room: usize) -> [Explored; 5] {
    SNOOPING.map(|protocol| explore(Snooping::new(protocol, caches, room, None)))
}

/// Whatever the pace at which each node snoops.
#[test]
fn two_snooping_caches_are_coherent_in_every_state() {
    assert_eq!(explored(2, 2), [18343, 18750, 21758, 30557, 16696].map(Explored::right));
}

#[test]
fn three_snooping_caches_are_coherent_in_every_state() {
    assert_eq!(explored(3, 1), [105547, 108908, 147911, 182569, 89766].map(Explored::right));
}

/// The search finds what is planted.
#[test]
fn what_is_planted_is_found() {
    let wrong = |protocol, bug| first_wrong(Snooping::new(protocol, 3, 2, Some(bug)));
    let found = [
        wrong(Protocol::Msi, Bug::MemoryAnswersWhileOwned),
        wrong(Protocol::Mesi, Bug::OwnerNotDowngraded),
        wrong(Protocol::Moesi, Bug::SilentUpgradeFromShared),
        wrong(Protocol::Mesif, Bug::OwnerNotDowngraded),
        wrong(Protocol::Dragon, Bug::SilentUpgradeFromShared),
        wrong(Protocol::Dragon, Bug::OwnerNotDowngraded),
    ];
    assert_eq!(
        found,
        [[Wrong::Impossible], [Wrong::Writers], [Wrong::Writers], [Wrong::Writers], [Wrong::Writers], [Wrong::Writers]]
    );
}
