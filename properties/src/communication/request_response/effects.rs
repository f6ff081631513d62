//! S3: effects, at the back servers.

use seedbed_models::communication::request_response::RequestResponse;
use seedbed_models::communication::request_response::messages::Execution;
use seedbed_sim::{Broken, Property, Verdict, World};

use crate::communication::request_response::journals;
use crate::transactions::journals::Journals;

/// S3: each call takes effect at most once at each tally, whatever was sent how often and by whichever identity.
#[derive(Clone)]
pub struct AtMostOnce {
    journals: Journals<RequestResponse, Execution>,
    with_a_table: bool,
}

impl Default for AtMostOnce {
    fn default() -> Self {
        AtMostOnce { journals: journals(), with_a_table: true }
    }
}

impl AtMostOnce {
    /// The same, asked where no completion records are kept, which nobody promises.
    pub fn without_a_table() -> Self {
        AtMostOnce { with_a_table: false, ..AtMostOnce::default() }
    }
}

impl Property<RequestResponse> for AtMostOnce {
    fn name(&self) -> String {
        let name = if self.with_a_table { "at_most_once" } else { "at_most_once_without_a_table" };
        format!("request_response/{name}")
    }

    fn after_event(&mut self, world: &World<RequestResponse>) -> Verdict {
        if world.config().table != self.with_a_table {
            return Ok(());
        }
        for &node in world.changed() {
            let old = self.journals.read(world, node);
            let journal = self.journals.of(node);
            for (place, new) in journal.iter().enumerate().skip(old) {
                let same = |other: &&Execution| other.call == new.call && other.key == new.key;
                if let Some(first) = journal[..place].iter().find(same) {
                    let words = format!(
                        "{node} has executed {:?} on {:?} as {:?}, and now again as {:?}",
                        new.call, new.key, first.id, new.id
                    );
                    return Err(Broken::new([node], words));
                }
            }
        }
        Ok(())
    }
}

/// A tally is what was added to it, and the result of a call is the tally after it.
#[derive(Clone)]
pub struct TalliesAddUp(Journals<RequestResponse, Execution>);

impl Default for TalliesAddUp {
    fn default() -> Self {
        TalliesAddUp(journals())
    }
}

impl Property<RequestResponse> for TalliesAddUp {
    fn name(&self) -> String {
        "request_response/tallies_add_up".into()
    }

    fn after_event(&mut self, world: &World<RequestResponse>) -> Verdict {
        for &node in world.changed() {
            let old = self.0.read(world, node);
            let journal = self.0.of(node);
            for (place, new) in journal.iter().enumerate().skip(old) {
                let added = journal[..=place].iter().filter(|other| other.key == new.key);
                let sum: u64 = added.map(|other| u64::from(other.amount)).sum();
                if sum != new.result {
                    let words = format!("{node} says that {:?} is {}, and {sum} was added", new.key, new.result);
                    return Err(Broken::new([node], words));
                }
            }
        }
        Ok(())
    }
}
