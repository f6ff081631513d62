//! Locks: which of the nodes that could be servers are some.

use seedbed_models::caching::lock::model::Node;
use seedbed_models::caching::lock::{Kind, Lock, SERVERS};
use seedbed_sim::{Model, NodeId};

/// How many nodes are servers of the lock.
fn servers(model: &Lock) -> u16 {
    let nodes: Vec<NodeId> = (0..model.size() as u16).map(NodeId).collect();
    let serves = |n: &u16| !matches!(model.spawn(NodeId(*n), &nodes), Node::Idle);
    let count = (0..SERVERS).take_while(serves).count() as u16;
    assert!(!(count..SERVERS).any(|n| serves(&n)), "the first {count} are: {model:?}");
    count
}

#[test]
fn a_lock_has_as_many_servers_as_it_needs() {
    for count in 1..=SERVERS {
        for kind in [Kind::Redlock, Kind::Raft] {
            assert_eq!(servers(&Lock { servers: count, ..Lock::default().of(kind) }), count, "{kind:?}");
        }
    }
    // One server; or three with a sentinel; or nobody but the clients.
    assert_eq!(servers(&Lock::default().of(Kind::Redis)), 1);
    assert_eq!(servers(&Lock::default().of(Kind::RedisFailover)), 3 + 1);
    for kind in [Kind::SuzukiKasami, Kind::RicartAgrawala, Kind::Maekawa] {
        assert_eq!(servers(&Lock::default().of(kind)), 0, "{kind:?}");
    }
}
