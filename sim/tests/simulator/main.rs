//! The simulator, seen from outside: worlds, hosting, strategies; programs written for async and for tokio; and the two files
//! that the guide goes through, each of which is complete in itself.

mod async_nodes;
mod derives;
mod hosted;
mod hosting;
mod line_service;
mod strategy;
mod tokio_runner;
mod world;
