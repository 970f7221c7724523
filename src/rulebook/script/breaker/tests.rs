use super::*;

const SECOND: u64 = 1_000_000_000;

fn benched() -> Breaker {
    let breaker = Breaker::default();
    for _ in 0..FAULTS_MAX {
        breaker.record(false, SECOND);
    }
    breaker
}

#[test]
fn a_healthy_rule_is_never_stopped() {
    let breaker = Breaker::default();
    for now in 0..1_000 {
        assert!(breaker.allow(now));
        assert_eq!(breaker.record(true, now), None);
    }
    assert_eq!(breaker.state(), State::Serving);
}

#[test]
fn the_fifth_fault_within_the_window_benches() {
    let breaker = Breaker::default();
    for now in 1..5 {
        assert_eq!(breaker.record(false, now), None);
        assert!(breaker.allow(now));
        // Successes in between do not make up for faults.
        assert_eq!(breaker.record(true, now), None);
    }
    let until = 5 + SECOND;
    assert_eq!(breaker.record(false, 5), Some(Transition::Benched { until }));
    assert_eq!(breaker.state(), State::Benched { until });
    assert!(!breaker.allow(until - 1));
}

#[test]
fn faults_far_apart_do_not_add_up() {
    let breaker = Breaker::default();
    for n in 0..100 {
        assert_eq!(breaker.record(false, n * (WINDOW / 3)), None, "fault {n}");
    }
    assert_eq!(breaker.state(), State::Serving);
}

#[test]
fn one_caller_probes_and_its_success_restores() {
    let breaker = benched();
    assert!(breaker.allow(2 * SECOND));
    assert_eq!(breaker.state(), State::Probing);
    assert!(!breaker.allow(2 * SECOND), "a second one must wait");
    assert_eq!(breaker.record(true, 2 * SECOND), Some(Transition::Restored));
    assert!(breaker.allow(2 * SECOND));
    assert_eq!(breaker.state(), State::Serving);
}

#[test]
fn each_failed_probe_doubles_the_wait_up_to_five_minutes() {
    let breaker = benched();
    let mut now = SECOND;
    let mut waits = Vec::new();
    for _ in 0..12 {
        let State::Benched { until } = breaker.state() else { panic!("not benched") };
        waits.push((until - now) / SECOND);
        now = until;
        assert!(breaker.allow(now));
        assert!(matches!(breaker.record(false, now), Some(Transition::Benched { .. })));
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
}

#[test]
fn stragglers_change_nothing() {
    let breaker = benched();
    let before = breaker.state();
    assert_eq!(breaker.record(false, SECOND), None);
    assert_eq!(breaker.record(true, SECOND), None);
    assert_eq!(breaker.state(), before);
}

#[test]
fn a_probe_that_never_reports_is_followed_by_another() {
    let breaker = benched();
    assert!(breaker.allow(2 * SECOND));
    assert!(!breaker.allow(2 * SECOND + 1));
    assert!(breaker.allow(3 * SECOND));
}

#[test]
fn of_many_threads_one_probes() {
    let breaker = benched();
    let allowed = std::thread::scope(|threads| {
        let started: Vec<_> = (0..8).map(|_| threads.spawn(|| breaker.allow(2 * SECOND))).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).filter(|allowed| *allowed).count()
    });
    assert_eq!(allowed, 1);
}

#[test]
fn the_end_of_time_is_no_special_case() {
    let breaker = Breaker::default();
    for _ in 0..FAULTS_MAX {
        breaker.record(false, u64::MAX);
    }
    assert_eq!(breaker.state(), State::Benched { until: u64::MAX });
    assert!(breaker.allow(u64::MAX));
}
