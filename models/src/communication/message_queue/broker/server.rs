//! A broker: it keeps connections with clients, tells the books what clients ask, and clients what comes of it.

use std::collections::BTreeMap;

use seedbed_sim::{Context, NodeId, Process, Span, Written};

use crate::communication::message_queue::books::command::{Answer, Command, Effects, Exception, Publish};
use crate::communication::message_queue::books::state::Books;
use crate::communication::message_queue::broker::confirms::{Confirms, Handled};
use crate::communication::message_queue::broker::store::{Changes, Store};
use crate::communication::message_queue::bugs::Bug;
use crate::communication::message_queue::connection::{Connection, Settings};
use crate::communication::message_queue::marks;
use crate::communication::message_queue::messages::{Frame, Message, Op, Packet, Record, Ret, Timer};
use crate::communication::message_queue::names::{Attempt, BodyId, ChannelId, ConnectionId, unique};

/// A connection with a client.
#[derive(Clone, Debug, Hash)]
struct Client {
    /// The attempt that has opened it: it may arrive again.
    attempt: Attempt,
    connection: Connection,
    /// The channels whose publishes are confirmed.
    confirms: BTreeMap<ChannelId, Confirms>,
}

/// What a command that is under way was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Asked {
    /// By the broker itself, or by a method that is not answered.
    Unanswered,
    /// By a publish.
    Publish {
        /// Its number, if it is to be confirmed.
        seq: Option<u64>,
        mandatory: bool,
        body: BodyId,
    },
    /// By `basic.get`.
    Get,
}

/// Who asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Ticket {
    channel: Option<ChannelId>,
    asked: Asked,
}

/// A broker. All but its store is volatile.
#[derive(Clone, Debug, Hash)]
pub struct Broker {
    store: Store,
    settings: Settings,
    clients: BTreeMap<ConnectionId, Client>,
    /// How many connections were opened in this life.
    opened: u64,
    /// The commands that the group has not executed yet.
    under_way: BTreeMap<u64, Ticket>,
}

impl Broker {
    /// A broker without connections.
    pub fn new(store: Store, settings: Settings) -> Self {
        Broker { store, settings, clients: BTreeMap::new(), opened: 0, under_way: BTreeMap::new() }
    }

    /// The books, as this broker has them.
    pub fn books(&self) -> &Books {
        self.store.books()
    }

