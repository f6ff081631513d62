//! The bugs that one can plant. Each changes one rule of the protocol, at the place where the rule stands.

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        EmptyCancelCreates = "empty-cancel-creates",
            "a cancel without its try gives back what was never taken" => "tcc/conservation",
        HangingTry = "hanging-try",
            "a try that comes after its cancel reserves, and nobody releases it"
                => "tcc/no_reservation_outlives_its_timeout",
        DoubleConfirm = "double-confirm",
            "a confirm that comes again is done again" => "tcc/at_most_once",
        TimeoutVersusConfirm = "timeout-versus-confirm",
            "a participant cancels by itself when its reservation times out" => "tcc/all_confirm_or_all_cancel",
        EmptyCancelUnacknowledged = "empty-cancel-unacknowledged",
            "a participant that has nothing to give back does not acknowledge the cancel" => "tcc/nothing_open",
    }
}
