//! What leaflet says is true of the model as it is, and not of the model with a bug: a check that cannot fail checks nothing.

use seedbed_models::examples::tutorial::Tutorial;
use seedbed_properties::examples::leaflet::Leaflet;
use seedbed_sim::{Campaign, Model, Suite, check};

#[test]
fn leaflet_holds_under_every_tolerated_fault() {
    let model = Tutorial::default();
    check(model).property(Leaflet::default()).seeds(200).run();
}

#[test]
fn leaflet_catches_a_planted_bug() {
    let suite = Suite::new(Tutorial::default());
    let bug = Tutorial::INFO.bugs[0];
    let campaign = Campaign::hunting(suite.property(Leaflet::default()), bug.name);
    let mut failing = campaign.failing(0..1_000, &|| true).expect("the usual configuration is possible");
    let violation = failing.next().and_then(|result| result.violation);
    assert_eq!(violation.expect("one of a thousand seeds shows the bug").property, "tutorial/leaflet");
}
