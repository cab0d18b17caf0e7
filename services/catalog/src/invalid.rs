//! What is wrong with a field, collected until there is enough to show.

use kit::{Problem, problem::FieldError};

/// A row with more mistakes than this is not going to be fixed from the list.
const MOST: usize = 20;

/// The mistakes found so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<FieldError>);

impl Mistakes {
    /// Notes that `field` is wrong.
    pub fn add(&mut self, field: impl Into<String>, detail: impl Into<String>) {
        if self.0.len() < MOST {
            self.0.push(FieldError {
                field: field.into(),
                detail: detail.into(),
            });
        }
    }

    /// Notes that `field` is wrong unless `valid`.
    pub fn require(&mut self, valid: bool, field: impl FnOnce() -> String, detail: &str) {
        if !valid {
            self.add(field(), detail);
        }
    }

    /// Whether nothing was wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first mistake, for reports that have room for one.
    pub fn first(&self) -> Option<&FieldError> {
        self.0.first()
    }

    /// All of them.
    pub fn all(&self) -> &[FieldError] {
        &self.0
    }

    /// `Ok` when nothing was wrong.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl From<Mistakes> for Problem {
    fn from(mistakes: Mistakes) -> Self {
        mistakes
            .0
            .into_iter()
            .fold(Self::invalid(), |problem, mistake| {
                problem.field(mistake.field, mistake.detail)
            })
    }
}

/// A single mistake.
impl<F: Into<String>, D: Into<String>> From<(F, D)> for Mistakes {
    fn from((field, detail): (F, D)) -> Self {
        let mut mistakes = Self::default();
        mistakes.add(field, detail);
        mistakes
    }
}
