//! Password hashes as they are kept: Argon2id with its parameters beside it, in the PHC string format, so that parameters can grow later.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq as _;

/// Bytes of salt.
pub const SALT: usize = 16;
const OUTPUT: usize = 32;
/// What was kept is believed, but not so far that one row could take all memory.
const MOST_MEMORY_KIB: u32 = 256 * 1024;

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Cost {
    /// OWASP's choice of the least that is good enough, with one lane.
    pub const OWASP: Self = Self {
        memory_kib: 19_456,
        passes: 2,
    };

    /// Whether they make sense.
    pub fn params(self) -> Result<Params, HashError> {
        Params::new(self.memory_kib, self.passes, 1, Some(OUTPUT)).map_err(HashError::Argon2)
    }
}

/// A hash with all that is needed to compare a password with it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    cost: Cost,
    salt: Vec<u8>,
    output: Vec<u8>,
}

/// Why there is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// What was kept is no hash of ours.
    #[error("a password hash that can't be read")]
    Malformed,
    /// The parameters make no sense.
    #[error("Argon2 refused: {0}")]
    Argon2(argon2::Error),
}

impl PasswordHash {
    /// Hashes a password, in memory that can be used again.
    pub fn new(
        password: &[u8],
        salt: [u8; SALT],
        cost: Cost,
        memory: &mut Vec<Block>,
    ) -> Result<Self, HashError> {
        let output = compute(password, &salt, cost, memory)?;
        Ok(Self {
            cost,
            salt: salt.to_vec(),
            output: output.to_vec(),
        })
    }

    /// A hash that no password is known to match, made without the work.
    pub fn of_nothing(salt: [u8; SALT], output: [u8; OUTPUT], cost: Cost) -> Self {
        Self {
            cost,
            salt: salt.to_vec(),
            output: output.to_vec(),
        }
    }

    /// Reads what was kept.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        Self::read(text).ok_or(HashError::Malformed)
    }

    fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("$argon2id$v=19$m=")?;
        let (memory_kib, rest) = rest.split_once(",t=")?;
        let (passes, rest) = rest.split_once(",p=1$")?;
        let (salt, output) = rest.split_once('$')?;
        let cost = Cost {
            memory_kib: memory_kib
                .parse()
                .ok()
                .filter(|kib| *kib <= MOST_MEMORY_KIB)?,
            passes: passes.parse().ok()?,
        };
        Some(Self {
            cost,
            salt: STANDARD_NO_PAD.decode(salt).ok()?,
            output: STANDARD_NO_PAD.decode(output).ok()?,
        })
    }

    /// As it is kept.
    pub fn as_text(&self) -> String {
        let Cost { memory_kib, passes } = self.cost;
        let (salt, output) = (
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(&self.output),
        );
        format!("$argon2id$v=19$m={memory_kib},t={passes},p=1${salt}${output}")
    }

    /// Whether it is the hash of this password.
    pub fn matches(&self, password: &[u8], memory: &mut Vec<Block>) -> Result<bool, HashError> {
        let output = compute(password, &self.salt, self.cost, memory)?;
        Ok(output.ct_eq(&self.output).into())
    }

    /// Whether a hash made today would cost something else.
    pub fn is_outdated(&self, cost: Cost) -> bool {
        self.cost != cost
    }
}

fn compute(
    password: &[u8],
    salt: &[u8],
    cost: Cost,
    memory: &mut Vec<Block>,
) -> Result<[u8; OUTPUT], HashError> {
    let params = cost.params()?;
    memory.resize(params.block_count().max(memory.len()), Block::new());
    let mut output = [0; OUTPUT];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password, salt, &mut output, memory)
        .map_err(HashError::Argon2)?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        memory_kib: 16,
        passes: 1,
    };

    #[test]
    fn a_hash_knows_its_password_and_no_other() {
        let mut memory = Vec::new();
        let hash = PasswordHash::new(b"tea pots", [7; SALT], CHEAP, &mut memory).expect("a hash");
        let kept = PasswordHash::parse(&hash.as_text()).expect("readable");
        assert!(kept == hash);
        assert_eq!(kept.matches(b"tea pots", &mut memory), Ok(true));
        assert_eq!(kept.matches(b"tea pot", &mut memory), Ok(false));
        assert_eq!(kept.matches(b"", &mut memory), Ok(false));
        let other = PasswordHash::new(b"tea pots", [8; SALT], CHEAP, &mut memory).expect("a hash");
        assert_ne!(other.as_text(), hash.as_text(), "the salt differs");
    }

    #[test]
    fn memory_that_held_something_else_makes_no_difference() {
        let (mut used, mut fresh) = (Vec::new(), Vec::new());
        let larger = Cost {
            memory_kib: 64,
            passes: 2,
        };
        PasswordHash::new(b"something else", [1; SALT], larger, &mut used).expect("a hash");
        let one = PasswordHash::new(b"tea pots", [7; SALT], CHEAP, &mut used).expect("a hash");
        let two = PasswordHash::new(b"tea pots", [7; SALT], CHEAP, &mut fresh).expect("a hash");
        assert!(one == two);
    }

    #[test]
    fn reads_the_hash_of_the_reference_implementation() {
        // echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 (phc-winner-argon2, test.c)
        let kept = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let hash = PasswordHash::parse(kept).expect("readable");
        assert_eq!(hash.matches(b"password", &mut Vec::new()), Ok(true));
        assert_eq!(hash.as_text(), kept);
        assert!(hash.is_outdated(Cost::OWASP));
    }

    #[test]
    fn refuses_what_is_no_hash() {
        for text in [
            "",
            "password",
            "$argon2i$v=19$m=16,t=1,p=1$c29tc2FsdA$CTFhFdXPJO1a",
            "$argon2id$v=19$m=9999999999,t=1,p=1$c29tc2FsdA$CTFhFdXPJO1a",
            "$argon2id$v=19$m=1000000,t=1,p=1$c29tc2FsdA$CTFhFdXPJO1a",
            "$2b$12$abcdefghijklmnopqrstuv",
        ] {
            assert!(PasswordHash::parse(text).is_err(), "{text}");
        }
    }
}
