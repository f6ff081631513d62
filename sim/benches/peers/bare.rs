//! The least that a simulation can be: a heap, a generator, two kinds of nodes. No faults, no timers, no names.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::{LATENCY_NS, Workload};

struct Message {
    at: u64,
    seq: u64,
    from: u16,
    to: u16,
    n: u32,
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Message {}
impl PartialOrd for Message {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Message {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.seq).cmp(&(other.at, other.seq))
    }
}

struct Loop {
    heap: BinaryHeap<Reverse<Message>>,
    words: ChaCha8Rng,
    sent: u64,
}

impl Loop {
    fn send(&mut self, now: u64, from: u16, to: u16, n: u32) {
        let width = LATENCY_NS.end() - LATENCY_NS.start() + 1;
        let latency = LATENCY_NS.start() + ((u64::from(self.words.next_u32()) * width) >> 32);
        self.heap.push(Reverse(Message { at: now + latency, seq: self.sent, from, to, n }));
        self.sent += 1;
    }
}

pub fn run(workload: Workload, seed: u64) -> u64 {
    let Workload { servers, clients, round_trips } = workload;
    let mut world = Loop { heap: BinaryHeap::new(), words: ChaCha8Rng::seed_from_u64(seed), sent: 0 };
    let mut done = vec![0; usize::from(clients)];
    for client in 0..clients {
        world.send(0, servers + client, 0, 0);
    }
    let mut arrived = 0;
    while let Some(Reverse(Message { at: now, from, to, n, .. })) = world.heap.pop() {
        arrived += 1;
        if to < servers {
            world.send(now, to, from, n);
            continue;
        }
        let done = &mut done[usize::from(to - servers)];
        assert_eq!(*done, n);
        *done += 1;
        if *done < round_trips {
            let server = (*done % u32::from(servers)) as u16;
            world.send(now, to, server, *done);
        }
    }
    arrived
}
