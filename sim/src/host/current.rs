//! The run of a program on this thread: what its tasks, its disks and the runner share.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use madsim::time::TimeHandle;

use crate::disk::{DiskConfig, WriteFate};
use crate::fingerprint::stable_hash;
use crate::host::clock;
use crate::host::deployment::Deployment;
use crate::host::events::Events;
use crate::host::files::Files;
use crate::host::told;
use crate::process::NodeId;
use crate::run::property_and_message;
use crate::time::{Span, Time};

thread_local! {
    static CURRENT: RefCell<Option<Rc<Current>>> = const { RefCell::new(None) };
}

/// A run. A thread has at most one.
pub(super) struct Current {
    seed: u64,
    clock: TimeHandle,
    disk: DiskConfig,
    /// madsim's names of the nodes, in the order of the deployment.
    pub(super) nodes: RefCell<Vec<madsim::task::NodeId>>,
    pub(super) events: RefCell<Events>,
    pub(super) files: RefCell<Vec<Files>>,
    pub(super) panics: RefCell<Panics>,
    pub(super) tasks: RefCell<Tasks>,
    most_polls: u64,
    /// How often tasks were polled since one had to wait.
    busy: Cell<u64>,
    last_poll: Cell<Time>,
}

/// What is known of the panics in tasks whose handles were kept.
#[derive(Debug, Default)]
pub(super) struct Panics {
    next: u64,
    /// Nobody has been told of these yet.
    pub(super) unjoined: BTreeMap<u64, Panic>,
    /// The program was told of these, by a handle.
    pub(super) joined: Vec<Panic>,
}

/// A panic in a task, which is no violation if the program joins the task and so learns of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    /// The node of the task.
    pub node: NodeId,
    /// When it was.
    pub at: Time,
    /// The name of the failed assertion.
    pub property: String,
    /// The panic's own words.
    pub message: String,
    /// The handle was dropped, so nobody will be told.
    pub(super) abandoned: bool,
}

/// The tasks of a run, by their spans.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// Of a span of a node: the node.
    pub(super) nodes: BTreeMap<u64, Option<NodeId>>,
    /// Of a span of a task: its node, and its number there.
    pub(super) tasks: BTreeMap<u64, (Option<NodeId>, u32)>,
    /// How many tasks each node has had.
    pub(super) counts: BTreeMap<Option<NodeId>, u32>,
}

impl Current {
    /// Begins a run on this thread.
    pub(super) fn begin(deployment: &Deployment, seed: u64, clock: TimeHandle, events: Events) -> Rc<Self> {
        let current = Rc::new(Current {
            seed,
            clock,
            disk: deployment.disk.clone(),
            nodes: RefCell::default(),
            events: RefCell::new(events),
            files: RefCell::new((0..deployment.nodes).map(|_| Files::new()).collect()),
            panics: RefCell::default(),
            tasks: RefCell::default(),
            most_polls: deployment.most_polls,
            busy: Cell::new(0),
            last_poll: Cell::new(Time::ZERO),
        });
        CURRENT.set(Some(current.clone()));
        current
    }

    /// Ends the run: whatever its tasks still do as they are dropped is no longer part of it.
    pub(super) fn end(&self) {
        CURRENT.set(None);
    }

    pub(super) fn now(&self) -> Time {
        clock::read(&self.clock)
    }

    pub(super) fn say(&self, node: Option<NodeId>, what: String) {
        self.events.borrow_mut().say(self.now(), node, what);
    }

    /// The node of the task that runs now.
    fn node(&self) -> Option<NodeId> {
        let here = madsim::plugin::node();
        self.nodes.borrow().iter().position(|node| *node == here).map(|at| NodeId(at as u16))
    }

    /// A number below `below`, by the choice with this name. It depends on the seed and on nothing else.
    pub(super) fn chance(&self, node: NodeId, label: &str, name: (u64, u64), below: u64) -> u64 {
        stable_hash(&(self.seed, node, label, name)) % below.max(1)
    }

    /// A node crashes: its disk keeps what was synced, and of the rest what the choices say. `false` if there was nothing
    /// to lose.
    pub(super) fn crash_files(&self, node: NodeId) -> bool {
        let mut files = self.files.borrow_mut();
        let crashes = files[node.index()].crashes();
        files[node.index()].crash(|write, len| {
            let chance = self.chance(node, "crash", (crashes, write), 1_000_000);
            if chance < u64::from(self.disk.lost_ppm) {
                (WriteFate::Lost, 0)
            } else if chance < u64::from(self.disk.lost_ppm) + u64::from(self.disk.torn_ppm) {
                (WriteFate::Torn, self.chance(node, "torn", (crashes, write), len as u64) as usize)
            } else {
                (WriteFate::Kept, len)
            }
        })
    }

