//! Reliable FIFO links over links that lose, duplicate and reorder messages, as a layer below any process: sequence numbers,
//! cumulative acknowledgements, retransmission (Tanenbaum & Wetherall, *Computer Networks*, ch. 3: sliding windows with
//! selective repeat; Cachin, Guerraoui & Rodrigues, *Reliable and Secure Distributed Programming*, §2.4: perfect links over
//! fair-loss links).
//!
//! [`Linked`] is a process with the layer, or without it where it is switched off: then messages pass as they are. The kinds
//! of messages are those of the process inside, either way, and `ack` for the layer's own.
//!
//! **Guaranteed**: between two nodes that do not crash, each message is delivered exactly once, in the order of sending,
//! if the network does not lose all copies for ever. **Not guaranteed**: anything across a crash, for sequence numbers are
//! volatile; a bound on the number of unacknowledged messages.

use std::collections::BTreeMap;

use seedbed_sim::{Context, Embed, File, Kinded, NodeId, OpId, Process, Span};

seedbed_sim::marks! {
    LINK_CAME_AGAIN_OR_BEFORE_ITS_TURN = "link: came again, or before its turn",
    LINK_DELIVERED_WHAT_HAD_COME_EARLY = "link: delivered what had come early",
    LINK_SENT_AGAIN = "link: sent again",
}

/// What a link sends over the network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment<M> {
    /// A message without the layer.
    Bare(M),
    /// A message with its sequence number on this link, from zero on.
    Numbered {
        /// The sequence number.
        seq: u64,
        /// The message.
        message: M,
    },
    /// All messages with sequence numbers below this have been delivered (a cumulative acknowledgement).
    Ack {
        /// The next sequence number that is expected.
        below: u64,
    },
}

impl<M: Kinded> Kinded for Segment<M> {
    fn kind(&self) -> u16 {
        match self {
            Segment::Bare(message) | Segment::Numbered { message, .. } => message.kind(),
            Segment::Ack { .. } => M::kind_count(),
        }
    }
    fn kind_count() -> u16 {
        M::kind_count() + 1
    }
    fn kind_name(kind: u16) -> String {
        if kind < M::kind_count() { M::kind_name(kind) } else { "ack".into() }
    }
}

/// The timers of a linked process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer<T> {
    /// One of the process inside.
    Inner(T),
    /// The messages that this node has not acknowledged are sent again.
    Resend(NodeId),
}

impl<T: Kinded> Kinded for Timer<T> {
    fn kind(&self) -> u16 {
        match self {
            Timer::Inner(timer) => timer.kind(),
            Timer::Resend(_) => T::kind_count(),
        }
    }
    fn kind_count() -> u16 {
        T::kind_count() + 1
    }
    fn kind_name(kind: u16) -> String {
        if kind < T::kind_count() { T::kind_name(kind) } else { "resend".into() }
    }
}

/// The ends of all links of a node. [`Linked`] runs them; a process that has several uses for them may do so itself.
#[derive(Clone, Debug, Hash)]
pub struct Links<M> {
    resend_timeout: Span,
    out: BTreeMap<NodeId, Outgoing<M>>,
    into: BTreeMap<NodeId, Incoming<M>>,
}

#[derive(Clone, Debug, Hash)]
struct Outgoing<M> {
    next: u64,
    unacknowledged: BTreeMap<u64, M>,
}

#[derive(Clone, Debug, Hash)]
struct Incoming<M> {
    /// The next sequence number to deliver.
    below: u64,
    /// The messages that have overtaken others.
    early: BTreeMap<u64, M>,
}

impl<M: Clone> Links<M> {
    /// Links that send again what was not acknowledged for `resend_timeout`.
    pub fn new(resend_timeout: Span) -> Self {
        Links { resend_timeout, out: BTreeMap::new(), into: BTreeMap::new() }
    }

    /// How long to wait for an acknowledgement before sending again.
    pub fn resend_timeout(&self) -> Span {
        self.resend_timeout
    }

    /// Gives a message its sequence number. The second value says whether all messages before it are acknowledged: then the
    /// timer for sending again is to be armed.
    pub fn number(&mut self, to: NodeId, message: M) -> (Segment<M>, bool) {
        let link = self.out.entry(to).or_insert(Outgoing { next: 0, unacknowledged: BTreeMap::new() });
        let (seq, first) = (link.next, link.unacknowledged.is_empty());
        link.next += 1;
        link.unacknowledged.insert(seq, message.clone());
        (Segment::Numbered { seq, message }, first)
    }

