//! The tutorial's planted bug shrinks to a short story, and its trace tells it again.

use seedbed_models::examples::tutorial::{Bug, Tutorial};
use seedbed_properties::examples::tutorial;
use seedbed_sim::{Campaign, Record, Source, Story, shrink};

#[test]
fn counting_retries_is_caught_and_shrinks_to_a_short_story() {
    let mut suite = tutorial::suite();
    suite.bug = Some(Bug::CountsRetries.name());
    let campaign = Campaign::new(suite);
    let cases = campaign.cases();
    let failing = (0..100).find(|seed| campaign.run_seed(&cases, *seed, false).violation.is_some());
    let seed = failing.expect("one of a hundred seeds shows the bug");
    let properties = &campaign.suite.properties;
    let (story, violation) =
        shrink::record(&cases.case(seed), &Source::Seed(seed), properties).expect("it fails again");
    assert_eq!(violation.property, "tutorial/tally_is_exact");
    let shrunk = shrink(story, properties, &mut |_| true).expect("it fails from its recording");
    assert!(shrunk.story.sizes().items() <= 3, "{}", shrunk.trace(Some(seed)).to_text());

    let text = shrunk.trace(None).to_text();
    let trace = seedbed_sim::Trace::<Tutorial>::parse(&text).expect("a trace that was written can be read");
    let outcome = Story::of(&trace).run(properties, Record::No);
    assert_eq!(outcome.violation, Some(shrunk.violation));
    assert_eq!(outcome.fingerprint, trace.fingerprint.0);
}
