//! A client: its pool, and what it does with it. On every new connection it opens its channels and declares the topology again
//! (RabbitMQ, *Reliability Guide*, "Recovering from Connection Failures").

use seedbed_sim::{Context, NodeId, OpId, Process};

use crate::communication::message_queue::books::command::{Command, Exception};
use crate::communication::message_queue::bugs::Bug;
use crate::communication::message_queue::client::consumer::Consumer;
use crate::communication::message_queue::client::pool::{Event, Pool};
use crate::communication::message_queue::client::publisher::Publisher;
use crate::communication::message_queue::marks;
use crate::communication::message_queue::messages::{Frame, Message, Op, Record, Ret, Timer};
use crate::communication::message_queue::names::{ChannelId, ConnectionId};
use crate::communication::message_queue::topology::Topology;

/// What a client does.
#[derive(Clone, Debug, Hash)]
pub enum Role {
    /// It publishes.
    Publisher(Publisher),
    /// It consumes.
    Consumer(Consumer),
}

/// A client.
#[derive(Clone, Debug, Hash)]
pub struct Client {
    pool: Pool,
    topology: Topology,
    /// How many channels it has on a connection.
    channels: u16,
    role: Role,
}

impl Client {
    /// A client that has started nothing.
    pub fn new(pool: Pool, topology: Topology, channels: u16, role: Role) -> Self {
        Client { pool, topology, channels, role }
    }

    /// What it does, if it publishes.
    pub fn publisher(&self) -> Option<&Publisher> {
        match &self.role {
            Role::Publisher(publisher) => Some(publisher),
            Role::Consumer(_) => None,
        }
    }

    /// What it does, if it consumes.
    pub fn consumer(&self) -> Option<&Consumer> {
        match &self.role {
            Role::Consumer(consumer) => Some(consumer),
            Role::Publisher(_) => None,
        }
    }

    /// Its connections.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    fn happened(&mut self, ctx: &mut Context<'_, Self>, event: Option<Event>) {
        match event {
            Some(Event::Opened(connection)) => self.opened(ctx, connection),
            Some(Event::Lost(connection)) => match &mut self.role {
                Role::Publisher(publisher) => publisher.lost(ctx, &mut self.pool, connection),
                Role::Consumer(consumer) => consumer.lost(ctx, connection),
            },
            Some(Event::Frames(frames)) => frames.into_iter().for_each(|frame| self.frame(ctx, frame)),
            None => {}
        }
    }

    /// Recovers the topology on a new connection: channels, exchanges, queues and bindings, and then who uses them.
    fn opened(&mut self, ctx: &mut Context<'_, Self>, connection: ConnectionId) {
        let channels: Vec<ChannelId> = (1..=self.channels).map(|number| ChannelId { connection, number }).collect();
        let open = channels.iter().map(|channel| Command::OpenChannel(*channel));
        let declare = channels.first().map(|channel| self.topology.declarations(*channel)).unwrap_or_default();
        for command in open.chain(declare) {
            self.pool.send(ctx, connection, Frame::Topology(command));
        }
        match &mut self.role {
            Role::Publisher(publisher) => publisher.opened(ctx, &mut self.pool, channels),
            Role::Consumer(consumer) => {
                if consumer.comes_back() {
                    ctx.mark(marks::CONSUMER_CAME_BACK);
                    if ctx.planted(Bug::ConsumerNotRecovered) {
                        return;
                    }
                }
                for channel in channels {
                    consumer.subscribe(ctx, &mut self.pool, channel);
                }
            }
        }
    }

    /// It begins anew, on another connection: what has come to be so that its declarations are refused may be mended.
    fn anew(&mut self, ctx: &mut Context<'_, Self>, channel: ChannelId) {
        let lost = self.pool.lose(ctx, channel.connection);
        self.happened(ctx, lost);
    }

    fn frame(&mut self, ctx: &mut Context<'_, Self>, frame: Frame) {
        match (frame, &mut self.role) {
            (Frame::ChannelClosed(channel, exception), role) => {
                if let (Role::Publisher(publisher), Exception::ResourceLocked) = (role, exception) {
                    publisher.locked_out(ctx, channel);
                }
                self.anew(ctx, channel);
            }
            (Frame::Cancelled(channel, _), _) => self.anew(ctx, channel),
            (Frame::Deliver(delivery), Role::Consumer(consumer)) => consumer.deliver(ctx, *delivery),
            (frame, Role::Publisher(publisher)) => publisher.frame(ctx, &mut self.pool, frame),
            (frame, Role::Consumer(_)) => panic!("no frame for a consumer: {frame:?}"),
        }
    }
}

impl Process for Client {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.pool.start(ctx);
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: Op) {
        match &mut self.role {
            Role::Publisher(publisher) => publisher.begin(ctx, &mut self.pool, op, input),
            Role::Consumer(_) => panic!("a consumer is asked for nothing: {op:?} {input:?}"),
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        let event = self.pool.message(ctx, from, message);
        self.happened(ctx, event);
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match (timer, &mut self.role) {
            (Timer::Resend(connection), _) => self.pool.resend(ctx, connection),
            (Timer::Beat(connection), _) => {
                let event = self.pool.beat(ctx, connection);
                self.happened(ctx, event);
            }
            (Timer::Reconnect(slot), _) => self.pool.reconnect(ctx, slot),
            (Timer::Work, Role::Consumer(consumer)) => consumer.work(ctx, &mut self.pool),
            (Timer::Flush, Role::Consumer(consumer)) => consumer.flush(ctx, &mut self.pool),
            (timer, _) => panic!("no timer of a client: {timer:?}"),
        }
    }
}
