//! The countries that can be chosen, by the names that CLDR gives them.

use crate::language::Language;

/// ISO 3166-1 alpha-2, English, French.
const COUNTRIES: [(&str, &str, &str); 34] = [
    ("AT", "Austria", "Autriche"),
    ("BE", "Belgium", "Belgique"),
    ("BG", "Bulgaria", "Bulgarie"),
    ("CA", "Canada", "Canada"),
    ("HR", "Croatia", "Croatie"),
    ("CY", "Cyprus", "Chypre"),
    ("CZ", "Czechia", "Tchéquie"),
    ("DK", "Denmark", "Danemark"),
    ("EE", "Estonia", "Estonie"),
    ("FI", "Finland", "Finlande"),
    ("FR", "France", "France"),
    ("DE", "Germany", "Allemagne"),
    ("GR", "Greece", "Grèce"),
    ("HU", "Hungary", "Hongrie"),
    ("IE", "Ireland", "Irlande"),
    ("IT", "Italy", "Italie"),
    ("LV", "Latvia", "Lettonie"),
    ("LT", "Lithuania", "Lituanie"),
    ("LU", "Luxembourg", "Luxembourg"),
    ("MT", "Malta", "Malte"),
    ("MC", "Monaco", "Monaco"),
    ("NL", "Netherlands", "Pays-Bas"),
    ("NO", "Norway", "Norvège"),
    ("PL", "Poland", "Pologne"),
    ("PT", "Portugal", "Portugal"),
    ("RO", "Romania", "Roumanie"),
    ("SK", "Slovakia", "Slovaquie"),
    ("SI", "Slovenia", "Slovénie"),
    ("ES", "Spain", "Espagne"),
    ("SE", "Sweden", "Suède"),
    ("CH", "Switzerland", "Suisse"),
    ("GB", "United Kingdom", "Royaume-Uni"),
    ("US", "United States", "États-Unis"),
    ("IS", "Iceland", "Islande"),
];

/// A country's name.
pub fn name(code: &str, language: Language) -> Option<&'static str> {
    COUNTRIES
        .iter()
        .find(|(known, _, _)| *known == code)
        .map(|(_, english, french)| match language {
            Language::En => *english,
            Language::Fr => *french,
        })
}

/// Codes and names in the order of the language's alphabet.
pub fn all(language: Language) -> Vec<(&'static str, &'static str)> {
    let mut countries: Vec<(&str, &str)> = COUNTRIES
        .iter()
        .map(|(code, english, french)| match language {
            Language::En => (*code, *english),
            Language::Fr => (*code, *french),
        })
        .collect();
    countries.sort_by_key(|(_, name)| name.replace(['É', 'é', 'è'], "e").to_lowercase());
    countries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_do_not_send_a_country_to_the_end() {
        let french: Vec<&str> = all(Language::Fr)
            .into_iter()
            .map(|(code, _)| code)
            .collect();
        let place = |code| french.iter().position(|known| *known == code);
        assert!(place("US") < place("FI"), "États-Unis before Finlande");
        assert_eq!(name("FR", Language::En), Some("France"));
        assert_eq!(name("fr", Language::En), None);
    }
}
