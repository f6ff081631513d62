//! What recorded functions mean to the specifications: one file for objects that are alike.

pub(super) mod containers;
pub(super) mod counter;
pub(super) mod locks;
pub(super) mod multi;
pub(super) mod register;
pub(super) mod store;
