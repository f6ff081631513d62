//! Protocols with point-to-point messages: directories, and shared virtual memory. There the single writer is one of
//! physical time: at no instant may a cache write while another reads.

use seedbed_models::caching::coherence::bugs::Bug;
use seedbed_models::caching::coherence::controller::{Access, Controller, CoreRequest, Handled, Homes, Permission};
use seedbed_models::caching::coherence::messages::{Data, Message, Part, VirtualNetwork};
use seedbed_models::caching::coherence::protocol::tables;
use seedbed_models::caching::coherence::{HOME, Interconnect, Protocol};
use seedbed_sim::NodeId;

use crate::coherence_exhaustive::{Explored, Kind, Order, Small, Wrong, X, explore, first_wrong};

/// A message on its way, and from whom to whom. The manager of a page is called `HOME`, though its node is a cache's too.
type Sent = (NodeId, NodeId, Message);

/// A home, caches, and what is on its way between them, the oldest first.
#[derive(Clone)]
struct Directory {
    /// With dynamic managers there is none.
    home: Option<Controller>,
    caches: Vec<Controller>,
    sent: Vec<Sent>,
    /// What was written last.
    last: Data,
    /// Whether forwards keep their order.
    ordered: bool,
}

impl Directory {
    fn new(protocol: Protocol, on: Interconnect, caches: u16, ordered: bool, bug: Option<Bug>) -> Self {
        let tables = tables(protocol, on, bug);
        let homes = if protocol.is_distributed() { Homes::Distributed(caches) } else { Homes::Central(HOME) };
        let home = tables.home.as_ref().map(|table| Controller::new(table, homes.of(X), Part::Home, homes, 1));
        let caches = (1..=caches).map(|me| Controller::new(&tables.cache, NodeId(me), Part::Cache, homes, 1)).collect();
        Directory { home, caches, sent: Vec::new(), last: 0, ordered: ordered && on != Interconnect::Unordered }
    }

    fn keeps_order(&self, message: &Message) -> bool {
        self.ordered && message.kind.network() == VirtualNetwork::Forward
    }

    fn send(&mut self, from: NodeId, out: Vec<(NodeId, Message)>) {
        let to = |to: NodeId, message: &Message| if message.part == Part::Home { HOME } else { to };
        self.sent.extend(out.into_iter().map(|(node, message)| (from, to(node, &message), message)));
    }
}

impl Small for Directory {
    /// The place of a message.
    type Move = usize;

    fn moves(&self) -> Vec<usize> {
        let can_arrive = |place: &usize| {
            let (from, to, message) = &self.sent[*place];
            let overtakes = |(f, t, m): &Sent| f == from && t == to && self.keeps_order(m);
            let before = &self.sent[..*place];
            let is_held_up = self.keeps_order(message) && before.iter().any(overtakes);
            !is_held_up && !before.contains(&self.sent[*place])
        };
        (0..self.sent.len()).filter(can_arrive).collect()
    }

    fn moved(&self, place: usize) -> Option<Self> {
        let mut next = self.clone();
        let (from, to, message) = next.sent.remove(place);
        let receiver = if to == HOME { next.home.as_mut() } else { next.caches.get_mut(to.index() - 1) };
        let mut out = Vec::new();
        let handled = receiver.expect("who is sent to is there").message(from, &message, &|_, _| true, &mut out);
        next.send(to, out);
        (handled != Handled::Stalled).then_some(next)
    }

    fn caches(&self) -> &[Controller] {
        &self.caches
    }

    fn requested(&self, core: usize, request: CoreRequest) -> Option<Result<Self, Wrong>> {
        let mut next = self.clone();
        let mut out = Vec::new();
        let handled = next.caches[core].request(X, request, &|_, _| true, &mut out);
        next.send(NodeId(core as u16 + 1), out);
        match (handled, request) {
            (Handled::Done(Some(read)), CoreRequest::Access(Access::Load)) if read != self.last => {
                return Some(Err(Wrong::Value));
            }
            (Handled::Done(Some(_)), CoreRequest::Access(Access::Store(data))) => next.last = data,
            _ => {}
        }
        (handled != Handled::Stalled).then_some(Ok(next))
    }

    fn new_data(&self) -> Data {
        self.last + 1
    }

    fn is_under_way(&self) -> bool {
        !self.sent.is_empty() || self.caches.iter().chain(&self.home).any(|controller| controller.is_transient(X))
    }

    fn wrong(&self) -> Option<Wrong> {
        let permissions = self.caches.iter().map(|cache| cache.permission(X));
        let permissions: Vec<Permission> = permissions.filter(|permission| *permission > Permission::None).collect();
        let two = permissions.len() > 1 && permissions.contains(&Permission::Write);
        two.then_some(Wrong::Writers)
    }

    fn kind(&self, place: usize) -> Kind {
        let line = self.caches[place].line(X);
        let owns = u8::from(line.owner == Some(NodeId(place as u16 + 1)));
        [line.state.0, line.acks as u8, u8::from(line.data == self.last), owns]
    }

