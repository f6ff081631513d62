//! The message queue (C03): the books against the sections of AMQP 0-9-1 and of RabbitMQ's documentation, and brokers and clients one
//! process at a time.

mod acknowledgements;
mod broker;
mod client;
mod configuration;
mod dead_letters;
mod durability;
mod exchanges;
mod length_limit;
mod prefetch;
mod priorities;
mod quorum;
mod say;
mod single_active;
mod time_to_live;
