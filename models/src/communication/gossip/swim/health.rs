//! Local health (Lifeguard §IV-A): a member that is slow itself takes others for slow. The worse it thinks of itself, the longer it
//! waits for others, and the less often it probes them.

/// Lifeguard's S: the worst health.
pub const WORST: u64 = 8;

/// The local health multiplier: 0 is healthy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Health(u64);

impl Health {
    /// A probe failed, a helper has not even said that it had no answer, or a suspicion had to be refuted.
    pub fn worsen(&mut self, by: u64) {
        self.0 = (self.0 + by).min(WORST);
    }

    /// A probe was answered.
    pub fn improve(&mut self) {
        self.0 = self.0.saturating_sub(1);
    }

    /// By what timeouts and periods are multiplied.
    pub fn factor(&self) -> u64 {
        self.0 + 1
    }
}
