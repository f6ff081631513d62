//! Topics and subscriptions: a broker and clients as MQTT 5.0 has them (OASIS, *MQTT Version 5.0*, 2019).
//!
//! - **The broker** is first an [`Engine`]: packets in, packets out, without a network. It has sessions with their subscriptions and
//!   handshakes (§4.1, §4.3), what is retained (§3.3.1.3), Will Messages (§3.1.2.5) and shared subscriptions (§4.8.2). On the network
//!   ([`server`]) it writes what comes to its log before it answers, so all of that survives a crash.
//! - **A client's session** is such a state machine too ([`client::session`]), with a log of its own: a message is delivered with the
//!   write that remembers its packet identifier, and what was published is sent again, under its old identifier, until it is
//!   acknowledged. So QoS 2 is exactly once across crashes of both ends.
//! - **Handshakes** are the same code at both ends ([`sending`]).
//! - **Connections** keep packets in order, as TCP does, and end by Keep Alive (§3.1.2.10), by silence, or because the client has
//!   connected again ([`connection`]).
//!
//! **Guaranteed**, whatever messages, clocks and disks do, while a session lives: messages of QoS 0 come at most once, of QoS 1 at
//! least once, of QoS 2 exactly once, to matching subscriptions only, each publisher's messages of a topic in their order. A message
//! that was acknowledged is with every durable subscriber in the end, unless it has expired.
//!
//! **Not guaranteed**: anything of QoS 0 where a connection is lost; order between QoS 0 and the others, and in shared subscriptions;
//! what becomes of a message that was not acknowledged when its publisher's session ended; QoS 2 where a client is told that its session is gone
//! (CONNACK without Session Present), crashes before that is on its disk, and is then told that it has a session: it takes the new
//! session for the old one. MQTT has no name for a session by which it could tell.
//!
//! **What the specification leaves open**, and what is chosen here: a message of QoS 2 is passed on when PUBLISH has come (§4.3.3,
//! method B). Of subscriptions that overlap a client gets one copy or one for each ([`engine::Overlap`]). Messages of QoS 0 wait for
//! nobody: a client that is not connected does not get them, and one whose Receive Maximum is spent gets them at once (§4.9). What a
//! member of a shared subscription has not acknowledged when its session ends goes to another member, unless it has QoS 2 and was under way
//! ([MQTT-4.8.2-5]). No Local holds for retained messages too. Will Messages survive a crash of the broker, which counts as the loss of all
//! connections.
//!
//! **Different from MQTT**: identifiers of clients and payloads are numbers; there is no authentication, and one topic to which nobody may
//! publish stands for authorisation; there are no topic aliases, user properties, maximum packet size, or flow of QoS 0.

pub mod bugs;
pub mod client;
pub mod connection;
pub mod endings;
pub mod engine;
pub mod marks;
pub mod messages;
pub mod model;
pub mod names;
mod orders;
pub mod packet;
pub mod sending;
pub mod server;
pub mod topic;
mod variants;
pub mod workload;

pub use bugs::Bug;
pub use client::Client;
pub use engine::{Engine, Overlap};
pub use model::{Node, PubSub};
pub use server::Broker;
pub use topic::{Filter, Topic};
