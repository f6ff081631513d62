//! A front server: it calls back servers on behalf of clients. It has no state of its own: the identity, the deadline and the
//! cancellation of a call pass through it.

use std::collections::BTreeMap;

use seedbed_sim::{Context, NodeId, Process, Span, Time};

use crate::communication::request_response::bugs::Bug;
use crate::communication::request_response::marks;
use crate::communication::request_response::messages::{
    Header, Key, Message, Op, Record, Refusal, Ret, RpcId, Timer, home,
};
use crate::communication::request_response::retries::backoff;

/// A call that it has taken over.
#[derive(Clone, Debug, Hash)]
pub struct Relayed {
    client: NodeId,
    header: Header,
    amount: u32,
    /// The deadline, on this server's clock; nothing if there is none.
    deadline: Option<Time>,
    /// Of each tally the result, once it is known.
    results: Vec<(Key, Option<u64>)>,
    attempts: u32,
}

impl Relayed {
    /// What its request said.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The deadline, on this server's clock.
    pub fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    fn open(&self) -> impl Iterator<Item = Key> {
        self.results.iter().filter(|(_, result)| result.is_none()).map(|(key, _)| *key)
    }
}

/// A front server.
#[derive(Clone, Debug, Hash)]
pub struct Front {
    backs: Vec<NodeId>,
    retry: Span,
    calls: BTreeMap<RpcId, Relayed>,
}

impl Front {
    /// A front server of these back servers, which sends again after `retry`, and then after longer.
    pub fn new(backs: Vec<NodeId>, retry: Span) -> Self {
        Front { backs, retry, calls: BTreeMap::new() }
    }

    /// The calls that it has taken over and not answered.
    pub fn calls(&self) -> &BTreeMap<RpcId, Relayed> {
        &self.calls
    }

    fn request(&mut self, ctx: &mut Context<'_, Self>, client: NodeId, header: Header, keys: &[Key], amount: u32) {
        let id = header.id;
        // One that came again is under way.
        if self.calls.contains_key(&id) {
            return;
        }
        let remaining = header.remaining.filter(|_| !ctx.planted(Bug::DeadlineNotPropagated));
        let deadline = remaining.map(|remaining| ctx.now() + remaining);
        let results = keys.iter().map(|key| (*key, None)).collect();
        self.calls.insert(id, Relayed { client, header, amount, deadline, results, attempts: 0 });
        if let Some(remaining) = remaining {
            ctx.arm(Timer::Deadline(id), remaining);
        }
        self.send(ctx, id);
    }

    /// Calls the back servers that have not answered, with what is left of the time.
    fn send(&mut self, ctx: &mut Context<'_, Self>, id: RpcId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let now = ctx.now();
        if call.deadline.is_some_and(|deadline| deadline <= now) {
            return self.give_up(ctx, id);
        }
        // This server's clock may have gone back: nobody gets more time than was given.
        let left = |deadline: Time| call.header.remaining.map_or(Span::ZERO, |given| given.min(deadline.since(now)));
        let remaining = call.deadline.map(left);
        for key in call.open() {
            let Some(back) = home(key, &self.backs) else { continue };
            ctx.send(back, Message::Execute(Header { remaining, ..call.header }, key, call.amount));
        }
        let after = backoff(ctx, self.retry, call.attempts);
        call.attempts += 1;
        ctx.arm(Timer::Retry(id), after);
    }

    /// Nobody waits for the answer any more.
    fn give_up(&mut self, ctx: &mut Context<'_, Self>, id: RpcId) {
        ctx.mark(marks::DEADLINE_AT_THE_FRONT);
        self.forget(ctx, id);
    }

    fn forget(&mut self, ctx: &mut Context<'_, Self>, id: RpcId) -> Option<Relayed> {
        ctx.cancel(&Timer::Deadline(id));
        ctx.cancel(&Timer::Retry(id));
        self.calls.remove(&id)
    }

    fn executed(&mut self, ctx: &mut Context<'_, Self>, id: RpcId, key: Key, result: Result<u64, Refusal>) {
        let Some(call) = self.calls.get_mut(&id) else { return ctx.mark(marks::LATE_REPLY) };
        let tally = match result {
            Ok(tally) => tally,
            // The client does not wait for it: a cancellation was lost, or the request is late.
            Err(Refusal::Stale) => return drop(self.forget(ctx, id)),
            Err(why) => return self.reply(ctx, id, Err(why)),
        };
        for (_, result) in call.results.iter_mut().filter(|(of, _)| *of == key) {
            *result = Some(tally);
        }
        let early = ctx.planted(Bug::AnsweredBeforeItIsDone);
        let results: Option<Vec<u64>> = if early {
            Some(call.results.iter().map(|(_, result)| result.unwrap_or_default()).collect())
        } else {
            call.results.iter().map(|(_, result)| *result).collect()
        };
        if let Some(results) = results {
            self.reply(ctx, id, Ok(results));
        }
    }

    fn reply(&mut self, ctx: &mut Context<'_, Self>, id: RpcId, result: Result<Vec<u64>, Refusal>) {
        if let Some(call) = self.forget(ctx, id) {
            ctx.send(call.client, Message::Reply(id, result));
        }
    }

    fn cancel(&mut self, ctx: &mut Context<'_, Self>, id: RpcId) {
        let Some(call) = self.forget(ctx, id) else { return };
        for back in call.open().filter_map(|key| home(key, &self.backs)) {
            ctx.send(back, Message::Cancel(id));
        }
    }
}

impl Process for Front {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, _: &mut Context<'_, Self>) {}

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Request(header, keys, amount) => self.request(ctx, from, header, &keys, amount),
            Message::Executed(id, key, result) => self.executed(ctx, id, key, result),
            Message::Cancel(id) => self.cancel(ctx, id),
            message => panic!("no message for a front server: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Deadline(id) => self.give_up(ctx, id),
            Timer::Retry(id) => {
                ctx.mark(marks::FRONT_SENT_AGAIN);
                self.send(ctx, id);
            }
            timer => panic!("no timer of a front server: {timer:?}"),
        }
    }
}
