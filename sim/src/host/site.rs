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
use crate::property::{Maker, Property, Violation};
use crate::run::{Finished, Record, assertion, caught, finish, judge, judge_end};
use crate::scenario::{Case, Impossible};
use crate::time::Time;
use crate::world::World;

/// Runs a case of a model whose nodes are async, to its end or to the first violation: what [`crate::run()`] is for
/// state machines, with the same properties, faults, sources and outcome.
///
/// Properties are judged after each event, when every task that the event woke has done what it could. All tasks are
/// ended before this returns. A world costs some hundred bytes an event until it ends, for madsim remembers every task.
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
    let stage =
        Rc::new(Stage { world: RefCell::new(world), clock, waiting: Cell::new(false), bell: RefCell::default() });
    let mut company = Company { lives: case.scenario.nodes.iter().map(|_| None).collect(), runtime, stage };
    let mut properties: Vec<_> = properties.iter().map(|make| make()).collect();
    let driven = caught(|| company.drive(&mut properties));
    let violation = driven.unwrap_or_else(|panic| Some(assertion(&company.stage.world.borrow(), panic)));
    Ok(finish(company.disband(), violation))
}

/// The world where tasks can reach it.
struct Stage<M: Model> {
    world: RefCell<World<M>>,
    clock: TimeHandle,
    /// Whether the tasks that run now were woken by madsim's clock and not by an event.
    waiting: Cell<bool>,
    /// Whoever waits for the next event, to be told when there is an earlier one.
    bell: RefCell<Option<Waker>>,
}

impl<M: Model> Stage<M> {
    /// When the next event is due, or the end.
    fn next(&self) -> Time {
        let world = self.world.borrow();
        world.next_at().unwrap_or(world.scenario().phases.end_at())
    }
}

impl<A: Program, M: Model<Process = Hosted<A>>> Site<A> for Stage<M> {
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
        if let Some(waker) = self.bell.borrow_mut().take() {
            waker.wake();
        }
    }
}

/// One life of a node, as madsim knows it.
struct Life {
    node: NodeHandle,
    number: u32,
    paused: bool,
}

/// The runtime and what runs in it.
struct Company<M: Model> {
    runtime: Runtime,
    stage: Rc<Stage<M>>,
    /// In the order of the scenario's nodes.
    lives: Vec<Option<Life>>,
}

impl<A: Program, M: Model<Process = Hosted<A>>> Company<M> {
    fn drive(&mut self, properties: &mut [Box<dyn Property<M>>]) -> Option<Violation> {
        while let Some(at) = self.wait() {
            if !self.stage.world.borrow_mut().step_until(at) {
                continue;
            }
            self.align();
            self.run_ready();
            self.align();
            if let Some(violation) = judge(&self.stage.world.borrow(), properties) {
                return Some(violation);
            }
        }
        self.stage.world.borrow_mut().run_out();
        judge_end(&self.stage.world.borrow(), properties)
    }

    /// Runs every task that is ready, and those that these make ready, in no time of the world. The executor empties
    /// its queue before it looks whether the future it was given is done.
    fn run_ready(&self) {
        self.runtime.block_on(async {});
    }

    /// Lets madsim's clock run to the next event of the world, so that tasks whose own timers are due before it go
    /// first; what they do may bring the next event forward. `None` if nothing happens before the end.
    fn wait(&self) -> Option<Time> {
        loop {
            let at = self.stage.next();
            self.stage.waiting.set(true);
            self.runtime.block_on(until(&self.stage, at));
            self.stage.waiting.set(false);
            if self.stage.next() == at {
                return self.stage.world.borrow().next_at();
            }
        }
    }

    /// Makes madsim's nodes what the world's are: up or down, paused or not.
    fn align(&mut self) {
        for (index, life) in self.lives.iter_mut().enumerate() {
            let mut world = self.stage.world.borrow_mut();
            let node = world.scenario().nodes[index];
            let (up, number, paused) = (world.process(node).is_some(), world.life(node), world.paused(node));
            if let Some(over) = life.take_if(|life| !up || life.number != number) {
                self.runtime.handle().kill(over.node.id());
            }
            if up && life.is_none() {
                let mut main = None;
                world.act(node, |process, _| main = process.take_main());
                let (main, mailbox) = main.expect("a life begins once");
                let site: Rc<dyn Site<A>> = self.stage.clone();
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

    /// Ends all tasks: a pending one would keep the runtime, and all it holds, for ever.
    fn disband(self) -> World<M> {
        for life in self.lives.iter().flatten() {
            self.runtime.handle().kill(life.node.id());
        }
        // A destructor that panics changes no verdict any more.
        let _ = caught(|| self.run_ready());
        let Company { stage, runtime, .. } = self;
        drop(runtime);
        let stage = Rc::try_unwrap(stage).ok().expect("only tasks share the stage, and weakly");
        stage.world.into_inner()
    }
}

/// Resolves when madsim's clock shows `at`, or when the world's next event is due at another time.
async fn until<M: Model>(stage: &Rc<Stage<M>>, at: Time) {
    let mut sleep = clock::reaches(&stage.clock, at);
    std::future::poll_fn(|poller| {
        if stage.next() != at {
            return Poll::Ready(());
        }
        *stage.bell.borrow_mut() = Some(poller.waker().clone());
        sleep.as_mut().poll(poller)
    })
    .await;
    stage.bell.borrow_mut().take();
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    /// The first task of the node that is being made. madsim asks for a function that is `Send` and can be called
    /// again, where we have a future that is neither; it calls it at once and on this thread.
    static FIRST_TASK: RefCell<Option<Task>> = const { RefCell::new(None) };
}

fn launch(madsim: &Madsim, node: NodeId, main: Task) -> NodeHandle {
    FIRST_TASK.set(Some(main));
    let first = || FIRST_TASK.take().expect("a node is made with its first task");
    madsim.create_node().name(node.to_string()).init(first).build()
}
