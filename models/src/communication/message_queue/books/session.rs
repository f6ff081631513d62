//! The books alone, without a world: a client with one channel calls them one method after the other, and time passes when it says
//! so. For who wants to try them, or to compare them with a real broker.

use seedbed_sim::{Span, Time};

use crate::communication::message_queue::books::command::{
    AckMode, Answer, Command, Delivery, Durable, Effects, Exception, OnlyIf, Publish,
};
use crate::communication::message_queue::books::exchange::{Binding, ExchangeKind};
use crate::communication::message_queue::books::journal::Settlement;
use crate::communication::message_queue::books::message::{Body, Properties};
use crate::communication::message_queue::books::settings::QueueSettings;
use crate::communication::message_queue::books::state::Books;
use crate::communication::message_queue::names::{
    BodyId, ChannelId, ConnectionId, ConsumerTag, DeliveryTag, ExchangeName, Key, QueueName,
};

/// Books, and a channel on which they are told what to do.
#[derive(Clone, Debug)]
pub struct Session {
    books: Books,
    now: Time,
    channel: ChannelId,
    deliveries: Vec<Delivery>,
}

/// What a method answers, or why the channel was closed. It is opened again at once.
pub type Answered = Result<Answer, Exception>;

impl Default for Session {
    fn default() -> Self {
        Session::new()
    }
}

impl Session {
    /// Empty books, and an open channel.
    pub fn new() -> Self {
        let channel = ChannelId { connection: ConnectionId(1), number: 1 };
        let mut session = Session { books: Books::default(), now: Time::ZERO, channel, deliveries: Vec::new() };
        session.tell(Command::OpenChannel(channel));
        session
    }

    /// The books.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// The channel that is used.
    pub fn channel(&self) -> ChannelId {
        self.channel
    }

    /// Uses another channel from now on, and opens it if it is not open.
    pub fn on(&mut self, connection: u64, number: u16) -> &mut Self {
        self.channel = ChannelId { connection: ConnectionId(connection), number };
        self.tell(Command::OpenChannel(self.channel));
        self
    }

    /// Tells the books anything, and returns the answer. What they deliver is kept for [`Session::delivered`].
    pub fn tell(&mut self, command: Command) -> Answer {
        let Effects { answer, deliveries, .. } = self.books.execute(self.now, command);
        self.deliveries.extend(deliveries);
        answer
    }

    fn ask(&mut self, command: Command) -> Answered {
        match self.tell(command) {
            Answer::Closed(exception) => {
                self.tell(Command::OpenChannel(self.channel));
                Err(exception)
            }
            answer => Ok(answer),
        }
    }

    /// Lets time pass.
    pub fn tick(&mut self, by: Span) {
        self.now += by;
        self.tell(Command::Tick);
    }

    /// What was delivered to consumers since the last call.
    pub fn delivered(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.deliveries)
    }

    /// `exchange.declare`, durable.
    ///
    /// # Errors
    /// If there is another one of this name.
    pub fn declare_exchange(&mut self, name: &str, kind: ExchangeKind) -> Answered {
        self.ask(Command::DeclareExchange(self.channel, ExchangeName::from(name), kind, Durable(true)))
    }

    /// `queue.declare`.
    ///
    /// # Errors
    /// If there is another one of this name, or none can be like this.
    pub fn declare_queue(&mut self, name: &str, settings: QueueSettings) -> Answered {
        self.ask(Command::DeclareQueue(self.channel, QueueName::from(name), Box::new(settings)))
    }

    /// `queue.bind`.
    ///
    /// # Errors
    /// If there is no such exchange or queue.
    pub fn bind(&mut self, exchange: &str, queue: &str, binding: Binding) -> Answered {
        let (exchange, queue) = (ExchangeName::from(exchange), QueueName::from(queue));
        self.ask(Command::Bind(self.channel, exchange, queue, Box::new(binding)))
    }

    /// `basic.publish`.
    ///
    /// # Errors
    /// If there is no such exchange.
    pub fn publish(&mut self, exchange: &str, key: &str, body: u64, properties: Properties) -> Answered {
        let (exchange, key) = (ExchangeName::from(exchange), Key::from(key));
        let publish = Publish { exchange, key, mandatory: false, properties, body: Body::of(BodyId(body)) };
        self.ask(Command::Publish(self.channel, Box::new(publish)))
    }

    /// `basic.qos`, for the consumers to come.
    ///
    /// # Errors
    /// None: the channel is open.
    pub fn qos(&mut self, prefetch: u16) -> Answered {
        self.ask(Command::Qos { channel: self.channel, prefetch, global: false })
    }

    /// `basic.consume`.
    ///
    /// # Errors
    /// If there is no such queue, or the tag is in use.
    pub fn consume(&mut self, queue: &str, tag: u16, mode: AckMode) -> Answered {
        self.ask(Command::Consume(self.channel, QueueName::from(queue), ConsumerTag(tag), mode))
    }

    /// `basic.get`.
    ///
    /// # Errors
    /// If there is no such queue.
    pub fn get(&mut self, queue: &str, mode: AckMode) -> Result<Option<Delivery>, Exception> {
        match self.ask(Command::Get(self.channel, QueueName::from(queue), mode))? {
            Answer::Got(delivery) => Ok(delivery.map(|delivery| *delivery)),
            answer => panic!("basic.get is answered by a delivery: {answer:?}"),
        }
    }

    /// `basic.ack`.
    ///
    /// # Errors
    /// If the tag is unknown.
    pub fn ack(&mut self, tag: DeliveryTag, multiple: bool) -> Answered {
        self.settle(tag, multiple, Settlement::Ack)
    }

    /// `basic.nack`.
    ///
    /// # Errors
    /// If the tag is unknown.
    pub fn nack(&mut self, tag: DeliveryTag, multiple: bool, requeue: bool) -> Answered {
        self.settle(tag, multiple, Settlement::Nack { requeue })
    }

    /// `basic.reject`.
    ///
    /// # Errors
    /// If the tag is unknown.
    pub fn reject(&mut self, tag: DeliveryTag, requeue: bool) -> Answered {
        self.settle(tag, false, Settlement::Reject { requeue })
    }

    fn settle(&mut self, tag: DeliveryTag, multiple: bool, how: Settlement) -> Answered {
        self.ask(Command::Settle { channel: self.channel, tag, multiple, how })
    }

    /// `queue.purge`.
    ///
    /// # Errors
    /// If there is no such queue.
    pub fn purge(&mut self, queue: &str) -> Answered {
        self.ask(Command::Purge(self.channel, QueueName::from(queue)))
    }

    /// `queue.delete`.
    ///
    /// # Errors
    /// None: a queue that is not there is deleted already.
    pub fn delete(&mut self, queue: &str) -> Answered {
        self.ask(Command::DeleteQueue(self.channel, QueueName::from(queue), OnlyIf::default()))
    }
}
