//! Short words for packets.

use seedbed_models::communication::pub_sub::engine::{Engine, Input, Now, Output, Overlap, Settings};
use seedbed_models::communication::pub_sub::names::{BodyId, ClientId, ConnectionId, PacketId, SubscriptionId};
use seedbed_models::communication::pub_sub::packet::{
    Body, Connect, Message, Options, Packet, Publish, Qos, Reason, SessionExpiry, Will,
};
use seedbed_models::communication::pub_sub::topic::{Filter, Topic};
use seedbed_sim::{Span, Time};

pub const ANN: ClientId = ClientId(1);
pub const BOB: ClientId = ClientId(2);
pub const EVE: ClientId = ClientId(3);

/// A broker, and a connection of each client.
pub struct Desk {
    pub engine: Engine,
    pub at: Time,
}

/// The connection with this number.
pub fn line(number: u64) -> ConnectionId {
    ConnectionId(number)
}

pub fn settings() -> Settings {
    Settings { receive_maximum: 2, overlap: Overlap::OneCopy, locked: Some(Topic::from("locked")) }
}

pub fn connect(client: ClientId) -> Connect {
    Connect {
        client,
        clean_start: false,
        expiry: SessionExpiry::Never,
        receive_maximum: 2,
        keep_alive: Span::ms(300),
        will: None,
    }
}

pub fn message(topic: &str, qos: Qos, body: u64) -> Message {
    let body = Body { id: BodyId(body), empty: false };
    Message { topic: Topic::from(topic), qos, retain: false, body, expiry: None }
}

pub fn publish(message: Message, id: u16) -> Packet {
    let id = (message.qos > Qos::AtMostOnce).then_some(PacketId(id));
    Packet::Publish(Box::new(Publish { message, dup: false, id, subscriptions: Vec::new() }))
}

pub fn subscribe(filter: &str, options: Options) -> Packet {
    Packet::Subscribe(PacketId(99), vec![(Filter::from(filter), options)], Some(SubscriptionId(1)))
}

pub fn will(delay: Span) -> Option<Will> {
    Some(Will { message: message("will", Qos::AtLeastOnce, 77), delay })
}

impl Desk {
    pub fn new() -> Self {
        Desk { engine: Engine::new(settings()), at: Time::ms(0) }
    }

    /// With this client on the connection of its number.
    pub fn with(mut self, client: ClientId) -> Self {
        let sent = self.connect(u64::from(client.0), connect(client));
        assert_eq!(sent, [Packet::ConnAck { session_present: false, receive_maximum: 2 }]);
        self
    }

    /// With a subscription of that client.
    pub fn subscribed(mut self, client: ClientId, filter: &str, qos: Qos) -> Self {
        let sent = self.says(u64::from(client.0), subscribe(filter, Options::of(qos)));
        assert_eq!(sent[0], Packet::SubAck(PacketId(99), vec![Reason::Granted(qos)]));
        self
    }

    pub fn input(&mut self, input: Input) -> Vec<Output> {
        self.engine.handle(Now { at: self.at, bug: None }, input)
    }

    pub fn pass(&mut self, by: Span) -> &mut Self {
        self.at += by;
        self
    }

    pub fn connect(&mut self, connection: u64, connect: Connect) -> Vec<Packet> {
        self.says(connection, Packet::Connect(Box::new(connect)))
    }

    /// A packet comes on a connection: what is sent on the same one.
    pub fn says(&mut self, connection: u64, packet: Packet) -> Vec<Packet> {
        let outputs = self.input(Input::Packet(line(connection), packet));
        on(&outputs, connection)
    }

    /// A packet comes on a connection: what is sent on another.
    pub fn hears(&mut self, connection: u64, packet: Packet, other: u64) -> Vec<Packet> {
        let outputs = self.input(Input::Packet(line(connection), packet));
        on(&outputs, other)
    }
}

/// What is sent on a connection.
pub fn on(outputs: &[Output], connection: u64) -> Vec<Packet> {
    let packet = |output: &Output| match output {
        Output::Send(to, packet) if *to == line(connection) => Some(packet.clone()),
        _ => None,
    };
    outputs.iter().filter_map(packet).collect()
}

/// The messages among packets: body, QoS, packet identifier, DUP.
pub fn messages(packets: &[Packet]) -> Vec<(u64, Qos, u16, bool)> {
    let message = |packet: &Packet| match packet {
        Packet::Publish(publish) => {
            let id = publish.id.map_or(0, |id| id.0);
            Some((publish.message.body.id.0, publish.message.qos, id, publish.dup))
        }
        _ => None,
    };
    packets.iter().filter_map(message).collect()
}
