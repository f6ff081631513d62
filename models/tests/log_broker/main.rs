//! The log broker (C04): what needs no network. Partitioners against published vectors, assignors against oracles, the group
//! coordinator against the protocol's descriptions.

mod assignors;
mod cleaner;
mod consumer;
mod coordinator;
mod partitioner;
