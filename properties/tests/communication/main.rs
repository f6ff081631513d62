//! Components that communicate.

mod ordering;
