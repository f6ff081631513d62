//! The checker of isolation levels against their definitions, against others' histories, and against databases that run.

mod brute_force;
mod definitions;
mod generated;
mod oracles;
mod polynomial;
