//! The properties of communication.

pub mod ordering;
