//! Of shared subscriptions (MQTT 5.0, §4.8.2): for each message, how many members have got it or are to get it.

use std::collections::BTreeMap;

use seedbed_models::communication::pub_sub::engine::Engine;
use seedbed_models::communication::pub_sub::names::BodyId;
use seedbed_models::communication::pub_sub::topic::Filter;

/// What is known of a message in a shared subscription.
#[derive(Clone, Debug, Default)]
struct Known {
    /// How often it was published while somebody could get it.
    published: usize,
    /// How many members have it.
    done: usize,
    /// How many members had it under way with QoS 2 when their sessions ended: nobody else may get it ([MQTT-4.8.2-5]).
    lost: usize,
    /// Whether it may be gone: its time may be over, or nobody was there to get it from a session that has ended.
    may_be_gone: bool,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    known: BTreeMap<(Filter, BodyId), Known>,
}

impl Shares {
    fn of(&mut self, share: &Filter, body: BodyId) -> &mut Known {
        self.known.entry((share.clone(), body)).or_default()
    }

    /// A message is published; whether anybody can get it, and whether its time may be over some day.
    pub fn published(&mut self, share: &Filter, body: BodyId, able: bool, expires: bool) {
        let known = self.of(share, body);
        known.published += usize::from(able);
        known.may_be_gone |= expires;
    }

    /// A member has it.
    pub fn done(&mut self, share: &Filter, body: BodyId) {
        self.of(share, body).done += 1;
    }

    /// The session of a member has ended to which it was under way with QoS 2.
    pub fn lost_under_way(&mut self, share: &Filter, body: BodyId) {
        self.of(share, body).lost += 1;
    }

    /// The session of a member has ended, and there may be nobody to get what it had.
    pub fn may_lose(&mut self, share: &Filter) {
        self.known.iter_mut().filter(|((of, _), _)| of == share).for_each(|(_, known)| known.may_be_gone = true);
    }

    /// Holds what sessions have against this.
    pub fn compare(&self, engine: &Engine) -> Vec<String> {
        let mut alive: BTreeMap<(&Filter, BodyId), usize> = BTreeMap::new();
        for (_, session) in engine.sessions() {
            for copy in session.outbox.pending() {
                if let Some(share) = &copy.share {
                    *alive.entry((share, copy.message.body.id)).or_default() += 1;
                }
            }
        }
        let mut found = Vec::new();
        for ((share, body), known) in &self.known {
            let alive = alive.get(&(share, *body)).copied().unwrap_or_default();
            let all = alive + known.done + known.lost;
            if all > known.published || all < known.published && !known.may_be_gone {
                found.push(format!(
                    "{body:?} was published {} times, and {share} has it so: {alive} wait, {known:?}",
                    known.published
                ));
            }
        }
        found
    }
}
