//! The books of a broker: exchanges, bindings, queues, channels, consumers, and every copy of every message. They are a state
//! machine that knows no network and no disk: they are told a command at a time ([`execute`]), and answer with what is to be
//! delivered. The same commands give the same books, so they can be replayed from a log, and replicated. [`session`] drives them
//! without a world.

pub mod arrival;
pub mod channel;
pub mod command;
pub mod delivery;
pub mod exchange;
pub mod execute;
pub mod expiry;
pub mod journal;
pub mod message;
pub mod queue;
pub mod ready;
pub mod session;
pub mod settings;
pub mod settlement;
pub mod state;
pub mod topic;
pub mod topology;

pub use state::Books;
