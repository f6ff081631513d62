//! The states worth reaching that all protocols have.

seedbed_sim::marks! {
    HAD_NOT_VOTED_AND_ABORTED = "had not voted and aborted",
    WORK_GIVEN_UP = "work given up",
    WORK_TIMED_OUT = "work timed out",
}
