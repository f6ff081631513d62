//! Remote procedure calls (C01), one process at a time, against the sections of the RIFL paper (SOSP 2015) and what gRPC says of
//! deadlines and cancellation.

mod deadlines;
mod rifl_3_3_garbage;
mod rifl_3_4_leases;
mod rifl_3_duplicates;
mod say;
