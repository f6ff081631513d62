//! What becomes of deliveries that are settled is what was said of them.

use std::collections::BTreeMap;

use seedbed_models::communication::message_queue::MessageQueue;
use seedbed_models::communication::message_queue::books::Books;
use seedbed_models::communication::message_queue::books::journal::{Entry, Event, Fate, Return, Settlement};
use seedbed_models::communication::message_queue::books::message::Reason;
use seedbed_models::communication::message_queue::names::CopyId;

use crate::communication::message_queue::audit::{Finding, Rule};
use crate::communication::message_queue::ledger::Ledger;

/// Each delivery that an ack, a nack or a reject means is acknowledged, given back or dead as that says, at once; and none that it does
/// not mean (*Consumer Acknowledgements*, "Negative Acknowledgement and Requeuing"). What is given back may have failed too often.
#[derive(Clone, Default)]
pub struct SettledAsSaid {
    /// What is meant, and has not become anything yet.
    meant: BTreeMap<CopyId, Settlement>,
}

impl SettledAsSaid {
    fn becomes(&mut self, copy: CopyId, what: &str, may: impl Fn(Settlement) -> bool) -> Finding {
        match self.meant.remove(&copy) {
            Some(how) if may(how) => Ok(()),
            said => Err(format!("{copy:?} is {what}, and what was said of it is {said:?}")),
        }
    }
}

impl Rule for SettledAsSaid {
    const NAME: &'static str = "message_queue/settled_as_said";

    fn entry(&mut self, _: &MessageQueue, ledger: &Ledger, entry: &Entry) -> Finding {
        let gives_back = |how| matches!(how, Settlement::Nack { requeue: true } | Settlement::Reject { requeue: true });
        match &entry.event {
            Event::Settled { channel, tag, multiple, how } => {
                self.complete()?;
                self.meant = ledger.meant(*channel, *tag, *multiple).into_iter().map(|copy| (copy, *how)).collect();
                Ok(())
            }
            Event::Left { copy, fate: Fate::Acked, .. } => {
                self.becomes(*copy, "acknowledged", |how| how == Settlement::Ack)
            }
            Event::Left { copy, fate: Fate::Died { reason: Reason::Rejected, .. }, .. } => {
                let discards =
                    |how| matches!(how, Settlement::Nack { requeue: false } | Settlement::Reject { requeue: false });
                self.becomes(*copy, "rejected", discards)
            }
            Event::Left { copy, fate: Fate::Died { reason: Reason::DeliveryLimit, .. }, .. }
                if self.meant.contains_key(copy) =>
            {
                self.becomes(*copy, "returned too often", gives_back)
            }
            Event::Returned { copy, why: Return::Nacked | Return::Rejected, .. } => {
                self.becomes(*copy, "given back", gives_back)
            }
            _ => Ok(()),
        }
    }

    fn books(&mut self, _: &MessageQueue, _: &Ledger, _: &Books) -> Finding {
        self.complete()
    }
}

impl SettledAsSaid {
    fn complete(&self) -> Finding {
        match self.meant.first_key_value() {
            Some((copy, how)) => Err(format!("{how:?} is said of {copy:?}, and nothing becomes of it")),
            None => Ok(()),
        }
    }
}