    /// A message has arrived: those that are delivered now, in order, and the acknowledgement to send.
    pub fn arrived(&mut self, from: NodeId, seq: u64, message: M) -> (Vec<M>, Segment<M>) {
        let link = self.into.entry(from).or_insert(Incoming { below: 0, early: BTreeMap::new() });
        if seq >= link.below {
            link.early.insert(seq, message);
        }
        let mut ready = Vec::new();
        while let Some(message) = link.early.remove(&link.below) {
            ready.push(message);
            link.below += 1;
        }
        (ready, Segment::Ack { below: link.below })
    }

    /// An acknowledgement has arrived. Returns whether all messages are acknowledged: then the timer for sending again is to be
    /// cancelled.
    ///
    /// # Panics
    /// If it acknowledges messages that were never sent.
    pub fn acknowledged(&mut self, by: NodeId, below: u64) -> bool {
        let Some(link) = self.out.get_mut(&by) else { return true };
        assert!(below <= link.next, "link: an acknowledgement of what was never sent: {below} by {by}");
        link.unacknowledged = link.unacknowledged.split_off(&below);
        link.unacknowledged.is_empty()
    }

    /// The messages to a node that are not acknowledged, to be sent again.
    pub fn unacknowledged(&self, to: NodeId) -> Vec<Segment<M>> {
        let messages = self.out.get(&to).into_iter().flat_map(|link| &link.unacknowledged);
        messages.map(|(seq, message)| Segment::Numbered { seq: *seq, message: message.clone() }).collect()
    }
}

/// A process with reliable links, or with those that the network gives.
#[derive(Clone, Debug, Hash)]
pub struct Linked<P: Process> {
    inner: P,
    links: Option<Links<P::Message>>,
}

impl<P: Process> Linked<P> {
    /// A process with the links that the network gives.
    pub fn bare(inner: P) -> Self {
        Linked { inner, links: None }
    }

    /// A process with reliable links, which send again what was not acknowledged for `resend_timeout`.
    pub fn reliable(inner: P, resend_timeout: Span) -> Self {
        Linked { inner, links: Some(Links::new(resend_timeout)) }
    }

    /// The process inside.
    pub fn inner(&self) -> &P {
        &self.inner
    }

    /// The number of messages that are not acknowledged.
    pub fn unacknowledged(&self) -> usize {
        let links = self.links.iter().flat_map(|links| links.out.values());
        links.map(|link| link.unacknowledged.len()).sum()
    }

    /// Runs a handler of the process inside, and arms the timers for sending again.
    fn run(&mut self, ctx: &mut Context<'_, Self>, handler: impl FnOnce(&mut P, &mut Context<'_, P>)) {
        let mut sent_to = Vec::new();
        let through = Through { links: self.links.as_mut(), sent_to: &mut sent_to };
        let inner = &mut self.inner;
        let answers = ctx.host(through, |ctx| handler(inner, ctx));
        debug_assert!(answers.is_empty(), "nobody asks the process inside but its clients");
        let Some(links) = &self.links else { return };
        for (to, first) in sent_to {
            // Where others are unacknowledged the timer is armed already.
            if first {
                ctx.arm(Timer::Resend(to), links.resend_timeout());
            }
        }
    }
}

/// Wraps the messages of the process inside.
struct Through<'a, M> {
    links: Option<&'a mut Links<M>>,
    /// The nodes to which something was sent, and whether all before it was acknowledged.
    sent_to: &'a mut Vec<(NodeId, bool)>,
}

impl<P: Process> Embed<Linked<P>, P> for Through<'_, P::Message> {
    fn name(&self) -> &'static str {
        "linked"
    }

    fn message(&self, message: P::Message) -> Segment<P::Message> {
        Segment::Bare(message)
    }

    fn message_to(&mut self, to: NodeId, message: P::Message) -> Segment<P::Message> {
        let Some(links) = &mut self.links else { return Segment::Bare(message) };
        let (segment, first) = links.number(to, message);
        self.sent_to.push((to, first));
        segment
    }

    fn timer(&self, timer: P::Timer) -> Timer<P::Timer> {
        Timer::Inner(timer)
    }

    fn record(&self, record: P::Record) -> P::Record {
        record
    }

    fn unwrap_record(&self, record: P::Record) -> Option<P::Record> {
        Some(record)
    }

    fn file(&self, file: File) -> File {
        file
    }

    fn ret(&self, ret: P::Ret) -> P::Ret {
        ret
    }
}

