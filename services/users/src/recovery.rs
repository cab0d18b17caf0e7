//! Codes for the day the phone is gone: each lets its owner in once in place of a code from the app.

use sha2::{Digest as _, Sha256};

use crate::{base32, secret::SecretHash};

/// How many somebody gets.
pub const COUNT: usize = 10;
/// Random bytes in each: too many to try even for who has stolen the hashes.
pub const BYTES: usize = 10;
const CHARACTERS: usize = 16;

/// The code of these random bytes, as it is shown: `abcd-efgh-ijkl-mnop`.
pub fn code(bytes: [u8; BYTES]) -> String {
    let text = base32::encode(&bytes).to_lowercase();
    let groups: Vec<String> = text
        .as_bytes()
        .chunks(4)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect();
    groups.join("-")
}

/// What is kept of a code, however it is typed; `None` for what can't be one.
pub fn hash(typed: &str) -> Option<SecretHash> {
    let plain: String = typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        // Base 32 has no 0, 1 and 8, so that whoever reads O, I and B so is still understood.
        .map(|character| match character.to_ascii_lowercase() {
            '0' => 'o',
            '1' => 'i',
            '8' => 'b',
            other => other,
        })
        .take(CHARACTERS + 1)
        .collect();
    (plain.len() == CHARACTERS).then(|| Sha256::digest(plain.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_however_it_is_typed() {
        let shown = code(*b"0123456789");
        assert_eq!(shown, "gayt-emzu-gu3d-oobz");
        let kept = hash(&shown);
        assert!(kept.is_some());
        for typed in [
            "GAYT-EMZU-GU3D-OOBZ",
            " gayt emzu gu3d oobz ",
            "gaytemzugu3doobz",
            "gaytemzugu3d00bz",
            "gaytemzugu3doo8z",
        ] {
            assert_eq!(hash(typed), kept, "{typed}");
        }
        assert_ne!(hash("gayt-emzu-gu3d-ooba"), kept);
        for other in ["", "123456", "gayt-emzu-gu3d-oobz-a", &"a".repeat(10_000)] {
            assert_eq!(hash(other), None, "{other}");
        }
    }
}
