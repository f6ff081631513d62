//! Virtual time: instants ([`Time`]) and lengths ([`Span`]), both in whole nanoseconds.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// An instant of virtual time, in nanoseconds since the world began.
///
/// It is on the world's clock (in properties and traces) or on a node's own clock ([`crate::Context::now`]).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

/// A length of virtual time, in nanoseconds.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

impl Time {
    /// The instant at which every world begins.
    pub const ZERO: Time = Time(0);
    /// The greatest instant, which no run reaches.
    pub const NEVER: Time = Time(u64::MAX);

    /// The instant `ms` milliseconds after the beginning.
    pub const fn ms(ms: u64) -> Self {
        Time(ms * 1_000_000)
    }

    /// The length from `earlier` to `self`, zero if `earlier` is later.
    pub fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Seconds since the beginning, for printing.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// The longest time that can be written in a trace, in a configuration, or on the command line: a year. Sums and products
    /// with small numbers are exact up to there.
    pub const LONGEST: Span = Span::secs(365 * 24 * 3_600);

    /// `s` seconds.
    pub const fn secs(s: u64) -> Self {
        Span(s * 1_000_000_000)
    }

    /// `ms` milliseconds.
    pub const fn ms(ms: u64) -> Self {
        Span(ms * 1_000_000)
    }

    /// `us` microseconds.
    pub const fn us(us: u64) -> Self {
        Span(us * 1_000)
    }

    /// Seconds, for printing.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add<Span> for Time {
    type Output = Time;
    fn add(self, by: Span) -> Time {
        Time(self.0.saturating_add(by.0))
    }
}

impl AddAssign<Span> for Time {
    fn add_assign(&mut self, by: Span) {
        *self = *self + by;
    }
}

impl Sub<Span> for Time {
    type Output = Time;
    fn sub(self, by: Span) -> Time {
        Time(self.0.saturating_sub(by.0))
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Span) {
        *self = *self + other;
    }
}

impl Sub for Span {
    type Output = Span;
    fn sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl Mul<u64> for Span {
    type Output = Span;
    fn mul(self, by: u64) -> Span {
        Span(self.0.saturating_mul(by))
    }
}

/// Prints seconds with millisecond precision, as reports do: `1.204 s`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Span(self.0).fmt(f)
    }
}

/// Prints seconds with three to nine digits, as many as the length needs: `1.204 s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, nanos) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        match nanos {
            n if n % 1_000_000 == 0 => write!(f, "{secs}.{:03} s", n / 1_000_000),
            n if n % 1_000 == 0 => write!(f, "{secs}.{:06} s", n / 1_000),
            n => write!(f, "{secs}.{n:09} s"),
        }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

const UNITS: [(&str, u64); 4] = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];

/// The exact, shortest whole-number form: `2s`, `350ms`, `17us`, `1ns`.
fn to_exact(nanos: u64) -> String {
    let (unit, size) = UNITS.into_iter().find(|(_, size)| nanos.is_multiple_of(*size)).unwrap_or(("ns", 1));
    format!("{}{unit}", nanos / size)
}

fn from_exact(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    let help = || format!("'{text}' is not a time: write a whole number and one of s, ms, us, ns, such as 350ms");
    let (_, size) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(help)?;
    let count: u64 = digits.parse().map_err(|_| help())?;
    let nanos = count.checked_mul(size).filter(|nanos| *nanos <= Span::LONGEST.0);
    nanos.ok_or_else(|| format!("'{text}' is longer than a world can last, which is at most a year"))
}

/// Defines the exact text form of a type that is a number of nanoseconds.
macro_rules! exact_text {
    ($($type:ident)*) => {$(
        impl std::str::FromStr for $type {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                from_exact(text).map($type)
            }
        }
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&to_exact(self.0))
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}
exact_text!(Time Span);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_exact_form_gives_the_same_time_back(nanos in 0..=Span::LONGEST.0) {
            prop_assert_eq!(to_exact(nanos).parse::<Time>(), Ok(Time(nanos)));
        }
    }

    #[test]
    fn reads_units_and_refuses_nonsense() {
        assert_eq!("350ms".parse(), Ok(Span::ms(350)));
        assert_eq!(to_exact(1_204_000_000), "1204ms");
        for bad in
            ["", "12", "ms", "1.5s", "-3ms", "99999999999999999999s", "18446744073709551615ns", "31536001s", "3 ms"]
        {
            assert!(bad.parse::<Span>().is_err(), "{bad} must be refused");
        }
    }
}
