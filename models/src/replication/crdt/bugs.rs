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
        RefusesTheFirst = "refuses-the-first",
            "a replica that has nothing refuses updates that its type takes" => "crdt/refused_for_a_reason",
        RecoversWithoutItsState = "recovers-without-its-state",
            "what comes back from its disk knows which updates it has had, and shows nothing of them" => "crdt/strong_convergence",
        DatedByCount = "dated-by-count",
            "a write is dated by the writes that its replica has seen, and not by the clock" => "crdt/last_writer_wins",
        ReportsBeforeDurable = "reports-before-durable",
            "a replica tells what it has delivered before that is on its disk: others forget what it may lose" => "crdt/tombstones_stay",
        DrawnName = "drawn-name",
            "a new replica draws its name, and keeps one that others take for that of an earlier replica" => "crdt/updates_reach_all",
        DotReuseAfterRestart = "dot-reuse-after-restart",
            "what comes back with an empty disk goes by its old name, and gives names again" => "crdt/specification",
    }
}
