//! Publisher confirms on a channel (RabbitMQ, *Consumer Acknowledgements and Publisher Confirms*, "Publisher Confirms"): publishes are
//! numbered from 1 on, and each is confirmed or refused once, several at a time where that can be said in one.

use std::collections::BTreeMap;

use seedbed_sim::{Context, Process, Written};

/// What has become of a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handled {
    /// That it is on disk, or will be.
    pub written: Written<()>,
    /// Whether no queue has refused it.
    pub accepted: bool,
}

/// What is said to the publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Confirm {
    /// The number of a publish.
    pub seq: u64,
    /// Whether all up to it are meant.
    pub multiple: bool,
    /// Whether they are confirmed.
    pub accepted: bool,
}

/// The publishes of a channel that are not confirmed.
#[derive(Clone, Debug, Default, Hash)]
pub struct Confirms {
    last: u64,
    /// By their numbers; `None` while it is not known what becomes of them.
    outstanding: BTreeMap<u64, Option<Handled>>,
}

impl Confirms {
    /// A publish has come: its number.
    pub fn number(&mut self) -> u64 {
        self.last += 1;
        self.outstanding.insert(self.last, None);
        self.last
    }

    /// What becomes of a publish is known.
    pub fn handled(&mut self, seq: u64, handled: Handled) {
        if let Some(open) = self.outstanding.get_mut(&seq) {
            *open = Some(handled);
        }
    }

    /// What can be said now: of what is durable. With `refusal_covers_the_next`, which is a planted bug, what is refused together
    /// with others takes one with it that is not.
    pub fn due<P: Process>(&mut self, ctx: &Context<'_, P>, refusal_covers_the_next: bool) -> Vec<Confirm> {
        let accepted = |handled: &Option<Handled>| {
            handled.filter(|handled| handled.written.durable(ctx).is_some()).map(|handled| handled.accepted)
        };
        let mut due = Vec::new();
        // From the first on, as many as have the same outcome are said at once.
        while let Some(first) = self.outstanding.values().next().and_then(accepted) {
            let same = self.outstanding.iter().take_while(|(_, handled)| accepted(handled) == Some(first));
            let mut run: Vec<u64> = same.map(|(seq, _)| *seq).collect();
            if refusal_covers_the_next && !first {
                let next = self.outstanding.iter().nth(run.len());
                run.extend(next.filter(|(_, handled)| handled.is_some()).map(|(seq, _)| *seq));
            }
            let seq = *run.last().expect("the first is one of them");
            self.outstanding.retain(|seq, _| !run.contains(seq));
            due.push(Confirm { seq, multiple: run.len() > 1, accepted: first });
        }
        let others: Vec<(u64, bool)> =
            self.outstanding.iter().filter_map(|(seq, handled)| Some((*seq, accepted(handled)?))).collect();
        for (seq, accepted) in others {
            self.outstanding.remove(&seq);
            due.push(Confirm { seq, multiple: false, accepted });
        }
        due
    }

    /// For a planted bug: whether a publish of this number is not confirmed.
    pub fn is_outstanding(&self, seq: u64) -> bool {
        self.outstanding.contains_key(&seq)
    }
}
