use std::sync::{Arc, Mutex};

use super::{Level, State, Throttle};
use crate::rulebook::Timestamp;

#[test]
fn a_level_for_a_time_goes_back_to_the_lasting_one() {
    let applied = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&applied);
    let state = State { now: "info".to_owned(), lasting: "info".to_owned(), changes: 0 };
    let apply = Box::new(move |filter: super::EnvFilter| {
        seen.lock().unwrap().push(filter.to_string());
        Ok(())
    });
    let level = Level { state: Mutex::new(state), apply };
    let first = level.lend("debug", 1).unwrap();
    let second = level.lend("trace", 1).unwrap();
    level.revert(first).unwrap();
    assert_eq!(level.now(), "trace");
    level.revert(second).unwrap();
    assert_eq!(level.now(), "info");
    let third = level.lend("debug", 1).unwrap();
    level.set("warn").unwrap();
    level.revert(third).unwrap();
    assert_eq!(level.now(), "warn");
    for wrong in ["wran", "quell=loud,info", "", " ", ",", " , "] {
        level.set(wrong).expect_err(wrong);
    }
    assert_eq!(*applied.lock().unwrap(), ["debug", "trace", "info", "debug", "warn"]);
}

#[test]
fn one_line_a_second_passes_and_the_rest_are_counted() {
    let throttle = Throttle::default();
    let passed: Vec<_> =
        [10, 10, 10, 11, 12, 12, 9].map(|second| throttle.pass(Timestamp(second))).into();
    assert_eq!(passed, [Some(0), None, None, Some(2), Some(0), None, Some(1)]);
}
