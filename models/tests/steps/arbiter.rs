//! Maekawa's arbiter: who is told what while others have the permission, or wait for it.

use std::collections::BTreeMap;

use seedbed_models::caching::lock::message_passing::{PeerMessage, Timestamp};
use seedbed_models::caching::lock::messages::Message;
use seedbed_models::caching::lock::model::Node;
use seedbed_models::caching::lock::{Kind, Lock, RESOURCE};
use seedbed_models::parts::link::Segment;
use seedbed_sim::bench::Handled;
use seedbed_sim::{Bench, Model, NodeId};

/// The client on the bench, whom the others ask.
const ARBITER: NodeId = client(1);
const ANN: NodeId = client(2);
const BOB: NodeId = client(3);
const CAT: NodeId = client(4);
const DAN: NodeId = client(5);

const fn client(n: u16) -> NodeId {
    NodeId(RESOURCE.0 + n)
}

/// A client that wants nothing itself.
struct Arbiter {
    bench: Bench<Node>,
    /// The number of the next segment on the link from each other client.
    next: BTreeMap<NodeId, u64>,
}

impl Arbiter {
    fn new() -> Self {
        let model = Lock { clients: 5, ..Lock::default().of(Kind::Maekawa) };
        let nodes: Vec<NodeId> = (0..model.size() as u16).map(NodeId).collect();
        let mut bench = Bench::new(model.spawn(ARBITER, &nodes)).on(ARBITER).instant_disk();
        bench.start();
        Arbiter { bench, next: BTreeMap::new() }
    }

    /// A client says something over its link. Gives what the arbiter says to whom, without acknowledgements.
    fn hears(&mut self, from: NodeId, message: PeerMessage) -> Vec<(NodeId, PeerMessage)> {
        let next = self.next.entry(from).or_default();
        let segment = Segment::Numbered { seq: *next, message };
        *next += 1;
        said(&self.bench.message(from, Message::Peer(segment)))
    }
}

fn said(did: &Handled<Node>) -> Vec<(NodeId, PeerMessage)> {
    let message = |(to, message)| match message {
        Message::Peer(Segment::Numbered { message, .. }) => Some((to, message)),
        _ => None,
    };
    did.sent().into_iter().filter_map(message).collect()
}

fn by(node: NodeId, sequence: u64) -> Timestamp {
    Timestamp { sequence, node }
}

// Sanders 1987: an arbiter tells a request that it has failed not only when it comes after an older one, but also
// when an older one comes after it. Which of those that wait that is, is a matter of age: those behind it know already.
#[test]
fn the_request_that_an_older_one_overtakes_is_told_that_it_has_failed() {
    let (ann, bob, cat, dan) = (by(ANN, 5), by(BOB, 4), by(CAT, 7), by(DAN, 3));
    let mut arbiter = Arbiter::new();
    assert_eq!(arbiter.hears(ANN, PeerMessage::Request(ann)), [(ANN, PeerMessage::Locked(ann, 0))]);
    assert_eq!(arbiter.hears(CAT, PeerMessage::Request(cat)), [(CAT, PeerMessage::Failed(cat))], "it is younger");
    // The oldest may get the permission: it is not told that it has failed, and Ann is asked.
    assert_eq!(arbiter.hears(BOB, PeerMessage::Request(bob)), [(ANN, PeerMessage::Inquire(ann))]);
    // Now it will not, before Dan. Ann is asked once.
    assert_eq!(arbiter.hears(DAN, PeerMessage::Request(dan)), [(BOB, PeerMessage::Failed(bob))]);
    assert_eq!(arbiter.hears(ANN, PeerMessage::Relinquish(ann)), [(DAN, PeerMessage::Locked(dan, 0))]);
}
