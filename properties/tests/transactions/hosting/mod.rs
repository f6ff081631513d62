//! Roles in worlds that are not theirs: nothing of a model changes when somebody else hosts its parts.

mod commitment_over_raft;
mod raft_session;
mod saga_participant;
