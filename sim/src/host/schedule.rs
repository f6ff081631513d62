//! Sees which task madsim's executor polls when, by the spans that it enters for each poll.
//!
//! madsim says nothing else of its schedule. What is logged goes on to whoever listened before.

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::dispatcher::{self, Dispatch};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, NoSubscriber};
use tracing::{Event, Metadata, Subscriber, level_filters::LevelFilter};
use tracing_core::span::Current as CurrentSpan;

use crate::host::current::{Current, current};
use crate::process::NodeId;

/// Runs `run` while the run on this thread is told of each poll.
pub(super) fn watched<T>(run: impl FnOnce() -> T) -> T {
    LazyLock::force(&SILENT);
    let listener = dispatcher::get_default(|listener| listener.clone());
    let schedule = Schedule { listener, next: AtomicU64::new(OWN), level: LevelFilter::current() };
    dispatcher::with_default(&Dispatch::new(schedule), run)
}

/// As long as there is one listener alone, tracing asks whether anybody wants a span of the thread that comes to it first, and
/// of no other: the answer of a thread that runs no program would be taken for that of all. With several it asks each.
static SILENT: LazyLock<[Dispatch; 2]> = LazyLock::new(|| [(); 2].map(|()| Dispatch::new(NoSubscriber::new())));

struct Schedule {
    /// Whoever listened before.
    listener: Dispatch,
    /// The next of our own identifiers, for spans that the listener does not want.
    next: AtomicU64,
    /// What anybody listens to.
    level: LevelFilter,
}

/// Our own identifiers of spans have this bit, and those of listeners do not.
const OWN: u64 = 1 << 63;

fn is_own(id: &Id) -> bool {
    id.into_u64() & OWN != 0
}

/// The spans of nodes and tasks.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == "madsim::sim::task" && ["node", "task"].contains(&metadata.name())
}

impl Subscriber for Schedule {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let interest = self.listener.register_callsite(metadata);
        if is_ours(metadata) { Interest::always() } else { interest }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_ours(metadata) || self.listener.enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level.max(LevelFilter::ERROR))
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = if !self.listener.enabled(span.metadata()) {
            Id::from_u64(self.next.fetch_add(1, Ordering::Relaxed))
        } else if span.parent().is_some_and(is_own) {
            self.listener.new_span(&Attributes::new_root(span.metadata(), span.values()))
        } else {
            self.listener.new_span(span)
        };
        if let Some(current) = current() {
            note_span(&current, &id, span);
        }
        id
    }

    fn enter(&self, span: &Id) {
        if !is_own(span) {
            self.listener.enter(span);
        }
        let Some(current) = current() else { return };
        let task = current.tasks.borrow().tasks.get(&span.into_u64()).copied();
        if let Some(task) = task {
            current.polled(task);
        }
    }

    fn exit(&self, span: &Id) {
        if !is_own(span) {
            self.listener.exit(span);
        }
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        if !is_own(span) {
            self.listener.record(span, values);
        }
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        if !is_own(span) && !is_own(follows) {
            self.listener.record_follows_from(span, follows);
        }
    }

    fn event(&self, event: &Event<'_>) {
        self.listener.event(event);
    }

    fn clone_span(&self, span: &Id) -> Id {
        if is_own(span) { span.clone() } else { self.listener.clone_span(span) }
    }

    fn try_close(&self, span: Id) -> bool {
        !is_own(&span) && self.listener.try_close(span)
    }

    fn current_span(&self) -> CurrentSpan {
        self.listener.current_span()
    }
}

/// Notes whose span it is. Listeners use an identifier again when its span is closed.
fn note_span(current: &Current, id: &Id, span: &Attributes<'_>) {
    let mut tasks = current.tasks.borrow_mut();
    tasks.nodes.remove(&id.into_u64());
    tasks.tasks.remove(&id.into_u64());
    if !is_ours(span.metadata()) {
        return;
    }
    if span.metadata().name() == "node" {
        let mut number = Number(None);
        span.values().record(&mut number);
        // madsim counts nodes from one; zero is the runner.
        let node = number.0.and_then(|number| number.checked_sub(1)).map(|number| NodeId(number as u16));
        tasks.nodes.insert(id.into_u64(), node);
        return;
    }
    let node = span.parent().and_then(|node| tasks.nodes.get(&node.into_u64()).copied().flatten());
    let count = tasks.counts.entry(node).or_default();
    *count += 1;
    let task = (node, *count);
    tasks.tasks.insert(id.into_u64(), task);
}

/// The value of the field `id`.
struct Number(Option<u64>);

impl Visit for Number {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "id" {
            self.0 = format!("{value:?}").parse().ok();
        }
    }
}
