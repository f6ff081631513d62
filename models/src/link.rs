//! Reliable links: a layer below any process that makes links which lose, double and reorder messages into links that
//! deliver each once and in order. Sequence numbers, cumulative acknowledgements, retransmission (Tanenbaum & Wetherall,
//! *Computer Networks*, §3.4.2, go-back-n with a receiver that keeps what comes early; Cachin, Guerraoui & Rodrigues,
//! *Reliable and Secure Distributed Programming*, §2.4: perfect links over fair-loss links).
//!
//! [`Linked`] is the process with the layer, or without it where it is switched off: then messages pass as they are. The
//! names of message kinds are those of the process inside, either way, and `ack` for the layer's own.
//!
//! **Guaranteed**: between two nodes that do not crash, each message is delivered exactly once, in the order of sending,
//! if the network does not lose all copies for ever. **Not guaranteed**: anything across a crash, for the numbers are
//! volatile; a bound on what waits to be acknowledged.

use std::collections::BTreeMap;

use seedbed_sim::{Context, Embed, File, Kinded, NodeId, OpId, Process, Span};

/// What goes over the network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment<M> {
    /// A message without the layer.
    Bare(M),
    /// The so-many-eth message on this link, from zero.
    Numbered {
        /// Which.
        seq: u64,
        /// What it says.
        message: M,
    },
    /// All messages of this link below this number have come.
    Ack {
        /// The number.
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
    /// What this node has not acknowledged is sent again.
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

/// The reliable links of a node: what the layer is made of, for a process that speaks through them itself.
#[derive(Clone, Debug, Hash)]
pub struct Links<M> {
    patience: Span,
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
    /// All below have been delivered.
    below: u64,
    early: BTreeMap<u64, M>,
}

impl<M: Clone> Links<M> {
    /// Links that wait so long for an acknowledgement before they send again.
    pub fn new(patience: Span) -> Self {
        Links { patience, out: BTreeMap::new(), into: BTreeMap::new() }
    }

    /// How long to wait for an acknowledgement.
    pub fn patience(&self) -> Span {
        self.patience
    }

    /// A message with its number. The timer is to be armed if nothing else was unacknowledged: if the second is true.
    pub fn number(&mut self, to: NodeId, message: M) -> (Segment<M>, bool) {
        let link = self.out.entry(to).or_insert(Outgoing { next: 0, unacknowledged: BTreeMap::new() });
        let (seq, first) = (link.next, link.unacknowledged.is_empty());
        link.next += 1;
        link.unacknowledged.insert(seq, message.clone());
        (Segment::Numbered { seq, message }, first)
    }

    /// What can be delivered now that this has come, in order, and the acknowledgement to send.
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

    /// All below this number have come. Returns whether nothing is left that waits: then the timer is to be cancelled.
    ///
    /// # Panics
    /// If that many were never sent.
    pub fn acknowledged(&mut self, by: NodeId, below: u64) -> bool {
        let Some(link) = self.out.get_mut(&by) else { return true };
        assert!(below <= link.next, "link: an acknowledgement of what was never sent: {below} by {by}");
        link.unacknowledged = link.unacknowledged.split_off(&below);
        link.unacknowledged.is_empty()
    }

    /// What was sent to a node and is not acknowledged, to be sent again.
    pub fn waiting(&self, to: NodeId) -> Vec<Segment<M>> {
        let waiting = self.out.get(&to).into_iter().flat_map(|link| &link.unacknowledged);
        waiting.map(|(seq, message)| Segment::Numbered { seq: *seq, message: message.clone() }).collect()
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

    /// A process with reliable links, which wait so long for an acknowledgement before they send again.
    pub fn reliable(inner: P, patience: Span) -> Self {
        Linked { inner, links: Some(Links::new(patience)) }
    }

    /// The process inside.
    pub fn inner(&self) -> &P {
        &self.inner
    }

    /// How many messages have not been acknowledged.
    pub fn unacknowledged(&self) -> usize {
        let links = self.links.iter().flat_map(|links| links.out.values());
        links.map(|link| link.unacknowledged.len()).sum()
    }

    /// Runs a handler of the process inside, and waits for acknowledgements of what it has sent.
    fn run(&mut self, ctx: &mut Context<'_, Self>, handler: impl FnOnce(&mut P, &mut Context<'_, P>)) {
        let mut sent_to = Vec::new();
        let through = Through { links: self.links.as_mut(), sent_to: &mut sent_to };
        let inner = &mut self.inner;
        let answers = ctx.host(through, |ctx| handler(inner, ctx));
        debug_assert!(answers.is_empty(), "nobody asks the process inside but its clients");
        let Some(links) = &self.links else { return };
        for (to, first) in sent_to {
            // Behind what was sent before, the timer is armed already.
            if first {
                ctx.arm(Timer::Resend(to), links.patience());
            }
        }
    }
}

/// How the process inside sends.
struct Through<'a, M> {
    links: Option<&'a mut Links<M>>,
    /// To whom something was sent, and whether nothing else was unacknowledged there.
    sent_to: &'a mut Vec<(NodeId, bool)>,
}

impl<P: Process> Embed<Linked<P>, P> for Through<'_, P::Message> {
    const NAME: &'static str = "linked";

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
                    0 => ctx.mark("link: came again, or before its turn"),
                    1 => {}
                    _ => ctx.mark("link: delivered what had come early"),
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
                let waiting = links.waiting(to);
                if waiting.is_empty() {
                    return;
                }
                ctx.mark("link: sent again");
                ctx.arm(Timer::Resend(to), links.patience());
                waiting.into_iter().for_each(|segment| ctx.send(to, segment));
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
