//! Topics and subscriptions (C02): the broker's engine against the sections of MQTT 5.0, packet by packet; then a client's session, and
//! both on the network, one process at a time.

mod client;
mod handshakes;
mod network;
mod retained;
mod say;
mod sessions;
mod shares;
mod subscriptions;
mod wills;
