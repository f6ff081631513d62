//! The bugs that one can plant. Each changes one rule, at the place where the rule stands.

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        RemoveByValue = "remove-by-value",
            "a removal takes out the item, and not the additions that were seen" => "crdt/specification",
        MergeBySum = "merge-by-sum",
            "a counter is joined by adding up" => "crdt/semilattice",
        NoTieBreak = "no-tie-break",
            "of two writes at the same instant each replica keeps its own" => "crdt/strong_convergence",
        DeltaGap = "delta-gap",
            "a replica sends the deltas it still has, though the receiver lacks earlier ones" => "crdt/delta_is_full",
        OpNotIdempotent = "op-not-idempotent",
            "an operation that comes twice is applied twice" => "crdt/specification",
        TombstoneGcTooEarly = "tombstone-gc-too-early",
            "a tombstone goes when its replica has the removal, and not when all have it" => "crdt/tombstones_stay",
        AnswersRefused = "answers-refused",
            "a client is told that its update was refused, and it was made" => "crdt/updates_are_taken",
        DotReuseAfterRestart = "dot-reuse-after-restart",
            "what comes back with an empty disk goes by its old name, and gives names again" => "crdt/specification",
    }
}
