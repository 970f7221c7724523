use super::Throttle;
use crate::rulebook::Timestamp;

#[test]
fn one_line_a_second_passes_and_the_rest_are_counted() {
    let throttle = Throttle::default();
    let passed: Vec<_> =
        [10, 10, 10, 11, 12, 12, 9].map(|second| throttle.pass(Timestamp(second))).into();
    assert_eq!(passed, [Some(0), None, None, Some(2), Some(0), None, Some(1)]);
}
