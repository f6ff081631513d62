//! The group coordinator, request by request.

mod kip_345_static;
mod kip_394_names;
mod kip_447_transactions;
mod loading;
mod offsets;
mod rebalance;
mod say;
