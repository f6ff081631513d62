//! Facts that hold only once a write is durable. Outputs wait for the disk by themselves (output commit); what a process
//! concludes from its own writes does not, and a process that counts its own vote before it is on disk can forget it in
//! a crash and vote again. So the conclusion is a value of its own type, and only a sync turns the one into the other.

use std::ops::Deref;

/// A fact that a process has written down, and that a crash may still undo. It comes out as [`Durable`] when the write has
/// been synced, which a process looks at in [`Process::synced`](crate::Process::synced):
///
/// ```
/// # use seedbed_sim::{Bench, Context, Durable, File, Kinded, NoOp, NodeId, Process, Written};
/// # #[derive(Clone, Debug, Hash, PartialEq, Kinded)]
/// # struct Ballot;
/// # #[derive(Clone, Debug, Hash)]
/// # struct Voter { own_vote: Option<Written<NodeId>>, votes: usize }
/// impl Voter {
///     fn vote_for_itself(&mut self, ctx: &mut Context<'_, Self>) {
///         self.own_vote = Some(ctx.append(File(0), ctx.id()).is(ctx.id()));
///     }
///
///     /// Takes a proof, so that no vote is counted before it is on disk.
///     fn count_own(&mut self, _vote: Durable<NodeId>) {
///         self.votes += 1;
///     }
/// }
/// impl Process for Voter {
/// #     type Message = Ballot;
/// #     type Timer = ();
/// #     type Record = NodeId;
/// #     type Op = NoOp;
/// #     type Ret = NoOp;
/// #     fn start(&mut self, ctx: &mut Context<'_, Self>) { self.vote_for_itself(ctx); }
/// #     fn message(&mut self, _: &mut Context<'_, Self>, _: NodeId, _: Ballot) {}
///     fn synced(&mut self, ctx: &mut Context<'_, Self>) {
///         if let Some(vote) = self.own_vote.as_ref().and_then(|vote| vote.durable(ctx)) {
///             self.count_own(vote);
///         }
///     }
/// }
/// # let mut bench = Bench::new(Voter { own_vote: None, votes: 0 });
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
/// [`Context::recovered`](crate::Context::recovered) where the process reads its disk.
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
    /// A fact that is taken for durable without a write: the counterpart of [`Context::send_early`](crate::Context::send_early), for planted bugs that
    /// skip the write.
    pub fn early(fact: T) -> Self {
        Written { fact, write: Write(0) }
    }
}

impl<T> Written<T> {
    /// Another fact that becomes true with the same write.
    pub fn also<U>(&self, fact: U) -> Written<U> {
        Written { fact, write: self.write }
    }

    /// The fact, which a crash may still undo: to look at what is under way, not to conclude from it.
    pub fn not_yet(&self) -> &T {
        &self.fact
    }
}

impl<T: Clone> Written<T> {
    /// The fact, where all writes up to this number are durable.
    pub(crate) fn up_to(&self, durable: u64) -> Option<Durable<T>> {
        (self.write.0 <= durable).then(|| Durable(self.fact.clone()))
    }
}

impl<T> Durable<T> {
    /// A fact that follows from what was read back from the disk.
    pub(crate) fn recovered(fact: T) -> Self {
        Durable(fact)
    }

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