impl<P: Process> Process for Linked<P> {
    type Message = Segment<P::Message>;
    type Timer = Timer<P::Timer>;
    type Record = P::Record;
    type Op = P::Op;
    type Ret = P::Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.run(ctx, |inner, ctx| inner.start(ctx));
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, segment: Segment<P::Message>) {
        match (segment, &mut self.links) {
            (Segment::Bare(message), None) => self.run(ctx, |inner, ctx| inner.message(ctx, from, message)),
            (Segment::Numbered { seq, message }, Some(links)) => {
                let (ready, ack) = links.arrived(from, seq, message);
                match ready.len() {
                    0 => ctx.mark(LINK_CAME_AGAIN_OR_BEFORE_ITS_TURN),
                    1 => {}
                    _ => ctx.mark(LINK_DELIVERED_WHAT_HAD_COME_EARLY),
                }
                ctx.send(from, ack);
                for message in ready {
                    self.run(ctx, |inner, ctx| inner.message(ctx, from, message));
                }
            }
            (Segment::Ack { below }, Some(links)) => {
                if links.acknowledged(from, below) {
                    ctx.cancel(&Timer::Resend(from));
                }
            }
            (segment, links) => {
                let kind = if links.is_some() { "reliable" } else { "bare" };
                panic!("link: a segment of another kind of link: {segment:?} came to a {kind} one");
            }
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer<P::Timer>) {
        match timer {
            Timer::Inner(timer) => self.run(ctx, |inner, ctx| inner.timer(ctx, timer)),
            Timer::Resend(to) => {
                let links = self.links.as_ref().expect("only reliable links have this timer");
                let messages = links.unacknowledged(to);
                if messages.is_empty() {
                    return;
                }
                ctx.mark(LINK_SENT_AGAIN);
                ctx.arm(Timer::Resend(to), links.resend_timeout());
                messages.into_iter().for_each(|segment| ctx.send(to, segment));
            }
        }
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        self.run(ctx, |inner, ctx| inner.synced(ctx));
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: P::Op) {
        self.run(ctx, |inner, ctx| inner.invoke(ctx, op, input));
    }

    fn size(segment: &Segment<P::Message>) -> u64 {
        match segment {
            Segment::Bare(message) => P::size(message),
            Segment::Numbered { message, .. } => 8 + P::size(message),
            Segment::Ack { .. } => 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: NodeId = NodeId(0);
    const B: NodeId = NodeId(1);
    const RESEND_TIMEOUT: Span = Span::ms(30);

    /// What happens next to a link from `A` to `B`.
    #[derive(Clone, Debug)]
    enum Step {
        /// `A` sends the next message.
        Send,
        /// One of the segments under way arrives; a copy of it may stay under way.
        Arrive { which: prop::sample::Index, copied: bool },
        /// One of the segments under way is lost.
        Lose { which: prop::sample::Index },
        /// `A` has waited for long enough.
        Resend,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let arrive =
            (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(which, copied)| Step::Arrive { which, copied });
        let lose = any::<prop::sample::Index>().prop_map(|which| Step::Lose { which });
        let step = prop_oneof![3 => Just(Step::Send), 6 => arrive, 2 => lose, 1 => Just(Step::Resend)];
        prop::collection::vec(step, 0..200)
    }

    /// A link, and a network that does with its segments what a script says: messages are numbers, sent in their order.
    struct Wire {
        a: Links<u64>,
        b: Links<u64>,
        sent: u64,
        delivered: Vec<u64>,
        /// To whom, and what.
        under_way: Vec<(NodeId, Segment<u64>)>,
    }

    impl Wire {
        fn new() -> Self {
            let links = || Links::new(RESEND_TIMEOUT);
            Wire { a: links(), b: links(), sent: 0, delivered: Vec::new(), under_way: Vec::new() }
        }

        fn send(&mut self) {
            let idle = self.a.unacknowledged(B).is_empty();
            let (segment, first) = self.a.number(B, self.sent);
            assert_eq!(first, idle, "the timer is armed by the first that waits");
            self.under_way.push((B, segment));
            self.sent += 1;
        }

        fn arrive(&mut self, place: usize, copied: bool) {
            let (to, segment) = self.under_way.swap_remove(place);
            if copied {
                self.under_way.push((to, segment.clone()));
            }
            match segment {
                Segment::Numbered { seq, message } => {
                    let (ready, ack) = self.b.arrived(A, seq, message);
                    self.delivered.extend(ready);
                    self.under_way.push((A, ack));
                }
                Segment::Ack { below } => {
                    let idle = self.a.acknowledged(B, below);
                    assert_eq!(idle, self.a.unacknowledged(B).is_empty(), "the timer is cancelled when nothing waits");
                }
                Segment::Bare(_) => panic!("a link numbers what it sends"),
            }
        }

        fn resend(&mut self) {
            let waiting = self.a.unacknowledged(B);
            assert!(
                waiting.len() as u64 <= self.sent - self.acknowledged(),
                "only what was not acknowledged goes again"
            );
            self.under_way.extend(waiting.into_iter().map(|segment| (B, segment)));
        }

        fn acknowledged(&self) -> u64 {
            self.sent - self.a.unacknowledged(B).len() as u64
        }

        fn step(&mut self, step: &Step) {
            match step {
                Step::Send => self.send(),
                Step::Resend => self.resend(),
                Step::Arrive { .. } | Step::Lose { .. } if self.under_way.is_empty() => {}
                Step::Arrive { which, copied } => self.arrive(which.index(self.under_way.len()), *copied),
                Step::Lose { which } => {
                    self.under_way.swap_remove(which.index(self.under_way.len()));
                }
            }
        }

        /// Each at most once and in the order of sending: what was delivered is a beginning of what was sent.
        fn is_fifo(&self) -> bool {
            self.delivered.len() as u64 <= self.sent
                && self.delivered.iter().copied().eq(0..self.delivered.len() as u64)
        }
    }

    proptest! {
        #[test]
        fn each_is_delivered_at_most_once_and_in_order(steps in steps()) {
            let mut wire = Wire::new();
            for step in &steps {
                wire.step(step);
                prop_assert!(wire.is_fifo(), "{:?} of {}", wire.delivered, wire.sent);
                prop_assert!(wire.acknowledged() <= wire.delivered.len() as u64, "acknowledged before it was delivered");
            }
        }

        /// When nothing is lost any more, one retransmission is enough, whatever was lost before: and then none follows.
        #[test]
        fn one_retransmission_delivers_all_that_was_lost(steps in steps()) {
            let mut wire = Wire::new();
            steps.iter().for_each(|step| wire.step(step));
            wire.under_way.clear();
            let left = wire.sent - wire.delivered.len() as u64;
            wire.resend();
            prop_assert!(wire.under_way.len() as u64 >= left);
            while !wire.under_way.is_empty() {
                // The last first: the worst order.
                wire.arrive(wire.under_way.len() - 1, false);
            }
            prop_assert_eq!(wire.delivered.len() as u64, wire.sent);
            prop_assert!(wire.a.unacknowledged(B).is_empty());
        }
    }

    #[test]
    fn a_message_that_comes_early_waits_for_those_before_it() {
        let mut wire = Wire::new();
        (0..3).for_each(|_| wire.send());
        wire.arrive(2, false);
        assert!(wire.delivered.is_empty(), "{:?}", wire.delivered);
        wire.arrive(1, false);
        assert!(wire.delivered.is_empty(), "{:?}", wire.delivered);
        wire.arrive(0, false);
        assert_eq!(wire.delivered, [0, 1, 2]);
    }

    /// The other direction and other nodes have numbers of their own.
    #[test]
    fn links_are_independent() {
        let (mut a, mut b) = (Links::new(RESEND_TIMEOUT), Links::new(RESEND_TIMEOUT));
        assert_eq!(a.number(B, 'x'), (Segment::Numbered { seq: 0, message: 'x' }, true));
        assert_eq!(a.number(NodeId(2), 'y'), (Segment::Numbered { seq: 0, message: 'y' }, true));
        assert_eq!(b.number(A, 'z'), (Segment::Numbered { seq: 0, message: 'z' }, true));
        assert_eq!(a.arrived(B, 0, 'z'), (vec!['z'], Segment::Ack { below: 1 }));
        assert_eq!(a.unacknowledged(B).len(), 1);
    }

    /// Numbers are volatile: a receiver that has lost them delivers nothing out of order, and nothing at all.
    #[test]
    fn a_restarted_receiver_delivers_nothing_of_an_old_link() {
        let mut wire = Wire::new();
        wire.send();
        wire.arrive(0, false);
        wire.under_way.clear();
        wire.a.acknowledged(B, 1);
        wire.b = Links::new(RESEND_TIMEOUT);
        wire.send();
        wire.arrive(0, true);
        wire.arrive(0, false);
        assert_eq!(wire.delivered, [0]);
        assert_eq!(wire.a.unacknowledged(B).len(), 1);
    }

    /// And one who has lost the numbers of what it sent notices, rather than go on with a link that drops its messages.
    #[test]
    #[should_panic(expected = "an acknowledgement of what was never sent")]
    fn a_restarted_sender_notices() {
        let mut wire = Wire::new();
        (0..2).for_each(|_| wire.send());
        wire.arrive(0, false);
        wire.arrive(0, false);
        wire.under_way.clear();
        wire.a = Links::new(RESEND_TIMEOUT);
        wire.sent = 0;
        wire.send();
        wire.arrive(0, false);
        wire.arrive(0, false);
    }
}
