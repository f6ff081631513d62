//! The least that does the same work: a heap, a generator, two kinds of nodes, and the clients' timers. No faults, no
//! names, nothing recorded, nothing checked.
//!
//! As in the model, a client asks again after a while. Its timer has one entry in the heap, which is put back when it
//! wakes up early: one entry for each question would make this loop slower than it has to be.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::{LATENCY_NS, Workload};

const REQUEST_TIMEOUT_NS: u64 = 100_000_000;

enum Payload {
    Message { from: u16, to: u16, n: u32 },
    Timer { client: u16 },
}

struct Event {
    at: u64,
    seq: u64,
    payload: Payload,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Event {}
impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.seq).cmp(&(other.at, other.seq))
    }
}

#[derive(Default)]
struct Client {
    done: u32,
    /// When to ask again.
    due: u64,
}

struct Loop {
    workload: Workload,
    heap: BinaryHeap<Reverse<Event>>,
    words: ChaCha8Rng,
    seq: u64,
}

impl Loop {
    fn push(&mut self, at: u64, payload: Payload) {
        self.heap.push(Reverse(Event { at, seq: self.seq, payload }));
        self.seq += 1;
    }

    fn send(&mut self, now: u64, from: u16, to: u16, n: u32) {
        let width = LATENCY_NS.end() - LATENCY_NS.start() + 1;
        let latency = LATENCY_NS.start() + ((u64::from(self.words.next_u32()) * width) >> 32);
        self.push(now + latency, Payload::Message { from, to, n });
    }

    fn ask(&mut self, now: u64, node: u16, client: &mut Client) {
        client.due = u64::MAX;
        if client.done < self.workload.round_trips {
            let server = (client.done % u32::from(self.workload.servers)) as u16;
            self.send(now, node, server, client.done);
            client.due = now + REQUEST_TIMEOUT_NS;
        }
    }
}

pub fn run(workload: Workload, seed: u64) -> u64 {
    let servers = workload.servers;
    let words = ChaCha8Rng::seed_from_u64(seed);
    let mut world = Loop { workload, heap: BinaryHeap::with_capacity(64), words, seq: 0 };
    let mut clients: Vec<Client> = (0..workload.clients).map(|_| Client::default()).collect();
    for (i, client) in clients.iter_mut().enumerate() {
        let node = servers + i as u16;
        world.ask(0, node, client);
        world.push(client.due, Payload::Timer { client: node });
    }
    let mut arrived = 0;
    while let Some(Reverse(Event { at: now, payload, .. })) = world.heap.pop() {
        match payload {
            Payload::Message { from, to, n } if to < servers => {
                arrived += 1;
                world.send(now, to, from, n);
            }
            Payload::Message { to, n, .. } => {
                arrived += 1;
                let client = &mut clients[usize::from(to - servers)];
                if client.done == n {
                    client.done += 1;
                    world.ask(now, to, client);
                }
            }
            Payload::Timer { client: node } => {
                let client = &mut clients[usize::from(node - servers)];
                if client.due == now {
                    world.ask(now, node, client);
                }
                if client.due != u64::MAX {
                    world.push(client.due, Payload::Timer { client: node });
                }
            }
        }
    }
    arrived
}
