//! S1, S4, and how calls end: what clients surface.

use seedbed_models::communication::request_response::RequestResponse;
use seedbed_models::communication::request_response::client::Surfaced;
use seedbed_models::communication::request_response::leases::LOG as LEASES_LOG;
use seedbed_models::communication::request_response::messages::{
    Call, CallId, Execution, Key, Op, Outcome, Record, home,
};
use seedbed_models::communication::request_response::model::LEASES;
use seedbed_sim::{Broken, NodeId, Property, Span, Verdict, World};

use crate::checkers::judge::NewEntries;
use crate::communication::request_response::{client, journals};
use crate::transactions::journals::Journals;

/// The most that a clock drifts in what is tolerated, and a little more.
const MOST_DRIFT_PPM: u64 = 2_000;

/// The call as its client was asked for it.
fn asked(world: &World<RequestResponse>, id: CallId) -> &Call {
    let asked = world.history().invocations().iter().find(|asked| asked.id == id.op);
    let Some(Op::Calls(calls)) = asked.map(|asked| &asked.op) else { panic!("nobody has asked for {id:?}") };
    &calls[usize::from(id.index)]
}

/// Whether the time until the deadline of a call has passed, by the true time: a client's timer counts on when its clock steps
/// back. Clocks drift.
fn has_passed(world: &World<RequestResponse>, id: CallId) -> bool {
    let invoked = world.history().invocations().iter().find(|asked| asked.id == id.op).map(|asked| asked.invoked);
    let least = Span(asked(world, id).deadline.0 / 1_000_000 * (1_000_000 - MOST_DRIFT_PPM));
    invoked.is_some_and(|invoked| world.now() >= invoked + least)
}

/// What clients have surfaced since the last event, and at which nodes.
fn news<'w>(seen: &mut NewEntries, world: &'w World<RequestResponse>) -> Result<Vec<(NodeId, &'w Surfaced)>, Broken> {
    let mut all = Vec::new();
    for &node in world.changed() {
        if let Some(client) = client(world, node) {
            all.extend(seen.of(world, node, client.surfaced())?.iter().map(|surfaced| (node, surfaced)));
        }
    }
    Ok(all)
}

/// What the back servers have executed, and what clients have surfaced of it.
#[derive(Clone)]
struct Replies {
    journals: Journals<RequestResponse, Execution>,
    seen: NewEntries,
    /// Whether the last event has a journal begin anew: a crash may have lost some of it.
    begun_anew: bool,
}

impl Default for Replies {
    fn default() -> Self {
        Replies { journals: journals(), seen: NewEntries::default(), begun_anew: false }
    }
}

/// A reply that was surfaced: at which client, of which call, what that asks for, and the tallies.
type Reply<'w> = (NodeId, CallId, &'w Call, &'w [u64]);

impl Replies {
    /// The replies that were surfaced since the last event.
    fn news<'w>(&mut self, world: &'w World<RequestResponse>) -> Result<Vec<Reply<'w>>, Broken> {
        let backs = world.config().back_ids();
        self.begun_anew = false;
        for &node in world.changed().iter().filter(|node| backs.contains(&node.0)) {
            self.begun_anew |= self.journals.read(world, node) == 0;
        }
        let done = |(node, surfaced): (NodeId, &'w Surfaced)| match &surfaced.outcome {
            Outcome::Done(tallies) => Some((node, surfaced.call, asked(world, surfaced.call), &tallies[..])),
            _ => None,
        };
        Ok(news(&mut self.seen, world)?.into_iter().filter_map(done).collect())
    }

    /// What the home of a tally has executed of a call on it.
    fn executed(&self, world: &World<RequestResponse>, call: CallId, key: Key) -> Vec<Execution> {
        let backs: Vec<NodeId> = world.config().back_ids().map(NodeId).collect();
        let home = home(key, &backs).expect("there is a back server");
        self.journals.of(home).iter().filter(|other| other.call == call && other.key == key).copied().collect()
    }
}

/// S1: a reply is surfaced as that of its own call: it has a tally for each key of the call, and each is the result of this call,
/// where the call was executed.
#[derive(Clone, Default)]
pub struct OwnReply(Replies);

impl Property<RequestResponse> for OwnReply {
    fn name(&self) -> String {
        "request_response/own_reply".into()
    }

    fn after_event(&mut self, world: &World<RequestResponse>) -> Verdict {
        for (node, id, call, tallies) in self.0.news(world)? {
            let is_other = |(key, tally): (&Key, &u64)| {
                let executed = self.0.executed(world, id, *key);
                !executed.is_empty() && executed.iter().all(|own| own.result != *tally)
            };
            if tallies.len() != call.keys.len() || call.keys.iter().zip(tallies).any(is_other) {
                let words = format!("{node} takes {tallies:?} for the reply to {id:?}, which asks for {:?}", call.keys);
                return Err(Broken::new([node], words));
            }
        }
        Ok(())
    }
}

/// S4: a call that was answered has taken effect, at each of its tallies, with the amount that was asked for; and the effect stays,
/// whatever crashes afterwards.
#[derive(Clone, Default)]
pub struct AnsweredCallsTookEffect {
    replies: Replies,
    /// What was answered, and to whom.
    answered: Vec<(NodeId, CallId)>,
}

impl Property<RequestResponse> for AnsweredCallsTookEffect {
    fn name(&self) -> String {
        "request_response/answered_calls_took_effect".into()
    }

    fn after_event(&mut self, world: &World<RequestResponse>) -> Verdict {
        let new = self.replies.news(world)?;
        let first = if self.replies.begun_anew { 0 } else { self.answered.len() };
        self.answered.extend(new.into_iter().map(|(node, id, ..)| (node, id)));
        for &(node, id) in &self.answered[first..] {
            let call = asked(world, id);
            let has = |key: &&Key| self.replies.executed(world, id, **key).iter().any(|own| own.amount == call.amount);
            if let Some(key) = call.keys.iter().find(|key| !has(key)) {
                let words = format!("{node} was told that {id:?} is done, and {} is not added to {key:?}", call.amount);
                return Err(Broken::new([node], words));
            }
        }
        Ok(())
    }
}

/// A call ends without a reply only for its reason: its deadline has come, it was to be cancelled, or the lease manager has
/// written down that the session is over.
#[derive(Clone, Default)]
pub struct EndsForAReason(NewEntries);

impl Property<RequestResponse> for EndsForAReason {
    fn name(&self) -> String {
        "request_response/ends_for_a_reason".into()
    }

    fn after_event(&mut self, world: &World<RequestResponse>) -> Verdict {
        for (node, surfaced) in news(&mut self.0, world)? {
            let has_reason = match &surfaced.outcome {
                Outcome::Done(_) => true,
                Outcome::DeadlineExceeded => surfaced.at >= surfaced.deadline || has_passed(world, surfaced.call),
                Outcome::Cancelled => asked(world, surfaced.call).cancel_after.is_some(),
                Outcome::SessionExpired => {
                    let is_over = |record: &Record| matches!(record, Record::Expired(session) if surfaced.id.is_some_and(|id| id.session == *session));
                    world.log(LEASES, LEASES_LOG).any(is_over)
                }
            };
            if !has_reason {
                let words = format!("{node} ends {:?} with {:?}", surfaced.call, surfaced.outcome);
                return Err(Broken::new([node], words));
            }
        }
        Ok(())
    }
}
