//! The two brokers: a real one, with a connection for each client, and the model's engine.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::BytesMut;
use rumqttc::v5::mqttbytes::{Error, v5 as wire};
use seedbed_models::communication::pub_sub::engine::{Engine, Input, Now, Output, Overlap, Settings};
use seedbed_models::communication::pub_sub::names::ConnectionId;
use seedbed_models::communication::pub_sub::packet::Packet;
use seedbed_sim::Time;

use crate::wire::{from_wire, to_wire};

/// A broker with clients.
pub trait Side {
    /// A client opens a connection, if it has none.
    fn open(&mut self, client: u16);
    /// Whether a client has one.
    fn is_open(&self, client: u16) -> bool;
    /// A client sends a packet.
    fn send(&mut self, client: u16, packet: &Packet);
    /// A client's connection is lost.
    fn close(&mut self, client: u16);
    /// All that has come to a client by now. If the broker has closed the connection, that is open no more.
    fn come(&mut self, client: u16) -> Vec<Packet>;
}

/// A real broker.
pub struct Real {
    port: u16,
    lines: BTreeMap<u16, (TcpStream, BytesMut)>,
}

impl Real {
    pub fn new(port: u16) -> Self {
        Real { port, lines: BTreeMap::new() }
    }
}

impl Side for Real {
    fn open(&mut self, client: u16) {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
        self.lines.insert(client, (stream, BytesMut::new()));
    }

    fn is_open(&self, client: u16) -> bool {
        self.lines.contains_key(&client)
    }

    fn send(&mut self, client: u16, packet: &Packet) {
        let Some((stream, _)) = self.lines.get_mut(&client) else { return };
        let mut bytes = BytesMut::new();
        to_wire(packet).write(&mut bytes, None).expect("it can be written");
        // A connection that the broker has closed is noticed where it is read.
        let _ = stream.write_all(&bytes);
    }

    fn close(&mut self, client: u16) {
        self.lines.remove(&client);
    }

    fn come(&mut self, client: u16) -> Vec<Packet> {
        self.send(client, &Packet::PingReq);
        let Some((stream, buffer)) = self.lines.get_mut(&client) else { return Vec::new() };
        let mut packets = Vec::new();
        loop {
            match wire::Packet::read(buffer, None) {
                Ok(wire::Packet::PingResp(_)) => return packets,
                Ok(packet) => packets.push(from_wire(packet)),
                Err(Error::InsufficientBytes(_)) => {
                    let mut part = [0; 4096];
                    match stream.read(&mut part) {
                        Ok(0) => break,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("the broker does not answer"),
                        Err(_) => break,
                        Ok(count) => buffer.extend_from_slice(&part[..count]),
                    }
                }
                Err(error) => panic!("the broker sends what cannot be read: {error}"),
            }
        }
        self.lines.remove(&client);
        packets
    }
}

/// The model.
pub struct Model {
    engine: Engine,
    opened: u64,
    lines: BTreeMap<u16, (ConnectionId, Vec<Packet>)>,
}

impl Model {
    pub fn new(receive_maximum: u16) -> Self {
        let settings = Settings { receive_maximum, overlap: Overlap::CopyEach, locked: None };
        Model { engine: Engine::new(settings), opened: 0, lines: BTreeMap::new() }
    }

    fn handle(&mut self, input: Input) {
        for output in self.engine.handle(Now { at: Time::ms(1), bug: None }, input) {
            match output {
                Output::Send(to, packet) => {
                    let line = self.lines.values_mut().find(|(id, _)| *id == to);
                    line.into_iter().for_each(|(_, packets)| packets.push(packet.clone()));
                }
                Output::Close(id) => {
                    let line = self.lines.values_mut().find(|(of, _)| *of == id);
                    // Closed: what was sent before can still be read.
                    line.into_iter().for_each(|(of, _)| *of = ConnectionId(0));
                }
            }
        }
    }
}

impl Side for Model {
    fn open(&mut self, client: u16) {
        self.opened += 1;
        self.lines.insert(client, (ConnectionId(self.opened), Vec::new()));
    }

    fn is_open(&self, client: u16) -> bool {
        self.lines.contains_key(&client)
    }

    fn send(&mut self, client: u16, packet: &Packet) {
        if let Some((id, _)) = self.lines.get(&client)
            && id.0 > 0
        {
            self.handle(Input::Packet(*id, packet.clone()));
        }
    }

    fn close(&mut self, client: u16) {
        if let Some((id, _)) = self.lines.remove(&client)
            && self.engine.client(id).is_some()
        {
            self.handle(Input::Lost(id));
        }
    }

    fn come(&mut self, client: u16) -> Vec<Packet> {
        let Some((id, packets)) = self.lines.get_mut(&client) else { return Vec::new() };
        let packets = std::mem::take(packets);
        if id.0 == 0 {
            self.lines.remove(&client);
        }
        packets
    }
}
