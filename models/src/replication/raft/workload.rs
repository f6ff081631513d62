//! What clients ask of the model: commands, and now and then another group or another leader.

use std::ops::Range;

use proptest::prelude::*;
use seedbed_sim::{NodeId, Operation, Span, Time};

use crate::replication::raft::client::Ask;
use crate::replication::raft::kv::Command;
use crate::replication::raft::membership::Membership;

type Asked = Vec<Operation<Ask>>;

/// Commands all through the chaos; in half of the workloads, the group and the leader change as well. Restless clients
/// leave one server out, and another, again and again.
pub(super) fn workload(servers: u16, clients: u16, restless: bool, chaos: Span) -> BoxedStrategy<Asked> {
    if clients == 0 {
        return Just(Vec::new()).boxed();
    }
    let clients = servers..servers + clients;
    let end_ms = chaos.0 / 1_000_000;
    let (count, changes) = if restless {
        (5..20, prop::collection::vec(comes_and_goes(servers, clients.clone(), end_ms), 40..120).boxed())
    } else {
        let changes = prop::collection::vec(change(servers, clients.clone(), end_ms), 1..4);
        (40..120, prop_oneof![Just(Vec::new()), changes].boxed())
    };
    (commands(clients.clone(), count, end_ms), changes)
        .prop_map(|(mut asked, changes)| {
            asked.extend(changes);
            asked.sort_by_cached_key(|operation| operation.at);
            asked
        })
        .boxed()
}

/// Clients contend for a few keys. Every item is written once, so that a read tells which write it saw; a cas expects
/// what a recent operation on its key may have left.
fn commands(clients: Range<u16>, count: Range<usize>, end_ms: u64) -> impl Strategy<Value = Asked> {
    let draft = (0..end_ms, clients, 0u8..3, 0u8..10, 0usize..4);
    prop::collection::vec(draft, count).prop_map(|mut drafts| {
        drafts.sort_by_key(|(at, ..)| *at);
        let mut written: [Vec<u32>; 3] = Default::default();
        let command = |(item, (at, client, key, kind, back)): (usize, (u64, u16, u8, u8, usize))| {
            let item = item as u32 + 1;
            let earlier = &mut written[usize::from(key)];
            let command = match kind {
                0..4 => Command::Get { key },
                4..6 => Command::Put { key, item },
                6..8 => Command::Append { key, item },
                _ => Command::Cas { key, expect: earlier.iter().rev().nth(back).copied(), new: item },
            };
            if kind >= 4 {
                earlier.push(item);
            }
            Operation { at: Time::ms(at), client: NodeId(client), op: Ask::Command(command) }
        };
        drafts.into_iter().enumerate().map(command).collect()
    })
}

/// Another group, sometimes with learners; or another leader.
fn change(servers: u16, clients: Range<u16>, end_ms: u64) -> impl Strategy<Value = Operation<Ask>> {
    let everyone: Vec<NodeId> = (0..servers).map(NodeId).collect();
    let voters = prop::sample::subsequence(everyone.clone(), 1..=everyone.len());
    let learners = prop_oneof![
        2 => Just(Vec::new()),
        1 => prop::sample::subsequence(everyone.clone(), 0..=everyone.len()),
    ];
    let group = (voters, learners)
        .prop_map(|(voters, learners)| Ask::Reconfigure(Membership::of(voters).with_learners(learners)));
    let leader = prop::sample::select(everyone).prop_map(|to| Ask::Transfer { to });
    (0..end_ms, clients, prop_oneof![2 => group, 1 => leader]).prop_map(|(at, client, op)| Operation {
        at: Time::ms(at),
        client: NodeId(client),
        op,
    })
}

/// Everyone votes, or one only learns: each such change is a single step from the last.
fn comes_and_goes(servers: u16, clients: Range<u16>, end_ms: u64) -> impl Strategy<Value = Operation<Ask>> {
    let everyone: Vec<NodeId> = (0..servers).map(NodeId).collect();
    let most = prop::sample::subsequence(everyone.clone(), servers.max(2) as usize - 1);
    let voters = prop_oneof![1 => Just(everyone.clone()), 1 => most];
    (0..end_ms, clients, voters).prop_map(move |(at, client, voters)| Operation {
        at: Time::ms(at),
        client: NodeId(client),
        op: Ask::Reconfigure(Membership::of(voters).with_learners(everyone.iter().copied())),
    })
}
