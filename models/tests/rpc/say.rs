//! Short words for messages and nodes.

use seedbed_models::communication::request_response::messages::{CallId, Header, Key, Message, RpcId, SessionId};
use seedbed_models::communication::request_response::{Node, RequestResponse};
use seedbed_sim::{Bench, Model, NodeId, OpId, Span};

pub const LEASES: NodeId = NodeId(0);
pub const BACK: NodeId = NodeId(1);
pub const OTHER_BACK: NodeId = NodeId(2);
pub const FRONT: NodeId = NodeId(3);
pub const OTHER_FRONT: NodeId = NodeId(4);
pub const CLIENT: NodeId = NodeId(5);

/// A tally of `BACK`, and one of `OTHER_BACK`.
pub const HERE: Key = Key(0);
pub const THERE: Key = Key(1);

pub fn spawned(node: NodeId) -> Node {
    let model = RequestResponse::default();
    let nodes: Vec<NodeId> = (0..model.size() as u16).map(NodeId).collect();
    model.spawn(node, &nodes)
}

/// A node that has started.
pub fn node(node: NodeId) -> Bench<Node> {
    let mut bench = Bench::new(spawned(node)).on(node).instant_disk();
    bench.draws("service", 0);
    bench.start();
    bench
}

pub fn id(session: u64, seq: u64) -> RpcId {
    RpcId { session: SessionId(session), seq }
}

/// The header of a call of the first session, which has all the time.
pub fn header(seq: u64, first_incomplete: u64) -> Header {
    let call = CallId { op: OpId(seq), index: 0 };
    Header { id: id(1, seq), first_incomplete, remaining: Some(Span::secs(10)), call }
}

pub fn execute(seq: u64, first_incomplete: u64) -> Message {
    Message::Execute(header(seq, first_incomplete), HERE, 5)
}

pub fn executed(seq: u64, result: u64) -> (NodeId, Message) {
    (FRONT, Message::Executed(id(1, seq), HERE, Ok(result)))
}
