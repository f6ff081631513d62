//! Stores that other components keep their data in.

pub mod redis;
