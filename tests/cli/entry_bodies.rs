//! `entries --body`

use super::program::{command, run_at};
use super::server::Server;

#[test]
fn the_body_of_an_entry_is_printed_byte_for_byte() {
    let server = Server::start();
    let formats: [&[&str]; 2] = [&[], &["--json"]];
    for (key, body) in [
        ("text", b"Hello\r\n".as_slice()),
        ("json", b"{ \"b\": 1.0,  \"a\": 2 }"),
        ("binary", b"\x89PNG\r\n\x1a\n\0\xff\xfe"),
        ("empty", b""),
    ] {
        for format in formats {
            let arguments = [&["entries", "--key", key, "--body"], format].concat();
            let output = command(&server.url, &arguments).output().unwrap();
            let message = String::from_utf8_lossy(&output.stderr);
            assert_eq!((output.status.code(), &*message), (Some(0), ""), "{key}");
            assert_eq!(output.stdout, body, "{key}");
        }
    }
    let arguments = ["entries", "--key", "text", "--body", "--token", "reader"];
    let refused = run_at(&server.url, &arguments);
    assert_eq!((refused.status, &*refused.stdout), (4, ""), "{}", refused.stderr);
    assert!(refused.stderr.contains("the role read may not do this"), "{}", refused.stderr);
}
