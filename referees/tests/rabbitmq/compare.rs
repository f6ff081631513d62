//! One sequence, by both. After each step it is waited until the server has come to where the model is: its queues work each for
//! itself, and what they do is not answered.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use seedbed_models::communication::message_queue::Bug;
use seedbed_models::communication::message_queue::books::command::{AckMode, Command};
use seedbed_models::communication::message_queue::books::queue::Queue;
use seedbed_models::communication::message_queue::books::settings::QueueKind;
use seedbed_models::communication::message_queue::names::{
    ChannelId, ConnectionId, ConsumerTag, DeliveryTag, QueueName,
};

use crate::mine::Mine;
use crate::said::Came;
use crate::steps::{Names, Sequence, Step, WAIT};
use crate::theirs::{Length, Theirs};
use crate::versions;

/// What has become of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Same,
    /// Two queues have delivered to one channel, and no one can say which one is first: nothing was compared from there on.
    Unordered,
    /// So much time has passed that nobody knows what is due.
    TooSlow,
}

/// A difference, with all that was done before it.
pub type Difference = String;

/// How late the server's clock may be, and everything be as if it were not.
const LATE: Duration = Duration::from_millis(100);

struct Comparison<'a> {
    mine: Mine,
    theirs: &'a mut Theirs,
    names: &'a Names,
    patience: Duration,
    done: Vec<String>,
    /// When the sequence has begun, and how long it has waited since.
    begin: Instant,
    waited: Duration,
}

/// Compares a sequence. It is waited for `patience` until the server is where the model is.
pub fn compare(
    theirs: &mut Theirs,
    names: &Names,
    sequence: &Sequence,
    bug: Option<Bug>,
    patience: Duration,
) -> Result<Outcome, Difference> {
    theirs.clear(&names.exchanges(), &names.queues());
    let mut comparison = Comparison {
        mine: Mine::new(bug),
        theirs,
        names,
        patience,
        done: Vec::new(),
        begin: Instant::now(),
        waited: Duration::ZERO,
    };
    let outcome = comparison.run(sequence);
    let Comparison { done, .. } = comparison;
    outcome.map_err(|difference| format!("{difference}\nafter\n{}", done.join("\n")))
}

