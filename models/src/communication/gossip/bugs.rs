//! The bugs that one can plant. Each changes one rule, at the place where the rule stands.

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        NoRefutation = "no-refutation",
            "a member that hears that it is suspected or dead says nothing" => "gossip/never_buried_for_good",
        OldIncarnationWins = "old-incarnation-wins",
            "of two claims that with the graver state wins, however old it is" => "gossip/incarnations_only_grow",
        AliveOverridesDead = "alive-overrides-dead",
            "the claim that a member is alive overrides that it is dead, in the same incarnation" => "gossip/dead_until_refuted",
        IncarnationForgotten = "incarnation-forgotten",
            "a member that restarts begins with its first incarnation" => "gossip/incarnations_only_grow",
        RefutedSuspicionRunsOn = "refuted-suspicion-runs-on",
            "the timer of a suspicion is not stopped when it is refuted" => "gossip/suspected_for_long_enough",
        TwoAccusersBury = "two-accusers-bury",
            "a suspicion that another shares ends at once" => "gossip/suspected_for_long_enough",
        HelperAnswersForTheTarget = "helper-answers-for-the-target",
            "who is asked to ping for another answers at once" => "gossip/completeness",
        PullComparesCounts = "pull-compares-counts",
            "who is asked for rumours sends none to one who has as many" => "gossip/rumours_reach_all",
        NumbersBeginAgain = "numbers-begin-again",
            "a member that restarts gives its rumours the names that it gave others before" => "gossip/rumours_are_true",
        DuplicateDelivered = "duplicate-delivered",
            "a rumour is delivered as often as it comes" => "gossip/delivered_once",
    }
}
