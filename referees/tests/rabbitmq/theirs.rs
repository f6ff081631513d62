//! The server's side: connections and channels of a client, and what has come on them.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use lapin::options::{BasicConsumeOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection, ConnectionProperties, Consumer, ErrorKind, ExchangeKind};
use real_tokio::runtime::{Builder, Runtime};
use seedbed_models::communication::message_queue::books::command::Command;
use seedbed_models::communication::message_queue::names::{ChannelId, ConnectionId};

use crate::methods;
use crate::said::{Answer, Came};
use crate::words;

/// A channel, which confirms publishes.
pub struct Open {
    pub channel: Channel,
    pub consumers: BTreeMap<u16, Consumer>,
    /// It never gets anything, but is told why the channel is closed: what is not answered by the server may find the channel closed
    /// already, and the client says no more than that.
    witness: Consumer,
}

impl Open {
    /// The reply code of an error, and whether it is a "hard" one.
    async fn why(&mut self, error: lapin::Error) -> (u16, bool) {
        let mut error = error;
        loop {
            if let ErrorKind::ProtocolError(why) = error.kind() {
                return (why.get_id(), error.is_amqp_hard_error());
            }
            let told = poll_fn(|context| Pin::new(&mut self.witness).poll_next(context)).await;
            error = match told {
                Some(Err(told)) => told,
                told => panic!("the server closes channels, and says why: {error}, {told:?}"),
            };
        }
    }
}

/// A connection, with a runtime of its own: it is lost with that.
struct Link {
    runtime: Runtime,
    connection: Connection,
    channels: BTreeMap<u16, Open>,
}

impl Link {
    fn open(port: u16) -> Link {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let uri = format!("amqp://127.0.0.1:{port}/%2f");
        let connection = runtime.block_on(Connection::connect(&uri, ConnectionProperties::default()));
        Link { runtime, connection: connection.expect("the server listens"), channels: BTreeMap::new() }
    }
}

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    /// `connection.close`.
    Closed,
    /// Its socket is closed, without a word.
    Lost,
}

/// A client of the server.
pub struct Theirs {
    port: u16,
    links: BTreeMap<ConnectionId, Link>,
    /// For looking: no command comes from it.
    looks: Link,
    look: Channel,
    /// A queue to which nothing comes.
    idle: String,
}

/// How long a queue is, and how many consumers it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    pub ready: u64,
    pub consumers: u64,
}

impl Theirs {
    pub fn new(port: u16) -> Self {
        let looks = Link::open(port);
        let look = looks.runtime.block_on(looks.connection.create_channel()).expect("a channel");
        let idle = look.queue_declare("".into(), QueueDeclareOptions::default(), FieldTable::default());
        let idle = looks.runtime.block_on(idle).expect("a queue").name().to_string();
        Theirs { port, links: BTreeMap::new(), looks, look, idle }
    }

    pub fn tell(&mut self, command: &Command) -> Answer {
        let Some(id) = command.channel() else { panic!("this command comes on no channel: {command:?}") };
        let port = self.port;
        let link = self.links.entry(id.connection).or_insert_with(|| Link::open(port));
        match command {
            Command::OpenChannel(_) => open_channel(link, id, &self.idle),
            Command::CloseChannel(_) => close_channel(link, id),
            command => {
                let Link { runtime, channels, .. } = link;
                let open = channels.get_mut(&id.number).expect("the channel is open");
                let answer = runtime.block_on(methods::call(open, command));
                let refused = answer.map_err(|error| runtime.block_on(open.why(error)));
                refused.unwrap_or_else(|(code, is_hard)| self.closed(id, code, is_hard))
            }
        }
    }

    /// Something was refused: with a "soft" error the channel is closed, with a "hard" one the connection.
    fn closed(&mut self, id: ChannelId, code: u16, is_hard: bool) -> Answer {
        if is_hard {
            self.end(id.connection, Ending::Lost);
        } else if let Some(link) = self.links.get_mut(&id.connection) {
            link.channels.remove(&id.number);
        }
        Answer::Closed(code)
    }

    /// Ends a connection.
    pub fn end(&mut self, connection: ConnectionId, how: Ending) {
        let Some(link) = self.links.remove(&connection) else { return };
        match how {
            Ending::Closed => {
                link.runtime.block_on(link.connection.close(200, "".into())).expect("it is open");
                link.runtime.shutdown_background();
            }
            Ending::Lost => link.runtime.shutdown_background(),
        }
    }

