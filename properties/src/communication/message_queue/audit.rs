//! Properties that audit the books: a rule looks at each entry of the journal, with what the journal has said before, and at the
//! books behind it.

use seedbed_models::communication::message_queue::MessageQueue;
use seedbed_models::communication::message_queue::books::Books;
use seedbed_models::communication::message_queue::books::journal::Entry;
use seedbed_sim::{Broken, Property, Verdict, World};

use crate::communication::message_queue::ledger::Ledger;
use crate::communication::message_queue::reader::Reader;

/// What a rule finds wrong, in words.
pub type Finding = Result<(), String>;

/// A rule of the books.
pub trait Rule: Clone + Default {
    /// The name of the property.
    const NAME: &'static str;

    /// Looks at an entry; the ledger is as it was before.
    fn entry(&mut self, model: &MessageQueue, ledger: &Ledger, entry: &Entry) -> Finding {
        let _ = (model, ledger, entry);
        Ok(())
    }

    /// Looks at the books when all entries of an event are read.
    fn books(&mut self, model: &MessageQueue, ledger: &Ledger, books: &Books) -> Finding {
        let _ = (model, ledger, books);
        Ok(())
    }
}

/// The property that a rule holds. After a restart the journal that is replayed is audited from its beginning.
#[derive(Clone, Default)]
pub struct Audit<R> {
    reader: Reader,
    ledger: Ledger,
    rule: R,
}

impl<R: Rule> Property<MessageQueue> for Audit<R> {
    fn name(&self) -> String {
        R::NAME.into()
    }

    fn after_event(&mut self, world: &World<MessageQueue>) -> Verdict {
        let Some(news) = self.reader.news(world) else { return Ok(()) };
        if news.anew {
            (self.ledger, self.rule) = (Ledger::default(), R::default());
        }
        let model = world.config();
        let mut found = Ok(());
        for entry in news.entries {
            found = self.rule.entry(model, &self.ledger, entry);
            if found.is_err() {
                break;
            }
            self.ledger.read(entry);
        }
        let found = found.and_then(|()| self.rule.books(model, &self.ledger, news.books));
        found.map_err(|words| Broken::new([news.node], words))
    }
}
