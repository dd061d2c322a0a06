//! Tokens of people, with signatures that only this world makes.

use crate::key::sha256_hex;
use serde_json::json;

/// What `JWT_SECRET` is.
pub const SECRET: &str = "a-simulated-secret-of-32-bytes-or-more";

/// Whether a signature is what this world signs with.
pub fn verified(key: &str, signed: &str, signature: &[u8]) -> bool {
    signature == signed_by(key, signed).as_bytes()
}

/// 32 bytes that only this key makes of this text.
fn signed_by(key: &str, signed: &str) -> String {
    sha256_hex(format!("{key} {signed}").as_bytes()).chars().take(32).collect()
}

fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let whole = [group[0], *group.get(1).unwrap_or(&0), *group.get(2).unwrap_or(&0)];
        let bits = u32::from_be_bytes([0, whole[0], whole[1], whole[2]]);
        for n in 0..=group.len() {
            text.push(char::from(LETTERS[(bits >> (18 - 6 * n)) as usize & 63]));
        }
    }
    text
}

/// A token for somebody, which is good until a time in seconds.
pub fn token(who: &str, until: u64, key: &str) -> String {
    let header = base64url(br#"{"alg":"HS256"}"#);
    let claims = base64url(json!({ "sub": who, "exp": until }).to_string().as_bytes());
    let signed = format!("{header}.{claims}");
    let signature = base64url(signed_by(key, &signed).as_bytes());
    format!("{signed}.{signature}")
}
