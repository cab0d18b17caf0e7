//! What an authenticator app shows (RFC 6238: SHA-1, six digits, 30 seconds).

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use crate::Failure;

/// The code for a key in base32, so many steps from now.
#[expect(
    clippy::disallowed_methods,
    reason = "the app on a phone has no clock but the phone's"
)]
pub fn code(secret: &str, ahead: u64) -> Result<String, Failure> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    at_step(&bytes(secret)?, seconds / 30 + ahead)
}

fn at_step(key: &[u8], step: u64) -> Result<String, Failure> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key)?;
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let start = usize::from(digest.last().ok_or("a digest has bytes")? & 0xf);
    let part: [u8; 4] = digest[start..start + 4].try_into()?;
    Ok(format!(
        "{:06}",
        (u32::from_be_bytes(part) & 0x7fff_ffff) % 1_000_000
    ))
}

/// RFC 4648, section 6, in any case, with spaces between groups.
fn bytes(base32: &str) -> Result<Vec<u8>, Failure> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in base32.bytes().filter(|byte| !b" =".contains(byte)) {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            letter @ b'2'..=b'7' => letter - b'2' + 26,
            _ => return Err(format!("{base32:?} is not base32").into()),
        };
        bits = (bits << 5) | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff)?);
            bits &= (1 << count) - 1;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_the_standard_says() -> Result<(), Failure> {
        let key = bytes("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
        for (step, code) in [
            (1, "287082"),
            (0x0235_23ec, "081804"),
            (0x0273_ef07, "005924"),
        ] {
            assert_eq!(at_step(&key, step)?, code);
        }
        Ok(())
    }
}
