//! The log broker (C04): what needs no network. Logs and their epochs (KIP-101, KIP-279), producers (KIP-98), what controllers agree on
//! (KIP-497, KIP-841, KIP-903, KIP-966), transactions (KIP-98, KIP-890).

mod controller;
mod logs;
mod transactional;
