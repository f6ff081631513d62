//! Running a world that has async nodes: its tasks and its events in turn.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

use madsim::runtime::{Handle as Madsim, NodeHandle, Runtime};
use madsim::time::TimeHandle;

use crate::choice::Source;
use crate::host::clock;
use crate::host::node::{Handle, Hosted, Program, Shared, Site};
use crate::model::Model;
use crate::process::Context;
use crate::process::NodeId;
use crate::property::{Maker, Property};
use crate::run::{Finished, Record, Stopped, assertion, caught, finish, judge, judge_end};
use crate::scenario::{Case, Impossible};
use crate::time::Time;
use crate::world::World;

/// Runs a case of a model whose nodes are async, to its end or to the first violation: the counterpart of
/// [`crate::run()`], with the same properties, faults, sources and outcome.
///
/// Properties are judged after each event, when every task that the event woke is idle again. All tasks are ended
/// before this returns. A world needs some hundred bytes of memory for each event until it ends, because madsim keeps
/// every task.
///
/// # Errors
/// If no world can run the case.
pub fn run<M, A>(
    case: &Case<M>,
    source: &Source,
    properties: &[Maker<M>],
    record: Record,
) -> Result<Finished<M>, Impossible>
where
    A: Program,
    M: Model<Process = Hosted<A>>,
{
    case.validate()?;
    let mut world = World::begin(case, source, record == Record::Yes);
    let runtime = Runtime::with_seed_and_config(world.begin_hosting(), madsim::Config::default());
    let clock = runtime.block_on(async { TimeHandle::current() });
    let shared = Rc::new(SharedWorld {
        world: RefCell::new(world),
        clock,
        waiting: Cell::new(false),
        waker: RefCell::default(),
    });
    let mut executor = Executor { lives: case.scenario.nodes.iter().map(|_| None).collect(), runtime, shared };
    let mut properties: Vec<_> = properties.iter().map(|make| make()).collect();
    let driven = caught(|| executor.drive(&mut properties));
    let stopped =
        driven.unwrap_or_else(|panic| Some(Stopped::Violated(assertion(&executor.shared.world.borrow(), panic))));
    Ok(finish(executor.shut_down(), stopped))
}

/// The world, shared with the tasks.
struct SharedWorld<M: Model> {
    world: RefCell<World<M>>,
    clock: TimeHandle,
    /// Whether tasks are being woken by madsim's clock rather than by an event.
    waiting: Cell<bool>,
    /// Wakes the wait for the next event when a task may have scheduled an earlier one.
    waker: RefCell<Option<Waker>>,
}

impl<M: Model> SharedWorld<M> {
    /// When the next event is due; the end of the run if there is none.
    fn next(&self) -> Time {
        let world = self.world.borrow();
        world.next_at().unwrap_or(world.scenario().phases.end_at())
    }
}

