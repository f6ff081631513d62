//! The bugs that one can plant. Each changes one rule, at the place where the rule stands.

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        VolatileTable = "volatile-table",
            "completion records do not survive a crash of the back server" => "request_response/at_most_once",
        NewIdOnRetry = "new-id-on-retry",
            "a client that sends a call again gives it a new number" => "request_response/at_most_once",
        MatchByOrder = "match-by-order",
            "a client takes a reply for that of its oldest open call" => "request_response/own_reply",
        DeadlineNotPropagated = "deadline-not-propagated",
            "a front server calls on without the deadline, and goes on when it has passed"
                => "request_response/deadlines_travel",
        EarlyTableGc = "early-table-gc",
            "a back server drops all completion records before that of the present call"
                => "request_response/table_keeps_what_may_be_retried",
        SurfacedLate = "surfaced-late",
            "a client that was busy at the deadline takes a reply that comes after it"
                => "request_response/nothing_after_the_deadline",
        AnsweredBeforeItIsDone = "answered-before-it-is-done",
            "a front server replies when the first of two back servers has answered" => "request_response/answered_calls_took_effect",
        AnsweredBeforeSync = "answered-before-sync",
            "a back server answers before the effect is on its disk" => "request_response/answered_calls_took_effect",
        StaleUnanswered = "stale-unanswered",
            "a back server says nothing to a stale request, which the front server sends again and again"
                => "request_response/fronts_let_go",
    }
}
