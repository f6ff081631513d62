//! The bugs that one can plant. Most are other entries of the transition tables, written as in the tables.

seedbed_sim::bugs! {
    /// A planted bug.
    pub enum Bug {
        NoWaitForInvAcks = "no-wait-for-inv-acks",
            "a writer writes as soon as it has the data, before the others have forgotten theirs" => "coherence/single_writer",
        MemoryAnswersWhileOwned = "memory-answers-while-owned",
            "memory answers a reader with what it has, though a cache owns the block" => "coherence/data_value",
        SilentUpgradeFromShared = "silent-upgrade-from-shared",
            "a cache that shares a block writes to it and tells nobody" => "coherence/single_writer",
        PutMRaceDropped = "put-m-race-dropped",
            "the directory drops a PutM that a forward has overtaken, and does not acknowledge it" => "coherence/requests_complete",
        StaleSharerAfterEviction = "stale-sharer-after-eviction",
            "the directory goes on counting a sharer that has given up its copy" => "coherence/directory_agrees",
        OwnerNotDowngraded = "owner-not-downgraded",
            "an owner that is read from goes on writing" => "coherence/single_writer",
        EvictionWaitsForForward = "eviction-waits-for-forward",
            "a cache answers no forward before its eviction is acknowledged, and the directory acknowledges none before that"
                => "coherence/no_deadlock",
        AnswersAsUntouched = "answers-as-untouched",
            "a core reads what it should, and tells its clients that a block is as it was at the beginning"
                => "coherence/answered_as_performed",
        AckCountLost = "ack-count-lost",
            "acknowledgements that come before the data are not counted" => "coherence/requests_complete",
    }
}

impl Bug {
    /// The entries that it replaces in the tables of caches.
    pub(super) fn in_cache(self) -> &'static str {
        match self {
            Bug::NoWaitForInvAcks => {
                "IM_AD SM_AD | Data(Dir,ack>0) Data(Owner,ack>0) | M | fill
                 OM_AC FM_AC | AckCount(ack>0)                   | M |"
            }
            Bug::SilentUpgradeFromShared => {
                "S  | Store | E | hit
                 S  | Store | M | hit
                 Sc | Store | M | hit
                 R  | Store | W | hit"
            }
            Bug::OwnerNotDowngraded => {
                "M E W | FwdGetS OtherGetS | = | same
                 W     | GetS              | = | same"
            }
            Bug::EvictionWaitsForForward => "MI_A EI_A | FwdGetS | stall",
            _ => "",
        }
    }

    /// The entries that it replaces in the tables of directories and memories.
    pub(super) fn in_home(self) -> &'static str {
        match self {
            Bug::MemoryAnswersWhileOwned => "E M O | GetS | = | Data to Req; add Req",
            Bug::EvictionWaitsForForward => "S_D | PutE-NonOwner PutM-NonOwner | stall",
            Bug::PutMRaceDropped => "I S E M O F S_D F_D | PutM-NonOwner Put-NonOwner | = |",
            Bug::StaleSharerAfterEviction => "S O F S_D F_D | PutS-NotLast PutS-Last | = | PutAck to Req",
            _ => "",
        }
    }
}
