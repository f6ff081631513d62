//! The same on turmoil: a host for each server, a client for each client, datagrams, a tick of one millisecond.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use turmoil::net::UdpSocket;

use crate::{LATENCY_NS, Workload};

const PORT: u16 = 1;

async fn serve() -> turmoil::Result {
    let socket = UdpSocket::bind((IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT)).await?;
    let mut buffer = [0; 4];
    loop {
        let (len, from) = socket.recv_from(&mut buffer).await?;
        socket.send_to(&buffer[..len], from).await?;
    }
}

async fn ask(servers: Vec<IpAddr>, round_trips: u32, arrived: Arc<AtomicU64>) -> turmoil::Result {
    let socket = UdpSocket::bind((IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT)).await?;
    let mut buffer = [0; 4];
    for n in 0..round_trips {
        socket.send_to(&n.to_le_bytes(), (servers[n as usize % servers.len()], PORT)).await?;
        socket.recv_from(&mut buffer).await?;
        assert_eq!(u32::from_le_bytes(buffer), n);
    }
    arrived.fetch_add(2 * u64::from(round_trips), Ordering::Relaxed);
    Ok(())
}

pub fn run(workload: Workload, seed: u64) -> u64 {
    let Workload { servers, clients, round_trips } = workload;
    let arrived = Arc::new(AtomicU64::new(0));
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .tick_duration(Duration::from_millis(1))
        .simulation_duration(Duration::from_secs(3600))
        .min_message_latency(Duration::from_nanos(*LATENCY_NS.start()))
        .max_message_latency(Duration::from_nanos(*LATENCY_NS.end()))
        .build();
    for n in 0..servers {
        sim.host(format!("server{n}"), serve);
    }
    let addresses: Vec<IpAddr> = (0..servers).map(|n| sim.lookup(format!("server{n}"))).collect();
    for n in 0..clients {
        sim.client(format!("client{n}"), ask(addresses.clone(), round_trips, arrived.clone()));
    }
    sim.run().expect("every client ends");
    arrived.load(Ordering::Relaxed)
}
