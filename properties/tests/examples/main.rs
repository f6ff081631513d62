//! The examples that are there to be read.

mod echo;
mod story;
mod tutorial;
