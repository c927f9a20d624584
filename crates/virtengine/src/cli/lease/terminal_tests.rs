use std::os::fd::{FromRawFd as _, OwnedFd};
use std::ptr::null_mut;

use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::Raw;

/// Both ends of a pseudo-terminal.
fn pair() -> (OwnedFd, OwnedFd) {
    let (mut first, mut second) = (-1, -1);
    #[expect(unsafe_code, reason = "the standard library opens no pseudo-terminals")]
    // SAFETY: the two integers outlive the call; the descriptors that it gives belong to nobody else.
    unsafe {
        assert_eq!(libc::openpty(&mut first, &mut second, null_mut(), null_mut(), null_mut()), 0);
        (OwnedFd::from_raw_fd(first), OwnedFd::from_raw_fd(second))
    }
}

fn modes(terminal: &OwnedFd) -> LocalModes {
    tcgetattr(terminal).unwrap().local_modes
}

#[test]
fn the_terminal_is_raw_for_the_session_and_as_before_afterwards() {
    let (_other, terminal) = pair();
    let before = modes(&terminal);
    assert!(before.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG));
    let raw = Raw::enter(&terminal).unwrap();
    assert!(!modes(&terminal).intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG));
    drop(raw);
    assert_eq!(modes(&terminal), before);
}

#[test]
fn a_panic_restores_the_terminal_too() {
    let (_other, terminal) = pair();
    let before = modes(&terminal);
    let outcome = std::panic::catch_unwind(|| {
        let _raw = Raw::enter(&terminal).unwrap();
        panic!("in the middle of a session");
    });
    assert!(outcome.is_err());
    assert_eq!(modes(&terminal), before);
}

#[test]
fn the_size_is_that_of_the_window() {
    let (_other, terminal) = pair();
    let raw = Raw::enter(&terminal).unwrap();
    assert_eq!(raw.size(), None, "a new pseudo-terminal has no size");
    tcsetwinsize(&terminal, Winsize { ws_row: 24, ws_col: 132, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    assert_eq!(raw.size(), Some((132, 24)));
}

#[test]
fn what_is_no_terminal_is_refused() {
    assert!(Raw::enter(std::fs::File::open("/dev/null").unwrap()).is_err());
}
