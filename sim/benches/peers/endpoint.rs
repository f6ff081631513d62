//! The same on madsim's own network: a node and a task for everybody, datagrams over `Endpoint`.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use madsim::net::{Endpoint, NetSim};
use madsim::runtime::{Handle, Runtime};

use crate::{LATENCY_NS, Workload};

const TAG: u64 = 1;

fn address(node: u16) -> SocketAddr {
    (IpAddr::V4(Ipv4Addr::new(10, 0, (node >> 8) as u8, node as u8 + 1)), 1).into()
}

async fn serve(at: SocketAddr) {
    let endpoint = Endpoint::bind(at).await.expect("the address is free");
    let mut buffer = [0; 4];
    loop {
        let (len, from) = endpoint.recv_from(TAG, &mut buffer).await.expect("the network is up");
        endpoint.send_to(from, TAG, &buffer[..len]).await.expect("the network is up");
    }
}

async fn ask(at: SocketAddr, servers: u16, round_trips: u32) -> u64 {
    let endpoint = Endpoint::bind(at).await.expect("the address is free");
    let mut buffer = [0; 4];
    for n in 0..round_trips {
        let server = address((n % u32::from(servers)) as u16);
        endpoint.send_to(server, TAG, &n.to_le_bytes()).await.expect("the network is up");
        endpoint.recv_from(TAG, &mut buffer).await.expect("the network is up");
        assert_eq!(u32::from_le_bytes(buffer), n);
    }
    2 * u64::from(round_trips)
}

pub fn run(workload: Workload, seed: u64) -> u64 {
    let Workload { servers, clients, round_trips } = workload;
    let mut config = madsim::Config::default();
    config.net.send_latency = Duration::from_nanos(*LATENCY_NS.start())..Duration::from_nanos(*LATENCY_NS.end() + 1);
    let runtime = Runtime::with_seed_and_config(seed, config);
    let arrived = Rc::new(Cell::new(0));
    let total = arrived.clone();
    runtime.block_on(async move {
        let handle = Handle::current();
        let node = |n: u16| handle.create_node().ip(address(n).ip()).build();
        let serving: Vec<_> = (0..servers).map(|n| (node(n), address(n))).collect();
        for (node, at) in &serving {
            node.spawn(serve(*at));
        }
        let asking: Vec<_> = (servers..servers + clients).map(|n| (node(n), address(n))).collect();
        // Datagrams to a socket that is not bound yet are lost: the clients begin when the servers stand.
        madsim::time::sleep(Duration::from_millis(20)).await;
        let tasks: Vec<_> = asking.iter().map(|(node, at)| node.spawn(ask(*at, servers, round_trips))).collect();
        for task in tasks {
            total.set(total.get() + task.await.expect("a client ends"));
        }
        // Pending tasks would keep the runtime alive.
        for (node, _) in serving.iter().chain(&asking) {
            NetSim::current().reset_node(node.id());
            handle.kill(node.id());
        }
        madsim::task::yield_now().await;
    });
    arrived.get()
}
