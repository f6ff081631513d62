//! Raft against its sources: tests of one server, named after the sections of the paper (Ongaro and Ousterhout, *In Search
//! of an Understandable Consensus Algorithm*, extended version, 2014) and of the thesis (Ongaro, *Consensus: Bridging Theory
//! and Practice*, 2014). They call handlers and look at effects, so they know nothing of how the server is made inside.
//!
//! The idea, and which cases matter, are those of `raft_paper_test.go` in etcd.

mod say;
mod setup;

mod section_5_1_terms;
mod section_5_2_election;
mod section_5_3_replication;
mod section_5_4_safety;
mod section_5_5_crashes;
mod section_6_membership;
mod section_7_compaction;
mod section_8_clients;
mod thesis_10_2_performance;
mod thesis_3_10_transfer;
mod thesis_4_2_3_disruption;
mod thesis_6_2_check_quorum;
mod thesis_6_3_sessions;
mod thesis_6_4_1_leases;
mod thesis_6_4_read_index;
mod thesis_9_6_pre_vote;
