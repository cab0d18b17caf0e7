//! Signatures of webhooks by a shared secret, as Stripe makes them: `t=<unix seconds>,v1=<hex>[,v1=…]` over `<t>.<body>`, HMAC-SHA256 with the
//! secret as text. The test provider signs in the same way.
//!
//! Stripe's own libraries refuse old times only. One from the future is refused here too: whoever holds an old secret could else make
//! signatures in store.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

/// How many seconds the clocks may differ, and a message may be on its way.
const TOLERANCE_SECONDS: i64 = 300;

/// Why a signature is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is none, or it can't be read.
    #[error("the signature is missing or malformed")]
    Malformed,
    /// It is not of this body and this secret.
    #[error("the signature does not match")]
    Mismatch,
    /// It was made too long ago.
    #[error("the signature is not of now")]
    NotOfNow,
}

/// Checks the header against the raw body. The signature first: the time counts only once it is known whose it is.
pub fn verify(
    header: &str,
    body: &[u8],
    secret: &str,
    now: Timestamp,
) -> Result<(), SignatureError> {
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) => time = Some(value),
            // Other schemes (v0 of the test mode) prove nothing.
            Some(("v1", value)) => signatures.extend(unhex(value)),
            _ => {}
        }
    }
    let time = time.ok_or(SignatureError::Malformed)?;
    let seconds: i64 = time.parse().or(Err(SignatureError::Malformed))?;
    if signatures.is_empty() {
        return Err(SignatureError::Malformed);
    }
    let mac = mac(time, body, secret)?;
    // While a secret is rotated there are two; compared in constant time.
    let matches = signatures
        .iter()
        .any(|signature| mac.clone().verify_slice(signature).is_ok());
    if !matches {
        return Err(SignatureError::Mismatch);
    }
    let age = now.as_second().saturating_sub(seconds);
    if age.abs() > TOLERANCE_SECONDS {
        return Err(SignatureError::NotOfNow);
    }
    Ok(())
}

/// The header for a body.
pub fn sign(body: &[u8], secret: &str, now: Timestamp) -> Result<String, SignatureError> {
    let time = now.as_second().to_string();
    let signature = mac(&time, body, secret)?.finalize().into_bytes();
    Ok(format!("t={time},v1={}", hex(&signature)))
}

fn mac(time: &str, body: &[u8], secret: &str) -> Result<Hmac<Sha256>, SignatureError> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).or(Err(SignatureError::Mismatch))?;
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    Ok(mac)
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _infallible = write!(text, "{byte:02x}");
            text
        })
}

/// The bytes that hexadecimal digits stand for.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            let digits = std::str::from_utf8(pair).ok()?;
            // from_str_radix would take a sign.
            let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            plain.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_test_secret";
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    /// Made with Python's hmac: `hmac.new(secret, b"1700000000." + body, sha256)`.
    const SIGNED: &str =
        "t=1700000000,v1=248a374f50f943a28b0f6ab50faf9a7e7e29b710fa26df9fb1618b9bf8ea9c9a";

    fn now(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn accepts_what_another_implementation_signed() {
        assert_eq!(verify(SIGNED, BODY, SECRET, now(1_700_000_000)), Ok(()));
        assert_eq!(
            sign(BODY, SECRET, now(1_700_000_000)).as_deref(),
            Ok(SIGNED)
        );
    }

    #[test]
    fn accepts_any_of_several_signatures_and_ignores_other_schemes() {
        let (time, right) = SIGNED.split_once(',').expect("two parts");
        let zeros = "0".repeat(64);
        for (header, expected) in [
            (format!("{time},v1={zeros},{right}"), Ok(())),
            (format!("{time},{right},v1={zeros},v0=6ffbb59b"), Ok(())),
            (
                format!("{time},v1={zeros},v1={zeros}"),
                Err(SignatureError::Mismatch),
            ),
            (
                format!("{time},{}", right.replace("v1", "v0")),
                Err(SignatureError::Malformed),
            ),
        ] {
            assert_eq!(
                verify(&header, BODY, SECRET, now(1_700_000_000)),
                expected,
                "{header}"
            );
        }
    }

    #[test]
    fn refuses_what_was_tampered_with() {
        let (time, signature) = SIGNED.split_once(',').expect("two parts");
        for (header, body, secret, expected) in [
            (
                SIGNED,
                &b"{\"id\":\"evt_2\"}"[..],
                SECRET,
                SignatureError::Mismatch,
            ),
            // The same JSON, written differently: the bytes count.
            (
                SIGNED,
                b"{\"id\": \"evt_1\"}",
                SECRET,
                SignatureError::Mismatch,
            ),
            (SIGNED, BODY, "whsec_other", SignatureError::Mismatch),
            (
                &format!("t=1700000001,{signature}"),
                BODY,
                SECRET,
                SignatureError::Mismatch,
            ),
            (time, BODY, SECRET, SignatureError::Malformed),
            (signature, BODY, SECRET, SignatureError::Malformed),
            ("", BODY, SECRET, SignatureError::Malformed),
            ("t=x,v1=00", BODY, SECRET, SignatureError::Malformed),
            (
                "t=1700000000,v1=zz",
                BODY,
                SECRET,
                SignatureError::Malformed,
            ),
            ("t=1700000000,v1=0", BODY, SECRET, SignatureError::Malformed),
            (
                "t=1700000000,v1=+1",
                BODY,
                SECRET,
                SignatureError::Malformed,
            ),
        ] {
            assert_eq!(
                verify(header, body, secret, now(1_700_000_000)),
                Err(expected),
                "{header}"
            );
        }
    }

    #[test]
    fn refuses_old_and_early_ones() {
        for (second, ok) in [
            (1_700_000_300, true),
            (1_700_000_301, false),
            (1_699_999_700, true),
            (1_699_999_699, false),
        ] {
            assert_eq!(
                verify(SIGNED, BODY, SECRET, now(second)).is_ok(),
                ok,
                "{second}"
            );
        }
    }
}
