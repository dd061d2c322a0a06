//! HMAC with SHA-256 (RFC 2104).

use sha2::{Digest as _, Sha256};

const BLOCK_BYTES: usize = 64;

/// The HMAC of `message` under `key`. Compare MACs in constant time.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    // §2: a key longer than a block is hashed first; a shorter one is padded with zeros.
    let hashed: [u8; 32] = Sha256::digest(key).into();
    let key = if key.len() > BLOCK_BYTES { hashed.as_slice() } else { key };
    let mut block = [0; BLOCK_BYTES];
    block.iter_mut().zip(key).for_each(|(place, byte)| *place = *byte);
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message);
    let outer = Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c));
    outer.chain_update(inner.finalize()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231 §4.2, 4.3, 4.4, 4.7 and 4.8: a short key, one of a few letters, long data, and keys
    /// longer than a block.
    #[test]
    fn the_examples_of_the_specification() {
        let hex = |bytes: [u8; 32]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let long_key = "This is a test using a larger than block-size key and a larger than \
                        block-size data. The key needs to be hashed before being used by the HMAC \
                        algorithm.";
        for (key, message, expected) in [
            (
                [0x0b; 20].as_slice(),
                b"Hi There".as_slice(),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 20],
                &[0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                &[0xaa; 131],
                long_key.as_bytes(),
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ] {
            assert_eq!(hex(hmac_sha256(key, message)), expected);
        }
        let block = [7; BLOCK_BYTES];
        assert_ne!(hmac_sha256(&block, b""), hmac_sha256(&Sha256::digest(block), b""));
    }
}
