//! The states worth reaching.

seedbed_sim::marks! {
    ASKED_ABOUT_A_FORGOTTEN_TRANSACTION = "asked about a forgotten transaction",
    ASKED_AGAIN = "asked again",
    CANCEL_REPEATED = "cancel repeated",
    CANCELLED_BECAUSE_A_RESERVATION_TIMED_OUT = "cancelled because a reservation timed out",
    CONFIRM_REPEATED = "confirm repeated",
    DECISION_RECOVERED = "decision recovered",
    EMPTY_CANCEL = "empty cancel",
    GIVEN_UP = "given up",
    LATE_TRY_REFUSED = "late try refused",
    RESERVATION_RECOVERED = "reservation recovered",
    RESERVATION_TIMED_OUT = "reservation timed out",
    TRY_REFUSED = "try refused",
}
