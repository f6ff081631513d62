//! The log broker (C04). Logs and their epochs (KIP-101, KIP-279), producers (KIP-98), what controllers agree on (KIP-497, KIP-841,
//! KIP-903, KIP-966), transactions (KIP-98, KIP-890); partitioners against published vectors, assignors and the cleaner against oracles,
//! the group coordinator and consumers against the protocol's descriptions.

mod assignors;
mod cleaner;
mod consumer;
mod controller;
mod coordinator;
mod logs;
mod partitioner;
mod transactional;
