//! Transactions across services, and what they may be without locks.

mod hosting;
mod mvcc;
mod outbox;
mod saga;
mod tcc;
mod three_phase_commit;
mod two_phase_commit;
