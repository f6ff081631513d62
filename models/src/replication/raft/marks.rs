//! The states worth reaching. Those that a few hundred worlds need not reach are not demanded; longer sweeps reach them all.

seedbed_sim::marks! {
    CANDIDATE_IGNORED = "candidate ignored",
    // A change that a new server does not keep up with: ten rounds, each with a fault of its own.
    seldom CHANGE_OF_THE_GROUP_GIVEN_UP = "change of the group given up",
    // A snapshot has two chunks or three, and one of them has to be lost or to overtake another.
    seldom CHUNK_OUT_OF_ORDER = "chunk out of order",
    CLIENT_REDIRECTED = "client redirected",
    // A client that is cut off from the group for longer than its session lasts, while it waits for a command.
    seldom COMMAND_GIVEN_UP_WITH_ITS_SESSION = "command given up with its session",
    COMMAND_RETRIED = "command retried",
    seldom COMMAND_WITHOUT_A_SESSION = "command without a session",
    CONFLICT_HINT_USED = "conflict hint used",
    DUPLICATE_COMMAND_SUPPRESSED = "duplicate command suppressed",
    ELECTION = "election",
    ELECTION_LOST = "election lost",
    ENTRIES_SENT_IN_A_BATCH = "entries sent in a batch",
    JOINT_CONFIGURATION_ENTERED = "joint configuration entered",
    JOINT_CONFIGURATION_LEFT = "joint configuration left",
    // The follower has to get the entries from another leader while the snapshot is on its way.
    seldom LATE_SNAPSHOT_IGNORED = "late snapshot ignored",
    LEADER_CHANGED = "leader changed",
    LEADER_LEFT_THE_GROUP = "leader left the group",
    LEADER_STEPPED_DOWN = "leader stepped down",
    LEADERSHIP_HANDED_OVER = "leadership handed over",
    LEARNERS_CHANGED = "learners changed",
    LEASE_EXPIRED_SO_READINDEX = "lease expired, so ReadIndex instead",
    LED_BY_A_SOLE_VOTER = "led by a sole voter",
    LOG_TRUNCATED = "log truncated",
    // A server that was just let in and is slower than an election timeout.
    seldom NEWCOMER_NEEDS_ANOTHER_ROUND = "newcomer needs another round",
    PRE_VOTE_LOST = "pre-vote lost",
    PRE_VOTE_REFUSED = "pre-vote refused",
    READ_BY_READINDEX = "read by ReadIndex",
    READ_UNDER_A_LEASE = "read under a lease",
    READ_WAITS_FOR_THE_LEADERS_FIRST_COMMIT = "read waits for the leader's first commit",
    REQUEST_WAITS_FOR_A_TRANSFER = "request waits for a transfer",
    // The joint configuration is there for a round trip or two.
    seldom RESTARTED_IN_A_JOINT_CONFIGURATION = "restarted in a joint configuration",
    SESSION_EXPIRED = "session expired",
    SNAPSHOT_INSTALLED = "snapshot installed",
    SNAPSHOT_TAKEN = "snapshot taken",
    STEPPED_DOWN_BY_CHECK_QUORUM = "stepped down by check-quorum",
    // To a server that crashes, or is cut off, just when it is to take over.
    seldom TRANSFER_GIVEN_UP = "transfer given up",
    // A leader that is deposed in the round trip in which it changes the group.
    seldom UNCOMMITTED_CONFIGURATION_TRUNCATED = "uncommitted configuration truncated",
    VOTERS_CHANGED_ONE_AT_A_TIME = "voters changed one at a time",
    WINDOW_FULL = "window full",
}
