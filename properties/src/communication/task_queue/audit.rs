//! Properties that audit the broker: a rule looks at each entry of the journal, with what the journal has said before, and at the
//! broker's data behind it.

use seedbed_models::communication::task_queue::model::BROKER;
use seedbed_models::communication::task_queue::store::Store;
use seedbed_models::communication::task_queue::store::journal::Entry;
use seedbed_models::communication::task_queue::task::TaskId;
use seedbed_models::communication::task_queue::{Node, TaskQueue};
use seedbed_sim::{Broken, Property, Verdict, World};

use crate::communication::task_queue::book::{Book, touched};

/// What a rule finds wrong, in words.
pub type Finding = Result<(), String>;

/// A rule.
pub trait Rule: Clone + Default {
    /// The name of the property.
    const NAME: &'static str;

    /// Whether a configuration promises it.
    fn concerns(model: &TaskQueue) -> bool {
        let _ = model;
        true
    }

    /// Looks at an entry; the book is as it was before.
    fn entry(&mut self, model: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        let _ = (model, book, entry);
        Ok(())
    }

    /// Looks at the broker's data when all entries of an event are read, which were about these tasks.
    fn data(&mut self, model: &TaskQueue, book: &Book, store: &Store, touched: &[TaskId]) -> Finding {
        let _ = (model, book, store, touched);
        Ok(())
    }

    /// Looks at the whole, at the end.
    fn end(&self, model: &TaskQueue) -> Finding {
        let _ = model;
        Ok(())
    }
}

/// The data of the broker, if it is up.
pub fn store(world: &World<TaskQueue>) -> Option<&Store> {
    world.process(BROKER).and_then(Node::broker).map(|broker| broker.store())
}

/// What is new in the journal of the broker: after a restart all of it, as the append-only file has it.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    seen: usize,
    life: u32,
}

impl Reader {
    /// The new entries, and whether they are the first of a journal.
    pub fn news<'w>(&mut self, world: &'w World<TaskQueue>) -> Option<(&'w [Entry], bool)> {
        if !world.changed().contains(&BROKER) {
            return None;
        }
        let journal = store(world)?.journal();
        let life = world.life(BROKER);
        let anew = std::mem::replace(&mut self.life, life) != life;
        let seen = if anew { 0 } else { self.seen };
        self.seen = journal.len();
        journal.get(seen..).map(|entries| (entries, anew))
    }
}

/// The property that a rule holds.
#[derive(Clone, Default)]
pub struct Audit<R> {
    reader: Reader,
    book: Book,
    rule: R,
}

impl<R: Rule> Property<TaskQueue> for Audit<R> {
    fn name(&self) -> String {
        R::NAME.into()
    }

    fn after_event(&mut self, world: &World<TaskQueue>) -> Verdict {
        let model = world.config();
        if !R::concerns(model) {
            return Ok(());
        }
        let Some((entries, anew)) = self.reader.news(world) else { return Ok(()) };
        if anew {
            (self.book, self.rule) = (Book::default(), R::default());
        }
        if entries.is_empty() {
            return Ok(());
        }
        let broken = |words| Broken::new([BROKER], words);
        let mut all = Vec::new();
        for entry in entries {
            self.rule.entry(model, &self.book, entry).map_err(broken)?;
            self.book.read(entry);
            all.extend(touched(&entry.event));
        }
        let Some(store) = store(world) else { return Ok(()) };
        self.rule.data(model, &self.book, store, &all).map_err(broken)
    }

    fn at_end(&mut self, world: &World<TaskQueue>) -> Verdict {
        if R::concerns(world.config()) {
            self.rule.end(world.config()).map_err(|words| Broken::new([BROKER], words))?;
        }
        Ok(())
    }
}
