//! The program under ill treatment: killed, told to stop under load, out of file descriptors, and
//! watched by systemd.

use std::os::unix::net::UnixDatagram;
use std::thread;

use crate::harness::{BEFORE, callback, eventually, message};
use crate::process::{Serving, home, quell};

const SERVE: [&str; 5] = ["serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0"];

#[test]
fn systemd_is_told_of_the_start_of_life_and_of_the_end() {
    let home = home("badword");
    let socket = home.path().join("notify");
    let systemd = UnixDatagram::bind(&socket).unwrap();
    let told = || {
        let mut words = [0; 256];
        let length = systemd.recv(&mut words).unwrap();
        String::from_utf8(words[..length].to_vec()).unwrap()
    };
    let mut command = quell(home.path(), &SERVE);
    command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "2000000");
    let mut serving = Serving::run(command);
    assert_eq!(told().trim(), "READY=1");
    for _ in 0..2 {
        assert_eq!(told().trim(), "WATCHDOG=1");
    }
    serving.signal("TERM");
    let last = std::iter::repeat_with(told).find(|words| words.trim() != "WATCHDOG=1");
    assert_eq!(last.unwrap().trim(), "STOPPING=1");
    assert!(serving.ends_with_success());
}

#[test]
fn told_to_stop_under_load_it_answers_what_it_was_asked() {
    let home = home("badword");
    let mut serving = Serving::run(quell(home.path(), &SERVE));
    let (begun, under_way) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let (mut client, begun) = (serving.connect(), begun.clone());
                scope.spawn(move || {
                    let mut asked = 0_u64;
                    // A request that is not answered fails in here.
                    while !client.ask(&callback(BEFORE, &message("hello"))).closes() {
                        asked += 1;
                        if asked == 10 {
                            begun.send(()).unwrap();
                        }
                    }
                    client.wait_closed();
                })
            })
            .collect();
        for _ in &clients {
            under_way.recv().unwrap();
        }
        serving.signal("TERM");
    });
    assert!(serving.ends_with_success());
}

#[test]
fn killed_it_starts_again_at_the_same_address() {
    let home = home("badword");
    let mut serving = Serving::run(quell(home.path(), &SERVE));
    let address = serving.callbacks();
    let mut client = serving.connect();
    assert_eq!(client.ask(&callback(BEFORE, &message("hello"))).status, 200);
    serving.signal("KILL");
    assert!(!serving.ends_with_success());
    client.wait_closed();
    let arguments = ["serve", "--listen", &address, "--operator", "127.0.0.1:0"];
    let again = Serving::run(quell(home.path(), &arguments));
    let reply = again.connect().ask(&callback(BEFORE, &message("badword")));
    assert_eq!(reply.json()["ErrorCode"].as_u64(), Some(1));
}

#[test]
fn out_of_file_descriptors_it_waits_and_goes_on() {
    let home = home("badword");
    let mut command = std::process::Command::new("sh");
    let script = format!("ulimit -n 64; exec {} {}", env!("CARGO_BIN_EXE_quell"), SERVE.join(" "));
    command.args(["-c", &script]).current_dir(home.path()).env_clear();
    // The first connection waits for the crowd, however long that takes here.
    command.env("QUELL_LIMITS__HEADER_TIMEOUT", "10m");
    // However many cores there are, few enough for the descriptors to suffice for a start.
    command.env("QUELL_LISTEN__WORKERS", "2");
    let mut serving = Serving::run(command);
    let mut early = serving.connect();
    // More than there are descriptors for, fewer than the cap on connections, 64.
    let crowd: Vec<_> = (0..60).map(|_| serving.connect()).collect();
    serving.wait_for("cannot accept connections");
    assert_eq!(early.ask(&callback(BEFORE, &message("hello"))).status, 200);
    drop(crowd);
    // The crowd may count until its end has been noticed.
    let mut client = serving.connect();
    eventually("it answers again", || {
        client = serving.connect();
        client.asks(&callback(BEFORE, &message("hello")))
    });
    let reply = client.ask(&callback(BEFORE, &message("badword")));
    assert_eq!(reply.json()["ErrorCode"].as_u64(), Some(1));
    serving.signal("TERM");
    assert!(serving.ends_with_success());
}
