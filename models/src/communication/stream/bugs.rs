//! The bugs that one can plant. Each changes one rule, at the place where the rule stands.

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        ClaimIgnoresIdle = "claim-ignores-idle",
            "a claim succeeds however short an entry has been idle" => "stream/claimed_when_idle",
        AckRemovesOthers = "ack-removes-others",
            "acknowledging an entry acknowledges all before it" => "stream/delivered_is_acked_or_pending",
        CounterReset = "counter-reset",
            "the delivery counter of a claimed entry begins anew" => "stream/deliveries_are_counted",
        TrimDropsPending = "trim-drops-pending",
            "entries that are trimmed are pending no more" => "stream/delivered_is_acked_or_pending",
        IdFollowsClock = "id-follows-clock",
            "the identifier of a new entry is the time, also where the clock has gone back" => "stream/ids_increase",
        PositionNotPropagated = "position-not-propagated",
            "how far a group has come is not written to the append-only file, nor sent to replicas" => "stream/new_once",
        TrimsBeforeAdding = "trims-before-adding",
            "a stream is trimmed before the entry is added, and not after it" => "stream/exact_length",
        AckDeletesTheEntry = "ack-deletes-the-entry",
            "acknowledging an entry deletes it from the stream" => "stream/entries_stay",
        AppendOnlyFileNotForced = "append-only-file-not-forced",
            "a server that promises to force its append-only file replies before" => "stream/acknowledged_entries_stay",
        AcksBeforeProcessing = "acks-before-processing",
            "a consumer acknowledges an entry and then processes it" => "stream/acked_when_done",
        BuriesTooSoon = "buries-too-soon",
            "a consumer takes an entry for dead when it is delivered for the second time" => "stream/dead_for_a_reason",
        CursorNeverWraps = "cursor-never-wraps",
            "a consumer claims from where it has come to, and never from the beginning again" => "stream/all_is_processed",
    }
}