impl Comparison<'_> {
    fn run(&mut self, sequence: &Sequence) -> Result<Outcome, Difference> {
        let has_waits = sequence.steps.iter().any(|step| matches!(step, Step::Wait));
        for step in &sequence.steps {
            match self.step(sequence, step)? {
                Outcome::Same if has_waits && self.is_late() => return Ok(Outcome::TooSlow),
                Outcome::Same => {}
                other => return Ok(other),
            }
        }
        self.end()
    }

    fn is_late(&self) -> bool {
        self.begin.elapsed() > self.waited + LATE
    }

    fn step(&mut self, sequence: &Sequence, step: &Step) -> Result<Outcome, Difference> {
        match step {
            Step::Tell(command) => self.tell(command.clone()),
            Step::Declare(channel, place) => {
                let queue = QueueName::from(&*self.names.queue(*place));
                self.tell(Command::DeclareQueue(*channel, queue, Box::new(sequence.queues[*place].clone())))
            }
            Step::End(connection, how) => {
                let command = Command::CloseConnection(*connection);
                if self.is_left_out(&command) {
                    return Ok(Outcome::Same);
                }
                self.done.push(format!("{how:?} {connection:?}"));
                self.mine.tell(&command);
                self.theirs.end(*connection, *how);
                self.meet()
            }
            Step::Wait => {
                self.done.push("wait".into());
                let wait = Duration::from_nanos(WAIT.0);
                self.waited += wait;
                thread::sleep((self.begin + self.waited).saturating_duration_since(Instant::now()));
                self.mine.wait(WAIT);
                self.meet()
            }
        }
    }

    fn tell(&mut self, command: Command) -> Result<Outcome, Difference> {
        let channel = command.channel().expect("commands of a sequence come on channels");
        if self.mine.books().channels().all(|(open, _)| open != channel) {
            self.answer(&Command::OpenChannel(channel))?;
        }
        let Some(command) = self.resolve(command) else { return Ok(Outcome::Same) };
        if self.is_left_out(&command) {
            return Ok(Outcome::Same);
        }
        self.answer(&command)?;
        self.meet()
    }

    fn is_left_out(&mut self, command: &Command) -> bool {
        let why = versions::left_out(self.mine.books(), command);
        self.done.extend(why.map(|why| format!("(left out: {why}: {command:?})")));
        why.is_some()
    }

    fn answer(&mut self, command: &Command) -> Result<(), Difference> {
        let theirs = self.theirs.tell(command);
        let ours = self.mine.tell(command);
        self.done.push(format!("{command:?} -> {theirs:?}"));
        if ours == theirs { Ok(()) } else { Err(format!("the model answers {ours:?}, the server {theirs:?}")) }
    }

    /// The place of a delivery becomes its tag; on another channel, if nothing waits on this one. An unknown tag stays one.
    fn resolve(&self, command: Command) -> Option<Command> {
        let Command::Settle { channel, tag: DeliveryTag(place), multiple, how } = command else { return Some(command) };
        if place == u64::MAX {
            let tag = DeliveryTag(if multiple { 0 } else { 1_000 });
            return Some(Command::Settle { channel, tag, multiple, how });
        }
        let open = || self.mine.books().channels();
        let here = open().find(|(id, of)| *id == channel && of.unacked().next().is_some());
        let (channel, of) = here.or_else(|| open().find(|(_, of)| of.unacked().next().is_some()))?;
        let tags: Vec<DeliveryTag> = of.unacked().map(|(tag, _)| tag).collect();
        Some(Command::Settle { channel, tag: tags[place as usize % tags.len()], multiple, how })
    }

    /// Waits until the server has done what the model has, and compares: what has come on each channel, and how long each queue is.
    fn meet(&mut self) -> Result<Outcome, Difference> {
        let ours = self.mine.came();
        let lengths = self.lengths();
        let mut theirs: BTreeMap<ChannelId, Came> = BTreeMap::new();
        let begin = Instant::now();
        loop {
            for (channel, came) in self.theirs.came() {
                let all = theirs.entry(channel).or_default();
                all.deliveries.extend(came.deliveries);
                all.cancelled.extend(came.cancelled);
            }
            let their_lengths = self.their_lengths(&lengths);
            let is_reordered =
                ours.keys().eq(theirs.keys()) && ours.iter().all(|(id, came)| came.is_reordered(&theirs[id]));
            if lengths == their_lengths && is_reordered {
                let has_come = || ours.iter().map(|(id, came)| format!("{id:?} {came:?}"));
                self.done.extend(has_come());
                return Ok(if ours == theirs { Outcome::Same } else { Outcome::Unordered });
            }
            if begin.elapsed() > self.patience {
                return Err(format!(
                    "on channels came by the model {ours:#?}, by the server {theirs:#?}\nlengths by the model {lengths:?}, \
                     by the server {their_lengths:?}"
                ));
            }
            thread::sleep(Duration::from_micros(300));
        }
    }

    fn lengths(&self) -> BTreeMap<String, Option<Length>> {
        let length = |name: &QueueName| {
            let queue = self.mine.books().queue(name)?;
            Some(Length { ready: queue.ready().len() as u64, consumers: self.consumers(name, queue) })
        };
        let names = self.names.queues().into_iter();
        names.map(|name| (name.clone(), length(&QueueName::from(&*name)))).collect()
    }

    /// How many consumers a queue has. Of a quorum queue the server counts who has deliveries that are not acknowledged as well, although
    /// it was cancelled; each that `basic.get` has got, as of a consumer of its own; and not those that wait to be the active one.
    fn consumers(&self, name: &QueueName, queue: &Queue) -> u64 {
        let subscribed = queue.consumers().iter().map(|consumer| (consumer.channel, Some(consumer.tag), None));
        if queue.settings.kind == QueueKind::Classic {
            return subscribed.count() as u64;
        }
        let served = if queue.settings.single_active { 1 } else { usize::MAX };
        let unacked = self.mine.books().unacked().filter(|(_, _, unacked)| unacked.queue == *name);
        let owners = unacked
            .map(|(channel, tag, unacked)| (channel, unacked.consumer, unacked.consumer.is_none().then_some(tag)));
        subscribed.take(served).chain(owners).collect::<BTreeSet<_>>().len() as u64
    }

    /// The same by the server. That a queue is not there costs a channel: it is looked for at the end.
    fn their_lengths(&mut self, ours: &BTreeMap<String, Option<Length>>) -> BTreeMap<String, Option<Length>> {
        ours.iter().map(|(name, ours)| (name.clone(), ours.and_then(|_| self.theirs.length(name)))).collect()
    }

    /// All channels are closed, one after the other; all queues are emptied; and nothing else is there.
    fn end(&mut self) -> Result<Outcome, Difference> {
        let open: Vec<ChannelId> = self.mine.books().channels().map(|(channel, _)| channel).collect();
        for channel in open {
            let outcome = self.tell(Command::CloseChannel(channel))?;
            if outcome != Outcome::Same {
                return Ok(outcome);
            }
        }
        for name in self.names.queues() {
            let name = QueueName::from(&*name);
            for empty in self.to_empty(&name) {
                match self.tell(empty)? {
                    Outcome::Same => {}
                    other => return Ok(other),
                }
            }
            let has = self.mine.books().queue(&name).is_some();
            if self.theirs.length(name.as_str()).is_some() != has {
                return Err(format!("the model has the queue {name}: {has}; the server not so"));
            }
        }
        for exchange in self.names.exchanges() {
            let has = self.mine.books().exchanges().any(|(name, _)| name.as_str() == exchange);
            if self.theirs.has_exchange(&exchange) != has {
                return Err(format!("the model has the exchange {exchange}: {has}; the server not so"));
            }
        }
        Ok(Outcome::Same)
    }

    /// The commands that empty a queue: messages are asked for, one more than there are; or consumed, where they cannot be.
    fn to_empty(&self, name: &QueueName) -> Vec<Command> {
        let on = ChannelId { connection: ConnectionId(3), number: 1 };
        match self.mine.books().queue(name) {
            Some(queue) if queue.settings.refuses_get() => {
                vec![
                    Command::Consume(on, name.clone(), ConsumerTag(9), AckMode::Auto),
                    Command::Cancel(on, ConsumerTag(9)),
                ]
            }
            Some(queue) => vec![Command::Get(on, name.clone(), AckMode::Auto); queue.ready().len() + 1],
            None => Vec::new(),
        }
    }
}