impl<A: Program, M: Model<Process = Hosted<A>>> Site<A> for SharedWorld<M> {
    fn act(&self, node: NodeId, mailbox: &Shared<A>, effect: &mut dyn FnMut(&mut Context<'_, Hosted<A>>)) {
        let mut world = self.world.borrow_mut();
        if !world.process(node).is_some_and(|process| process.reads(mailbox)) {
            return;
        }
        if self.waiting.get() {
            let next = world.next_at().unwrap_or(world.scenario().phases.end_at());
            world.pass_time(clock::read(&self.clock).min(next));
        }
        world.act(node, |_, ctx| effect(ctx));
        drop(world);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

/// The madsim node of one life of a node.
struct Life {
    node: NodeHandle,
    number: u32,
    paused: bool,
}

/// Runs events and tasks in turn.
struct Executor<M: Model> {
    runtime: Runtime,
    shared: Rc<SharedWorld<M>>,
    /// In the order of the scenario's nodes.
    lives: Vec<Option<Life>>,
}

impl<A: Program, M: Model<Process = Hosted<A>>> Executor<M> {
    fn drive(&mut self, properties: &mut [Box<dyn Property<M>>]) -> Option<Stopped> {
        while let Some(at) = self.wait() {
            if !self.shared.world.borrow_mut().step_until(at) {
                match self.shared.world.borrow().broken_off() {
                    Some(undecided) => return Some(Stopped::Undecided(undecided)),
                    None => continue,
                }
            }
            self.apply_node_states();
            self.run_ready();
            self.apply_node_states();
            if let Some(stopped) = judge(&self.shared.world.borrow(), properties) {
                return Some(stopped);
            }
        }
        self.shared.world.borrow_mut().advance_to_end();
        judge_end(&self.shared.world.borrow(), properties)
    }

    /// Runs all ready tasks, and those that these make ready, while the world's time stands still. madsim's executor
    /// empties its queue before it checks whether the future it was given is done.
    fn run_ready(&self) {
        self.runtime.block_on(async {});
    }

    /// Advances madsim's clock to the world's next event, so that tasks whose own timers are due earlier run first;
    /// they may schedule an earlier event. `None` if nothing happens before the end.
    fn wait(&self) -> Option<Time> {
        loop {
            let at = self.shared.next();
            self.shared.waiting.set(true);
            self.runtime.block_on(until(&self.shared, at));
            self.shared.waiting.set(false);
            if self.shared.next() == at {
                return self.shared.world.borrow().next_at();
            }
        }
    }

    /// Brings madsim's nodes into the states of the world's nodes: up or down, paused or not.
    fn apply_node_states(&mut self) {
        for (index, life) in self.lives.iter_mut().enumerate() {
            let mut world = self.shared.world.borrow_mut();
            let node = world.scenario().nodes[index];
            let (up, number, paused) = (world.process(node).is_some(), world.life(node), world.paused(node));
            if let Some(over) = life.take_if(|life| !up || life.number != number) {
                self.runtime.handle().kill(over.node.id());
            }
            if up && life.is_none() {
                let mut main = None;
                world.act(node, |process, _| main = process.take_main());
                let (main, mailbox) = main.expect("a life begins once");
                let site: Rc<dyn Site<A>> = self.shared.clone();
                let handle = Handle::new(node, mailbox, Rc::downgrade(&site));
                let node = launch(self.runtime.handle(), node, main(handle));
                *life = Some(Life { node, number, paused: false });
            }
            match life {
                Some(life) if life.paused != paused => {
                    life.paused = paused;
                    if paused {
                        self.runtime.handle().pause(life.node.id());
                    } else {
                        self.runtime.handle().resume(life.node.id());
                    }
                }
                _ => {}
            }
        }
    }

    /// Ends all tasks, because a pending task would keep the runtime, and all it holds, alive.
    fn shut_down(self) -> World<M> {
        for life in self.lives.iter().flatten() {
            self.runtime.handle().kill(life.node.id());
        }
        // The verdict is known, so a destructor that panics now is ignored.
        let _ = caught(|| self.run_ready());
        let Executor { shared, runtime, .. } = self;
        drop(runtime);
        let shared = Rc::try_unwrap(shared).ok().expect("only tasks share the stage, and weakly");
        shared.world.into_inner()
    }
}

/// Resolves when madsim's clock shows `at`, or when the world's next event is due at another time.
async fn until<M: Model>(shared: &Rc<SharedWorld<M>>, at: Time) {
    let mut sleep = clock::reaches(&shared.clock, at);
    std::future::poll_fn(|poller| {
        if shared.next() != at {
            return Poll::Ready(());
        }
        *shared.waker.borrow_mut() = Some(poller.waker().clone());
        sleep.as_mut().poll(poller)
    })
    .await;
    shared.waker.borrow_mut().take();
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    /// The first task of the node that is being created. madsim requires a `Send` function that can be called again;
    /// this future is neither, but madsim calls the function once, immediately, on this thread.
    static FIRST_TASK: RefCell<Option<Task>> = const { RefCell::new(None) };
}

fn launch(madsim: &Madsim, node: NodeId, main: Task) -> NodeHandle {
    FIRST_TASK.set(Some(main));
    let first = || FIRST_TASK.take().expect("a node is made with its first task");
    madsim.create_node().name(node.to_string()).init(first).build()
}