    fn code_in(&self, order: &Order) -> Vec<u8> {
        let mut code = Vec::with_capacity(64);
        for controller in order.places().map(|place| &self.caches[place]).chain(&self.home) {
            let line = controller.line(X);
            let owner = line.owner.map_or(u8::MAX, |owner| order.name(owner));
            let current = u8::from(line.data == self.last);
            code.extend([line.state.0, line.acks as u8, owner, order.names(line.sharers), current]);
        }
        let coded = |(from, to, m): &Sent| {
            let current = u8::from(m.data == self.last);
            let [from, to, requestor] = [*from, *to, m.requestor].map(|node| order.name(node));
            [to, m.kind as u8, from, requestor, m.acks, order.names(m.sharers), current]
        };
        let (mut in_order, mut any_order): (Vec<_>, Vec<_>) =
            self.sent.iter().partition(|(.., message)| self.keeps_order(message));
        any_order.sort_by_key(|sent| coded(sent));
        // A stable sort: what goes to one cache stays in order.
        in_order.sort_by_key(|(_, to, _)| order.name(*to));
        code.push(any_order.len() as u8);
        code.extend(any_order.into_iter().chain(in_order).flat_map(coded));
        code
    }
}

fn explored(protocol: Protocol, on: Interconnect, caches: u16, ordered: bool) -> Explored {
    explore(Directory::new(protocol, on, caches, ordered, None))
}

const DIRECTORIES: [Protocol; 5] = [Protocol::Msi, Protocol::Mesi, Protocol::Moesi, Protocol::Mesif, Protocol::German];

/// With the order that they ask for, nothing is ever wrong.
#[test]
fn directories_are_coherent_in_every_state() {
    let states =
        [2, 3].map(|caches| DIRECTORIES.map(|protocol| explored(protocol, Interconnect::Directory, caches, true)));
    let right = |states: [usize; 5]| states.map(Explored::right);
    assert_eq!(states, [right([645, 721, 814, 768, 86]), right([11352, 14830, 22379, 19154, 617])]);
}

/// And with a home that is blocked during each transaction, without any order.
#[test]
fn blocked_directories_are_coherent_in_every_state() {
    let four = [Protocol::Msi, Protocol::Mesi, Protocol::Moesi, Protocol::Mesif];
    let states = [2, 3].map(|caches| four.map(|protocol| explored(protocol, Interconnect::Unordered, caches, false)));
    let right = |states: [usize; 4]| states.map(Explored::right);
    assert_eq!(states, [right([689, 813, 887, 885]), right([9217, 13057, 16993, 17043])]);
}

/// So is shared virtual memory, where any message may overtake any other.
#[test]
fn shared_virtual_memory_is_coherent_in_every_state() {
    let ivy = [Protocol::IvyFixed, Protocol::IvyDynamic];
    let states = [2, 3].map(|caches| ivy.map(|protocol| explored(protocol, Interconnect::Unordered, caches, false)));
    let right = |states: [usize; 2]| states.map(Explored::right);
    assert_eq!(states, [right([162, 43]), right([1434, 1908])]);
}

/// What forwards without order break. MSI and MESI, where the home stalls while an owner is read from, only ever meet what
/// their tables call impossible, or a deadlock: a writer never sees another. In MOESI the home goes on, so the owner hears
/// of a writer before it hears of a reader that came earlier, and coherence itself is broken. German's grants wait for the
/// acknowledgements, and it needs no order.
#[test]
fn forwards_without_order_break_coherence_where_the_home_goes_on() {
    let wrong = |protocol, caches| explored(protocol, Interconnect::Directory, caches, false).wrong;
    for (protocol, caches) in [(Protocol::Msi, 2), (Protocol::Msi, 3), (Protocol::Mesi, 2), (Protocol::Mesi, 3)] {
        assert_eq!(wrong(protocol, caches), [Wrong::Impossible, Wrong::Deadlock], "{protocol}, {caches} caches");
    }
    let all = [Wrong::Writers, Wrong::Value, Wrong::Impossible, Wrong::Deadlock];
    assert_eq!(wrong(Protocol::Moesi, 2), all);
    assert_eq!(wrong(Protocol::German, 3), []);
}

/// The search finds what is planted.
#[test]
fn what_is_planted_is_found() {
    let wrong = |protocol, on, bug| first_wrong(Directory::new(protocol, on, 3, true, Some(bug)));
    let found = [
        wrong(Protocol::Msi, Interconnect::Directory, Bug::NoWaitForInvAcks),
        wrong(Protocol::Mesi, Interconnect::Directory, Bug::PutMRaceDropped),
        wrong(Protocol::Mesi, Interconnect::Directory, Bug::EvictionWaitsForForward),
        wrong(Protocol::Moesi, Interconnect::Unordered, Bug::MemoryAnswersWhileOwned),
        wrong(Protocol::IvyFixed, Interconnect::Unordered, Bug::OwnerNotDowngraded),
        wrong(Protocol::IvyFixed, Interconnect::Unordered, Bug::SilentUpgradeFromShared),
        wrong(Protocol::IvyDynamic, Interconnect::Unordered, Bug::OwnerNotDowngraded),
        wrong(Protocol::IvyDynamic, Interconnect::Unordered, Bug::SilentUpgradeFromShared),
    ];
    use Wrong::{Deadlock, Writers};
    assert_eq!(found, [Writers, Deadlock, Deadlock, Writers, Writers, Writers, Writers, Writers].map(|wrong| [wrong]));
}