    /// The first task of a node was told of a panic, which is kept as that.
    pub(super) fn joined(&self, node: NodeId, panic: &(dyn Any + Send)) {
        let (property, message) = property_and_message(panic);
        self.say(Some(node), format!("learns of a panic in a task: {message}"));
        let panic = Panic { node, at: self.now(), property, message, abandoned: false };
        self.panics.borrow_mut().joined.push(panic);
    }

    /// A node has crashed: nobody is left who could be told of its panics.
    pub(super) fn forget_panics(&self, node: NodeId) {
        self.panics.borrow_mut().unjoined.retain(|_, panic| panic.node != node || panic.abandoned);
    }

    /// A task is about to be polled.
    ///
    /// # Panics
    /// If that goes on without end while no task ever waits, which is the only way to stop madsim's executor then.
    pub(super) fn polled(&self, task: (Option<NodeId>, u32)) {
        // madsim adds 50 to 100 ns for each poll, and more only if no task was ready.
        const LONGEST_POLL: Span = Span(100);
        told::poll_begins();
        let now = self.now();
        let waited = now.since(self.last_poll.replace(now)) > LONGEST_POLL;
        self.busy.set(if waited { 1 } else { self.busy.get() + 1 });
        self.events.borrow_mut().polled(now, task.0, task.1);
        if self.busy.get() > self.most_polls {
            self.busy.set(0);
            let polls = self.most_polls;
            std::panic::panic_any(NoProgress { node: task.0, task: task.1, at: now, polls });
        }
    }
}

/// Tasks are polled again and again, and none of them waits.
#[derive(Clone, Debug)]
pub(super) struct NoProgress {
    node: Option<NodeId>,
    task: u32,
    at: Time,
    polls: u64,
}

impl NoProgress {
    pub(super) const PROPERTY: &str = "progress: tasks wait now and then";

    pub(super) fn message(&self) -> String {
        let NoProgress { node, task, at, polls } = self;
        let node = node.map_or_else(|| "the runner".into(), |node| node.to_string());
        format!(
            "no progress at {at}: tasks were polled {polls} times in a row, and none of them waited for a message or for time; \
             the last was task {task} of {node}"
        )
    }
}

/// The run on this thread, if there is one.
pub(super) fn current() -> Option<Rc<Current>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// An event of the node whose task runs now. `what` is only called in a run.
pub fn say(what: impl FnOnce() -> String) {
    if let Some(current) = current() {
        current.say(current.node(), what());
    }
}

/// Keeps a panic that was caught in a task whose handle is kept. `None` outside of a run.
pub fn keep_panic(panic: &(dyn Any + Send)) -> Option<u64> {
    let current = current()?;
    let (property, message) = property_and_message(panic);
    let node = current.node()?;
    current.say(Some(node), format!("panics in a task: {message}"));
    let at = current.now();
    let mut panics = current.panics.borrow_mut();
    panics.next += 1;
    let key = panics.next;
    panics.unjoined.insert(key, Panic { node, at, property, message, abandoned: false });
    Some(key)
}

/// The program is told of a panic, by the handle of its task.
pub fn join_panic(key: u64) {
    let Some(current) = current() else { return };
    let mut panics = current.panics.borrow_mut();
    if let Some(panic) = panics.unjoined.remove(&key) {
        panics.joined.push(panic);
    }
}

/// The handle of a task that panicked is dropped, and the program was not told: a violation, unless it is because the node
/// has crashed.
pub fn abandon_panic(key: u64) {
    let Some(current) = current() else { return };
    if let Some(panic) = current.panics.borrow_mut().unjoined.get_mut(&key) {
        panic.abandoned = true;
    }
}

/// Does something to the files of the node whose task runs now.
///
/// # Panics
/// Outside of a run.
pub fn with_files<T>(change: impl FnOnce(&mut Files) -> T) -> T {
    let (current, node) = here();
    let mut files = current.files.borrow_mut();
    change(&mut files[node.index()])
}

/// How long a sync takes that begins now, on the node whose task runs now.
///
/// # Panics
/// Outside of a run.
pub fn sync_takes() -> Span {
    let (current, node) = here();
    let config = &current.disk;
    let (count, slow) = current.files.borrow_mut()[node.index()].count_sync();
    config.sync + Span(current.chance(node, "sync", (count, 0), config.sync_jitter.0 + 1)) + slow
}

fn here() -> (Rc<Current>, NodeId) {
    let current = current().expect("files are simulated for programs that `seedbed_sim::host::deploy` runs");
    let node = current.node().expect("only tasks of nodes have files");
    (current, node)
}
