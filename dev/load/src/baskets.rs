//! The baskets that a grocer's customers really took home, as `dev/data/prepare` writes them.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
};

use serde::Deserialize;

use crate::{LoadError, shoppers::Basket};

/// A cart holds no more of one thing.
const MOST_OF_ONE: u32 = 99;
/// Nor more lines.
const MOST_LINES: usize = 200;

#[derive(Deserialize)]
struct Row {
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    sku: String,
    quantity: u32,
}

/// Reads at most `most` baskets of a file with one a line, in the order in which they were bought.
pub(crate) fn read(file: &Path, most: usize) -> Result<Vec<Basket>, LoadError> {
    let unreadable = |source| LoadError::Baskets(file.display().to_string(), source);
    let reader = BufReader::new(std::fs::File::open(file).map_err(unreadable)?);
    let mut baskets = Vec::new();
    for line in reader.lines().take(most) {
        let line = line.map_err(unreadable)?;
        let row: Row = serde_json::from_str(&line).map_err(|error| {
            unreadable(std::io::Error::new(std::io::ErrorKind::InvalidData, error))
        })?;
        baskets.push(basket(row));
    }
    Ok(baskets)
}

/// The same thing scanned twice is one line of a cart.
fn basket(row: Row) -> Basket {
    let mut quantities: BTreeMap<String, u32> = BTreeMap::new();
    for line in row.lines {
        let quantity = quantities.entry(line.sku).or_default();
        *quantity = quantity
            .saturating_add(line.quantity.max(1))
            .min(MOST_OF_ONE);
    }
    quantities.into_iter().take(MOST_LINES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_scanned_twice_is_one_line() {
        let line = |sku: &str, quantity| Line {
            sku: sku.to_owned(),
            quantity,
        };
        let row = Row {
            lines: vec![line("b", 1), line("a", 0), line("b", 200)],
        };
        assert_eq!(basket(row), [("a".to_owned(), 1), ("b".to_owned(), 99)]);
    }
}
