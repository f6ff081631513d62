//! The templates of scaffolds that are no files of the library, compiled and run as they are: so they stay in step with what
//! they are written against. Here they find the rooms that they will be put into under the names that those have.

extern crate self as seedbed_properties;

#[path = "../templates/property.rs"]
pub mod leaflet;
#[path = "../templates/property_test.rs"]
mod property_test;

pub mod examples {
    //! A family of properties.

    pub use crate::leaflet;
}
