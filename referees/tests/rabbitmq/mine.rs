//! The model's side: the books, told one command after the other.

use std::collections::BTreeMap;

use seedbed_models::communication::message_queue::Bug;
use seedbed_models::communication::message_queue::books::Books;
use seedbed_models::communication::message_queue::books::command::{
    self as books, Command, Delivery, Effects, Stamped,
};
use seedbed_models::communication::message_queue::books::journal::Event;
use seedbed_models::communication::message_queue::books::message::{Death, Message, Reason};
use seedbed_models::communication::message_queue::books::settings::QueueKind;
use seedbed_models::communication::message_queue::names::{ChannelId, CopyId, DeliveryTag, QueueName};
use seedbed_models::replication::raft::machine::StateMachine;
use seedbed_sim::{Span, Time};

use crate::said::{Answer, Came, Delivered, death};

/// The books, and the time.
pub struct Mine {
    books: Books,
    now: Time,
    bug: Option<Bug>,
    came: BTreeMap<ChannelId, Came>,
    /// How often each copy was delivered, and for each delivery, how often its copy was delivered before.
    delivered: BTreeMap<CopyId, u32>,
    before: BTreeMap<(ChannelId, DeliveryTag), u32>,
}

impl Mine {
    /// Empty books, with a planted bug perhaps.
    pub fn new(bug: Option<Bug>) -> Self {
        Mine {
            books: Books::default(),
            now: Time::ZERO,
            bug,
            came: BTreeMap::new(),
            delivered: BTreeMap::new(),
            before: BTreeMap::new(),
        }
    }

    pub fn books(&self) -> &Books {
        &self.books
    }

    /// What has come on channels since the last call.
    pub fn came(&mut self) -> BTreeMap<ChannelId, Came> {
        let mut came = std::mem::take(&mut self.came);
        came.values_mut().for_each(|came| came.cancelled.sort_unstable());
        came
    }

    pub fn tell(&mut self, command: &Command) -> Answer {
        let mandatory = matches!(command, Command::Publish(_, publish) if publish.mandatory);
        let got_from = match command {
            Command::Get(_, queue, _) => Some(queue),
            _ => None,
        };
        let answer = self.execute(command.clone());
        match answer {
            books::Answer::Done => Answer::Done,
            books::Answer::Ready(count) => Answer::Ready(count),
            books::Answer::Published { routed, accepted } => {
                Answer::Published { returned: mandatory && !routed, accepted }
            }
            books::Answer::Got(got) => Answer::Got(got.map(|got| (self.delivered(&got), self.ready(got_from)))),
            books::Answer::Closed(exception) => Answer::Closed(exception.code()),
            books::Answer::NoChannel => panic!("commands are told on channels that are open: {command:?}"),
        }
    }

    fn ready(&self, queue: Option<&QueueName>) -> u64 {
        queue.and_then(|name| self.books.queue(name)).map_or(0, |queue| queue.ready().len() as u64)
    }

    /// Lets time pass: what is due is done when it is.
    pub fn wait(&mut self, span: Span) {
        let end = self.now + span;
        while let Some(due) = self.books.next_due().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.execute(Command::Tick);
        }
        self.now = end;
        self.execute(Command::Tick);
    }

    fn execute(&mut self, command: Command) -> books::Answer {
        let known = self.books.journal().len();
        let Effects { answer, deliveries, cancelled } =
            self.books.apply(&Stamped { at: self.now, command, bug: self.bug });
        for entry in &self.books.journal()[known..] {
            if let Event::Delivered { copy, channel, tag, .. } = entry.event {
                let times = self.delivered.entry(copy).or_default();
                self.before.insert((channel, tag), *times);
                *times += 1;
            }
        }
        for delivery in &deliveries {
            let delivered = self.delivered(delivery);
            self.came.entry(delivery.channel).or_default().deliveries.push(delivered);
        }
        for (channel, consumer) in cancelled {
            self.came.entry(channel).or_default().cancelled.push(consumer.0);
        }
        answer
    }

    fn delivered(&self, delivery: &Delivery) -> Delivered {
        let Message { body, exchange, key, properties, .. } = &delivery.message;
        Delivered {
            tag: delivery.tag.0,
            consumer: delivery.consumer.map(|tag| tag.0),
            redelivered: delivery.redelivered,
            exchange: exchange.to_string(),
            key: key.to_string(),
            body: body.id.0.to_string(),
            persistent: properties.persistent,
            priority: properties.priority,
            expiration: properties.expiration.map(ms),
            headers: self.headers(delivery),
        }
    }

    /// The headers of the message, and those that the broker adds. Until 4.3 `x-delivery-count` counts all deliveries before this one,
    /// which is what the model calls acquired; it is there from the first on for what was asked for, and from the second for consumers.
    fn headers(&self, delivery: &Delivery) -> BTreeMap<String, String> {
        let Message { properties, deaths, first_death, .. } = &delivery.message;
        let own = properties.headers.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let mut headers: BTreeMap<String, String> = own.collect();
        let mut add = |name: &str, value: String| headers.insert(name.into(), value);
        let is_quorum = self.books.queue(&delivery.queue).is_some_and(|queue| queue.settings.kind == QueueKind::Quorum);
        let before = self.before[&(delivery.channel, delivery.tag)];
        assert!(delivery.delivery_count <= before, "what has failed was delivered: {delivery:?}");
        if is_quorum && (before > 0 || delivery.consumer.is_none()) {
            add("x-delivery-count", before.to_string());
        }
        if !deaths.is_empty() {
            add("x-death", deaths.iter().map(death_text).collect::<Vec<_>>().join("; "));
        }
        if let Some(first) = first_death {
            add("x-first-death-exchange", first.exchange.to_string());
            add("x-first-death-queue", first.queue.to_string());
            add("x-first-death-reason", reason(first.reason).into());
        }
        headers
    }
}

fn death_text(of: &Death) -> String {
    let expiration = of.original_expiration.map(ms);
    let keys = [of.key.to_string()];
    death(of.queue.as_str(), reason(of.reason), of.count as i64, of.exchange.as_str(), &keys, expiration.as_deref())
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Rejected => "rejected",
        Reason::Expired => "expired",
        Reason::Maxlen => "maxlen",
        Reason::DeliveryLimit => "delivery_limit",
    }
}

pub fn ms(span: Span) -> String {
    (span.0 / 1_000_000).to_string()
}
