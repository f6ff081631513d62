//! Ready specifications, each a small file.

pub mod append_only_log;
pub mod cas_register;
pub mod counter;
pub mod fenced_lock;
pub mod kv;
pub mod multi_register;
pub mod mutex;
pub mod queue;
pub mod register;
pub mod semaphore;
pub mod set;
pub mod stack;
