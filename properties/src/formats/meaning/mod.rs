//! The conversion of recorded functions for the specifications, with one file for similar objects.

pub(super) mod containers;
pub(super) mod counter;
pub(super) mod locks;
pub(super) mod multi;
pub(super) mod register;
pub(super) mod store;
