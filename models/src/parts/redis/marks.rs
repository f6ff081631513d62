//! The states worth reaching.

seedbed_sim::marks! {
    FAILOVER = "failover",
    KEY_EXPIRED = "key expired",
    OLD_MASTER_MADE_A_REPLICA = "old master made a replica",
    REDIS_RESTARTED = "redis restarted",
    REPLICA_PROMOTED = "replica promoted",
    REPLICA_RESYNCHRONISED = "replica resynchronised",
    RESTARTED_MASTER_KEEPS_SILENT = "restarted master keeps silent",
}
