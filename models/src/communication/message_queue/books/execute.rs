//! One command after the other: `execute` is the whole of what the books do, and a function of what they are told.

use seedbed_sim::Time;

use crate::communication::message_queue::books::command::{Answer, Command, Effects, Exception, Stamped};
use crate::communication::message_queue::books::journal::Return;
use crate::communication::message_queue::books::state::Books;
use crate::communication::message_queue::bugs::Bug;
use crate::replication::raft::machine::StateMachine;

impl Books {
    /// Executes a command at this time. What has become due before is done first.
    pub fn execute(&mut self, at: Time, command: Command) -> Effects {
        // Clocks go back, and the next leader's may be behind.
        self.now = self.now.max(at);
        let mut effects = Effects::default();
        self.run(&mut effects);
        effects.answer = self.answer(command, &mut effects);
        self.run(&mut effects);
        effects
    }

    fn answer(&mut self, command: Command, effects: &mut Effects) -> Answer {
        let Some(channel) = command.channel() else {
            self.of_broker(command, effects);
            return Answer::Done;
        };
        if !self.channels.contains_key(&channel) && !matches!(command, Command::OpenChannel(_)) {
            return Answer::NoChannel;
        }
        self.on_channel(command, effects).unwrap_or_else(|exception| {
            if exception.is_hard() {
                self.close_connection(channel.connection);
            } else {
                self.close_channel(channel, Return::Closed);
            }
            Answer::Closed(exception)
        })
    }

    fn of_broker(&mut self, command: Command, effects: &mut Effects) {
        match command {
            Command::CloseConnection(connection) => self.close_connection(connection),
            Command::Restart => self.restart(effects),
            Command::TakeOver if self.planted(Bug::TakeoverForgotten) => {}
            Command::TakeOver => self.take_over(),
            Command::Tick => {}
            command => panic!("this command comes on a channel: {command:?}"),
        }
    }

    fn on_channel(&mut self, command: Command, effects: &mut Effects) -> Result<Answer, Exception> {
        match command {
            Command::DeclareExchange(_, exchange, kind, durable) => self.declare_exchange(exchange, kind, durable.0),
            Command::DeleteExchange(_, exchange, only_if) => self.delete_exchange(&exchange, only_if),
            Command::DeclareQueue(_, queue, settings) => self.declare_queue(queue, *settings),
            Command::DeleteQueue(_, queue, only_if) => self.delete_queue(&queue, only_if, effects),
            Command::Purge(_, queue) => self.purge(&queue),
            Command::Bind(_, exchange, queue, binding) => self.bind(&exchange, queue, *binding, true),
            Command::Unbind(_, exchange, queue, binding) => self.bind(&exchange, queue, *binding, false),
            Command::OpenChannel(channel) => self.open_channel(channel),
            Command::CloseChannel(channel) => {
                self.close_channel(channel, Return::Closed);
                Ok(Answer::Done)
            }
            Command::Qos { channel, prefetch, global } => self.qos(channel, prefetch, global),
            Command::Consume(channel, queue, tag, mode) => self.consume(channel, queue, tag, mode),
            Command::Cancel(channel, tag) => self.cancel(channel, tag),
            Command::Get(channel, queue, mode) => self.get(channel, &queue, mode),
            Command::Publish(channel, publish) => self.publish(channel, *publish),
            Command::Settle { channel, tag, multiple, how } => self.settle(channel, tag, multiple, how),
            command @ (Command::CloseConnection(_) | Command::Restart | Command::TakeOver | Command::Tick) => {
                panic!("this command comes on no channel: {command:?}")
            }
        }
    }

    /// Executes a command that was logged, as it was executed when it was. With the planted bug that forgets them, dead letters
    /// go nowhere now.
    pub fn replay(&mut self, stamped: &Stamped) {
        self.forgets_dead_letters = stamped.bug == Some(Bug::DlxLostOnCrash);
        drop(self.apply(stamped));
        self.forgets_dead_letters = false;
    }
}

/// The books are what a group of brokers replicates.
impl StateMachine for Books {
    type Command = Stamped;
    type Output = Effects;

    fn apply(&mut self, stamped: &Stamped) -> Effects {
        self.bug = stamped.bug;
        self.execute(stamped.at, stamped.command.clone())
    }
}
