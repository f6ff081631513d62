//! What is wrong with a step of the broker: a property for each kind.

use seedbed_models::communication::pub_sub::PubSub;
use seedbed_models::communication::pub_sub::model::BROKER;
use seedbed_sim::{Broken, Property, Verdict, World};

use crate::communication::pub_sub::ledger::Kind;
use crate::communication::pub_sub::reader::Reader;

/// The property that no step is wrong in this way.
#[derive(Clone)]
pub struct Rule {
    kind: Kind,
    reader: Reader,
}

impl Rule {
    /// The rule of a kind.
    pub fn of(kind: Kind) -> Self {
        Rule { kind, reader: Reader::default() }
    }
}

impl Property<PubSub> for Rule {
    fn name(&self) -> String {
        let name = match self.kind {
            Kind::OnlyMatching => "only_matching",
            Kind::QosAndFlags => "qos_and_flags",
            Kind::Expired => "expired_is_not_sent",
            Kind::MissesNothing => "durable_misses_nothing",
            Kind::Retained => "retained_is_the_last",
            Kind::Wills => "wills",
            Kind::ReceiveMaximum => "receive_maximum",
            Kind::Resumed => "session_is_resumed",
            Kind::OneConnection => "one_connection",
            Kind::OneOfAGroup => "one_of_a_group",
            Kind::PublishedOnce => "published_when_it_comes",
            Kind::Handshakes => "handshakes",
        };
        format!("pub_sub/{name}")
    }

    fn after_event(&mut self, world: &World<PubSub>) -> Verdict {
        let Some(news) = self.reader.read(world) else { return Ok(()) };
        match news.findings.into_iter().find(|(kind, _)| *kind == self.kind) {
            Some((_, words)) => Err(Broken::new([BROKER], words)),
            None => Ok(()),
        }
    }
}