    /// What has come on channels since the last call.
    pub fn came(&mut self) -> BTreeMap<ChannelId, Came> {
        let mut all = BTreeMap::new();
        for (connection, link) in &mut self.links {
            for (number, open) in &mut link.channels {
                let came = came_on(open);
                if came != Came::default() {
                    all.insert(ChannelId { connection: *connection, number: *number }, came);
                }
            }
        }
        all
    }

    /// How long a queue is (`queue.declare`, passive); `None` if there is none of this name.
    pub fn length(&mut self, queue: &str) -> Option<Length> {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let declared = self.look.queue_declare(queue.into(), options, FieldTable::default());
        match self.looks.runtime.block_on(declared) {
            Ok(queue) => Some(Length { ready: queue.message_count().into(), consumers: queue.consumer_count().into() }),
            Err(error) => self.is_not_there(&error),
        }
    }

    /// Whether there is an exchange of this name.
    pub fn has_exchange(&mut self, exchange: &str) -> bool {
        let declared =
            self.look.exchange_declare(exchange.into(), ExchangeKind::Direct, passive(), FieldTable::default());
        match self.looks.runtime.block_on(declared) {
            Ok(()) => true,
            Err(error) => self.is_not_there::<()>(&error).is_some(),
        }
    }

    fn is_not_there<T>(&mut self, error: &lapin::Error) -> Option<T> {
        assert!(
            matches!(error.kind(), ErrorKind::ProtocolError(why) if why.get_id() == 404),
            "it is there, or not: {error}"
        );
        self.look = self.looks.runtime.block_on(self.looks.connection.create_channel()).expect("a channel");
        None
    }

    /// Ends all connections, and deletes what there is of these names.
    pub fn clear(&mut self, exchanges: &[String], queues: &[String]) {
        let links: Vec<ConnectionId> = self.links.keys().copied().collect();
        links.into_iter().for_each(|connection| self.end(connection, Ending::Closed));
        for queue in queues {
            let deleted = self.look.queue_delete(queue.as_str().into(), Default::default());
            self.looks.runtime.block_on(deleted).expect("any queue can be deleted");
        }
        for exchange in exchanges {
            let deleted = self.look.exchange_delete(exchange.as_str().into(), Default::default());
            self.looks.runtime.block_on(deleted).expect("any exchange can be deleted");
        }
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let links: Vec<ConnectionId> = self.links.keys().copied().collect();
        links.into_iter().for_each(|connection| self.end(connection, Ending::Lost));
    }
}

/// To look for an exchange, and not to declare one.
pub fn passive() -> ExchangeDeclareOptions {
    ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() }
}

fn open_channel(link: &mut Link, id: ChannelId, idle: &str) -> Answer {
    let open = link.runtime.block_on(async {
        let channel = link.connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let witness = channel.basic_consume(idle.into(), "witness".into(), options, FieldTable::default()).await?;
        lapin::Result::Ok(Open { channel, consumers: BTreeMap::new(), witness })
    });
    link.channels.insert(id.number, open.expect("a channel can be opened"));
    Answer::Done
}

fn close_channel(link: &mut Link, id: ChannelId) -> Answer {
    let open = link.channels.remove(&id.number).expect("the channel is open");
    link.runtime.block_on(open.channel.close(200, ShortString::from(""))).expect("an open channel can be closed");
    Answer::Done
}

/// Takes what the consumers of a channel have got. A stream that ends is that of a consumer which the broker has cancelled.
fn came_on(open: &mut Open) -> Came {
    let mut came = Came::default();
    let mut context = Context::from_waker(Waker::noop());
    open.consumers.retain(|tag, consumer| {
        loop {
            match Pin::new(&mut *consumer).poll_next(&mut context) {
                Poll::Ready(Some(Ok(delivery))) => came.deliveries.push(words::delivered(&delivery, Some(*tag))),
                Poll::Ready(Some(Err(_))) => {}
                Poll::Ready(None) => {
                    came.cancelled.push(*tag);
                    return false;
                }
                Poll::Pending => return true,
            }
        }
    });
    came.deliveries.sort_by_key(|delivered| delivered.tag);
    came
}
