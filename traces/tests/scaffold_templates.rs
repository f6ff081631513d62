//! The templates of scaffolds, compiled and run as they are: so they stay in step with what they are written against. Here
//! they find the rooms that they will be put into under the names that those have.

extern crate seedbed_models as the_models;
extern crate self as seedbed_models;
extern crate self as seedbed_properties;

use the_models::parts;

#[path = "../templates/property.rs"]
pub mod leaflet;
#[path = "../templates/model.rs"]
pub mod model;
#[path = "../templates/model_test.rs"]
mod model_test;
#[path = "../templates/property_test.rs"]
mod property_test;
#[path = "../templates/suite.rs"]
pub mod suite;

pub mod examples {
    //! A family of models, and one of properties.

    pub use crate::leaflet;
    pub use the_models::examples::tutorial;

    pub mod sapling {
        //! The new model, with what must be true of it.

        pub use crate::model::*;
        pub use crate::suite::*;
    }
}