    /// Where the books are.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The connections with clients.
    pub fn connections(&self) -> impl Iterator<Item = ConnectionId> {
        self.clients.keys().copied()
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The books

    fn tell(&mut self, ctx: &mut Context<'_, Self>, ticket: Ticket, command: Command) {
        match &mut self.store {
            Store::Classic(classic) => {
                let (effects, written) = classic.execute(ctx, command);
                self.executed(ctx, ticket, effects, written);
                self.arm_due(ctx);
            }
            Store::Quorum(quorum) => {
                let (number, changes) = quorum.invoke(ctx, command);
                self.under_way.insert(number, ticket);
                self.changed(ctx, changes);
            }
        }
    }

    /// The group has executed commands, or is led by another one.
    fn changed(&mut self, ctx: &mut Context<'_, Self>, changes: Changes) {
        if changes.ceased_to_lead {
            self.cease(ctx);
        }
        for (number, effects) in changes.executed {
            if let Some(ticket) = self.under_way.remove(&number) {
                // What the group has agreed on survives.
                self.executed(ctx, ticket, effects, Written::early(()));
            }
        }
        if changes.began_to_lead {
            ctx.mark(marks::LED_AGAIN_BY_ANOTHER);
            self.tell(ctx, Ticket { channel: None, asked: Asked::Unanswered }, Command::TakeOver);
        }
        if changes.progressed {
            self.arm_due(ctx);
        }
    }

    /// It does not lead any more: whoever is connected has to go to who does.
    fn cease(&mut self, ctx: &mut Context<'_, Self>) {
        self.under_way.clear();
        ctx.cancel(&Timer::Due);
        for client in std::mem::take(&mut self.clients).into_values() {
            client.connection.close(ctx);
        }
    }

    fn executed(&mut self, ctx: &mut Context<'_, Self>, ticket: Ticket, effects: Effects, written: Written<()>) {
        let Effects { answer, deliveries, cancelled } = effects;
        if let Some(channel) = ticket.channel {
            self.answer(ctx, channel, ticket.asked, answer, written);
        }
        for delivery in deliveries {
            if delivery.redelivered {
                ctx.mark(marks::REDELIVERED);
            }
            self.send(ctx, delivery.channel.connection, Frame::Deliver(Box::new(delivery)));
        }
        for (channel, consumer) in cancelled {
            self.send(ctx, channel.connection, Frame::Cancelled(channel, consumer));
        }
    }

    fn answer(
        &mut self,
        ctx: &mut Context<'_, Self>,
        channel: ChannelId,
        asked: Asked,
        answer: Answer,
        written: Written<()>,
    ) {
        match (asked, answer) {
            (_, Answer::Closed(exception)) => {
                // (That nobody may get a message of this queue its client will say.)
                if exception != Exception::ResourceLocked {
                    ctx.mark(marks::CHANNEL_CLOSED_FOR_A_REASON);
                }
                self.send(ctx, channel.connection, Frame::ChannelClosed(channel, exception));
            }
            (Asked::Publish { seq, mandatory, body }, Answer::Published { routed, accepted }) => {
                if !routed && mandatory && !ctx.planted(Bug::MandatoryIgnored) {
                    ctx.mark(marks::RETURNED);
                    self.send(ctx, channel.connection, Frame::Return(channel, body));
                }
                let accepted = accepted || ctx.planted(Bug::RefusedButConfirmed);
                self.handled(channel, seq, Handled { written, accepted });
            }
            (Asked::Get, Answer::Got(delivery)) => {
                self.send(ctx, channel.connection, Frame::Got(channel, delivery));
            }
            _ => {}
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Confirms

    fn handled(&mut self, channel: ChannelId, seq: Option<u64>, handled: Handled) {
        let client = self.clients.get_mut(&channel.connection);
        let confirms = client.and_then(|client| client.confirms.get_mut(&channel));
        if let (Some(confirms), Some(seq)) = (confirms, seq) {
            confirms.handled(seq, handled);
        }
    }

    /// Says what can be said of publishes: of persistent messages "after persisting to disk", of those in quorum queues when a quorum
    /// has them (*Publisher Confirms*, "When Will Published Messages Be Confirmed by the Broker?").
    fn confirm(&mut self, ctx: &mut Context<'_, Self>) {
        let careless = ctx.planted(Bug::RefusalCoversTheNext);
        for Client { connection, confirms, .. } in self.clients.values_mut() {
            for (channel, confirms) in confirms {
                for mut due in confirms.due(ctx, careless) {
                    if due.multiple {
                        ctx.mark(marks::CONFIRMED_SEVERAL);
                    }
                    let one_more = ctx.planted(Bug::ConfirmMultipleOffByOne) && confirms.is_outstanding(due.seq + 1);
                    due.seq += u64::from(due.multiple && one_more);
                    let (channel, accepted) = (*channel, due.accepted);
                    let frame = Frame::Confirm { channel, seq: due.seq, multiple: due.multiple, accepted };
                    // What it speaks of is on disk: it does not wait for what was written since.
                    connection.send_early(ctx, frame);
                }
            }
        }
    }

    fn publish(&mut self, ctx: &mut Context<'_, Self>, channel: ChannelId, publish: Box<Publish>) {
        let confirms = self.clients.get_mut(&channel.connection).and_then(|client| client.confirms.get_mut(&channel));
        let seq = confirms.map(Confirms::number);
        let ticket = Ticket {
            channel: Some(channel),
            asked: Asked::Publish { seq, mandatory: publish.mandatory, body: publish.body.id },
        };
        self.tell(ctx, ticket, Command::Publish(channel, publish));
        if ctx.planted(Bug::ConfirmBeforeSync) {
            self.handled(channel, seq, Handled { written: Written::early(()), accepted: true });
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Connections

    fn send(&mut self, ctx: &mut Context<'_, Self>, to: ConnectionId, frame: Frame) {
        // A connection that is closed gets nothing: its deliveries come back when the books hear of it.
        if let Some(client) = self.clients.get_mut(&to) {
            client.connection.send(ctx, frame);
        }
    }

    fn open(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, attempt: Attempt) {
        if let Store::Quorum(quorum) = &self.store
            && !quorum.server().is_leader()
        {
            return ctx.send(from, Message::NotLeader(attempt, quorum.leader()));
        }
        let known = self.clients.iter().find(|(_, client)| client.attempt == attempt).map(|(id, _)| *id);
        let id = known.unwrap_or_else(|| self.connect(ctx, from, attempt));
        ctx.send(from, Message::Opened(attempt, id));
    }

    fn connect(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, attempt: Attempt) -> ConnectionId {
        self.opened += 1;
        let id = ConnectionId(unique(ctx, from, self.opened));
        let connection = Connection::open(ctx, id, from, self.settings);
        let before = self.clients.insert(id, Client { attempt, connection, confirms: BTreeMap::new() });
        assert!(before.is_none(), "connections have names of their own: {id:?}");
        id
    }

    /// A connection is lost: what it had not acknowledged goes back to the queues.
    fn close(&mut self, ctx: &mut Context<'_, Self>, id: ConnectionId) {
        let Some(client) = self.clients.remove(&id) else { return };
        client.connection.close(ctx);
        self.tell(ctx, Ticket { channel: None, asked: Asked::Unanswered }, Command::CloseConnection(id));
    }

    fn packet(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, packet: Packet) {
        let id = packet.connection;
        let Some(client) = self.clients.get_mut(&id) else {
            ctx.mark(marks::CONNECTION_UNKNOWN);
            return ctx.send(from, Message::Closed(id));
        };
        for frame in client.connection.receive(ctx, packet.segment) {
            self.frame(ctx, id, frame);
        }
    }

    fn frame(&mut self, ctx: &mut Context<'_, Self>, id: ConnectionId, frame: Frame) {
        let (asked, command) = match frame {
            Frame::Publish(channel, publish) => return self.publish(ctx, channel, publish),
            Frame::SelectConfirms(channel) => {
                let client = self.clients.get_mut(&id);
                client.map(|client| client.confirms.entry(channel).or_default());
                return;
            }
            Frame::Get(command) => (Asked::Get, command),
            Frame::Topology(command) | Frame::Consume(command) | Frame::Settle(command) => (Asked::Unanswered, command),
            frame => panic!("no frame for a broker: {frame:?} on {id:?}"),
        };
        let channel = command.channel();
        assert!(channel.is_some_and(|channel| channel.connection == id), "a method is on a channel of its connection");
        self.tell(ctx, Ticket { channel, asked }, command);
    }

    fn arm_due(&self, ctx: &mut Context<'_, Self>) {
        match self.books().next_due().filter(|_| self.store.serves()) {
            Some(due) => ctx.arm(Timer::Due, due.since(ctx.now()).max(Span(1))),
            None => ctx.cancel(&Timer::Due),
        }
    }

    fn host(
        &mut self,
        ctx: &mut Context<'_, Self>,
        handler: impl FnOnce(
            &mut crate::replication::raft::Server<Books>,
            &mut Context<'_, crate::replication::raft::Server<Books>>,
        ),
    ) {
        let Store::Quorum(quorum) = &mut self.store else { panic!("a broker with classic queues has no group") };
        let changes = quorum.host(ctx, handler);
        self.changed(ctx, changes);
    }
}

impl Process for Broker {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        match &mut self.store {
            Store::Classic(classic) => {
                if classic.recover(ctx) {
                    self.arm_due(ctx);
                }
            }
            Store::Quorum(_) => self.host(ctx, |server, ctx| server.start(ctx)),
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Open(attempt) => self.open(ctx, from, attempt),
            Message::Packet(packet) => self.packet(ctx, from, packet),
            Message::Heartbeat(id) => match self.clients.get_mut(&id) {
                Some(client) => client.connection.heard(ctx),
                None => ctx.send(from, Message::Closed(id)),
            },
            Message::Closed(id) => self.close(ctx, id),
            Message::Raft(message) => self.host(ctx, |server, ctx| server.message(ctx, from, message)),
            message => panic!("no message for a broker: {from} sent {message:?}"),
        }
        self.confirm(ctx);
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Raft(timer) => self.host(ctx, |server, ctx| server.timer(ctx, timer)),
            Timer::Due => {
                ctx.mark(marks::SOMETHING_EXPIRED);
                self.tell(ctx, Ticket { channel: None, asked: Asked::Unanswered }, Command::Tick);
            }
            Timer::Resend(id) => {
                if let Some(client) = self.clients.get_mut(&id) {
                    client.connection.resend(ctx);
                }
            }
            Timer::Beat(id) => {
                let is_alive = self.clients.get(&id).is_some_and(|client| client.connection.beat(ctx));
                if !is_alive {
                    self.close(ctx, id);
                }
            }
            timer => panic!("no timer of a broker: {timer:?}"),
        }
        self.confirm(ctx);
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        if matches!(self.store, Store::Quorum(_)) {
            self.host(ctx, |server, ctx| server.synced(ctx));
        }
        self.confirm(ctx);
    }
}
