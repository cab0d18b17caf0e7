//! What is wrong with a request, field by field.

use kit::{Problem, problem::FieldError};

/// The mistakes found so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<FieldError>);

impl Mistakes {
    /// Notes what `field` must be, unless it `is_so`.
    pub fn require(&mut self, is_so: bool, field: impl Into<String>, must: impl Into<String>) {
        if !is_so {
            self.0.push(FieldError {
                field: field.into(),
                detail: must.into(),
            });
        }
    }

    /// `Ok` when nothing was wrong.
    pub fn none(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    /// The fields that are wrong.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|mistake| mistake.field.as_str())
    }

    /// The first of them in one sentence.
    pub fn sentence(&self) -> String {
        self.0.first().map_or_else(String::new, |mistake| {
            format!("{} {}", mistake.field, mistake.detail)
        })
    }
}

impl From<Mistakes> for Problem {
    fn from(mistakes: Mistakes) -> Self {
        let into =
            |problem: Self, mistake: FieldError| problem.field(mistake.field, mistake.detail);
        mistakes.0.into_iter().fold(Self::invalid(), into)
    }
}
