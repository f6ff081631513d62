//! Rates and bounds: admissions of a limiter ([`TokenBucket`], [`Window`]), levels and events in flight ([`Bound`],
//! [`InFlight`]), deadlines ([`Deadline`]) and ratios ([`Ratio`]). All are exact: they hold for every interval, not for
//! sampled ones, and compute with integers.
//!
//! ```
//! use seedbed_properties::checkers::judge::Judge;
//! use seedbed_properties::checkers::rates::{Admitted, TokenBucket};
//! use seedbed_sim::{Span, Time};
//!
//! // A burst of 2, and then one every 10 ms.
//! let limit = || TokenBucket::new(2, 1, Span::ms(10));
//! let at = |ms| Admitted { of: "limiter", at: Time::ms(ms), amount: 1 };
//! assert!(limit().judge([at(0), at(0), at(10), at(20)]).is_ok());
//! let refusal = limit().judge([at(0), at(0), at(10), at(19)]).unwrap_err();
//! assert_eq!(
//!     refusal.to_string(),
//!     r#"rate: "limiter" admits 4 in 0.019 s, from 0.000 s to 0.019 s; at most 2 + 1 each 0.010 s are allowed"#
//! );
//! ```

mod bounds;
mod bucket;
mod deadline;

pub use bounds::{Bound, Counted, Flight, InFlight, Level, Ratio};
pub use bucket::{Admitted, TokenBucket, Window};
pub use deadline::{Call, Deadline};
