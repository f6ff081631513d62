//! Facts that hold only once a write is durable. Outputs wait for the disk by themselves (output commit); what a process
//! concludes from its own writes does not, and a process that counts its own vote before it is on disk can forget it in
//! a crash and vote again. So the conclusion is a value of its own type, and only a sync turns the one into the other.

use std::collections::VecDeque;
use std::ops::Deref;

use crate::disk::File;
use crate::process::{Context, Process};

/// A fact that a process has written down, and that a crash may still undo. It comes out as [`Durable`] when the write has
/// been synced, which a process looks at in [`Process::synced`]:
///
/// ```
/// # use seedbed_sim::{Context, Durable, File, Kinded, NoOp, NodeId, Process, Written};
/// # #[derive(Clone, Debug, Hash, Kinded)]
/// # struct Ballot;
/// # #[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord, Kinded)]
/// # enum Never {}
/// # #[derive(Clone, Debug, Hash)]
/// # struct Voter { own_vote: Option<Written<NodeId>>, votes: usize }
/// impl Voter {
///     /// Takes a proof, so that no other vote of its own can be counted.
///     fn count_own(&mut self, _vote: Durable<NodeId>) {
///         self.votes += 1;
///     }
/// }
/// # impl Process for Voter {
/// #     type Message = Ballot; type Timer = Never; type Record = NodeId; type Op = NoOp; type Ret = NoOp;
/// #     fn start(&mut self, ctx: &mut Context<'_, Self>) {
/// #         const LOG: File = File(0);
/// // In one handler:
/// self.own_vote = Some(ctx.append(LOG, ctx.id()).is(ctx.id()));
/// #     }
/// #     fn message(&mut self, _: &mut Context<'_, Self>, _: NodeId, _: Ballot) {}
/// #     fn synced(&mut self, ctx: &mut Context<'_, Self>) {
/// // In `synced`:
/// if let Some(vote) = self.own_vote.as_ref().and_then(|vote| vote.durable(ctx)) {
///     self.count_own(vote);
/// }
/// #     }
/// # }
/// # let mut bench = seedbed_sim::Bench::new(NodeId(0), Voter { own_vote: None, votes: 0 });
/// # bench.start();
/// # assert_eq!(bench.process().votes, 0);
/// # bench.synced();
/// # assert_eq!(bench.process().votes, 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Written<T> {
    fact: T,
    write: Write,
}

/// A fact that is on disk: a crash of this node does not undo it. There is no way to make one but [`Written::durable`], and
/// [`Context::recovered`] where the process reads its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Durable<T>(T);

/// One write of a node, in the order of its writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Write(u64);

impl Write {
    pub(crate) fn numbered(number: u64) -> Self {
        Write(number)
    }

    /// What becomes true with this write.
    pub fn is<T>(self, fact: T) -> Written<T> {
        Written { fact, write: self }
    }
}

impl<T> Written<T> {
    /// A fact that is taken for durable without a write: the counterpart of [`Context::send_early`], for planted bugs that
    /// skip the write.
    pub fn early(fact: T) -> Self {
        Written { fact, write: Write(0) }
    }
}

impl<T: Clone> Written<T> {
    /// The fact, if its write is durable.
    pub fn durable<P: Process>(&self, ctx: &Context<'_, P>) -> Option<Durable<T>> {
        (self.write.0 <= ctx.durable_to()).then(|| Durable(self.fact.clone()))
    }
}

impl<T> Durable<T> {
    /// Another fact that follows from this one.
    pub fn map<U>(self, follows: impl FnOnce(T) -> U) -> Durable<U> {
        Durable(follows(self.0))
    }

    /// The fact alone.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Durable<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// How far something is durable that grows write by write, such as a log: a fact that is durable, and those behind it that
/// are not yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Watermark<T> {
    durable: Durable<T>,
    /// In the order of their writes.
    unsynced: VecDeque<Written<T>>,
}

impl<T: Clone> Watermark<T> {
    /// All is durable up to here.
    pub fn at(durable: Durable<T>) -> Self {
        Watermark { durable, unsynced: VecDeque::new() }
    }

    /// The latest that is durable.
    pub fn durable(&self) -> &T {
        &self.durable
    }

    /// The process has written more.
    pub fn wrote(&mut self, more: Written<T>) {
        self.unsynced.push_back(more);
    }

    /// To be called from [`Process::synced`]. Says whether more is durable than before.
    pub fn synced<P: Process>(&mut self, ctx: &Context<'_, P>) -> bool {
        let mut moved = false;
        while let Some(durable) = self.unsynced.front().and_then(|more| more.durable(ctx)) {
            (self.durable, moved) = (durable, true);
            self.unsynced.pop_front();
        }
        moved
    }
}

impl<P: Process> Context<'_, P> {
    /// A fact that follows from what `file` held when the process started: what is read back at a start has survived a
    /// crash, and [`Process::start`] runs before anything is written.
    ///
    /// # Panics
    /// If the node has writes that are not durable.
    pub fn recovered<T>(&self, file: File, fact: T) -> Durable<T> {
        let settled = self.written() <= self.durable_to();
        assert!(settled, "what a process takes for recovered from {file:?} is durable: it has unsynced writes");
        Durable(fact)
    }
}
