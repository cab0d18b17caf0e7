"""The reviewed tables, and the names made from them."""

import re
import unittest
from collections import Counter

from grocer import makers, names, products, tables
from grocer.tables import Text

# Letters that a grocer's abbreviation is made of. A word without a vowel is one, but for these.
REAL_WORDS = {"by", "my", "dry", "dr", "tv", "bbq", "dvd", "cd", "spf", "wc", "gps", "th", "nd", "st", "rd", "led", "pvc"}
UNITS = {"g", "kg", "ml", "l", "m", "cm", "pt", "qt", "gal", "lb", "ft", "fl", "h", "x", "sq", "oz", "d", "n", "s", "c", "qu", "vol"}


def abbreviations(text):
    """Tokens that nobody would read aloud: without a vowel, or in capitals."""
    words = re.findall(r"[^\W\d_]+", text.replace("m²", ""))
    hard = [w for w in words if len(w) > 1 and not re.search(r"[aeiouyœæ]", fold(w)) and w.lower() not in REAL_WORDS | UNITS]
    loud = [w for w in words if len(w) > 3 and w.isupper()]
    return hard + loud


def fold(word):
    word = word.lower()
    for plain, accented in {"a": "àâä", "e": "éèêë", "i": "îï", "o": "ôö", "u": "ùûü"}.items():
        word = re.sub(f"[{accented}]", plain, word)
    return word


class Tables(unittest.TestCase):
    def test_every_aisle_is_in_the_shop(self):
        keys = {category.key for category in tables.shop_categories()}
        for grocer_category, aisle in tables.aisles().items():
            self.assertIn(aisle.shop_category, keys | {None}, grocer_category)

    def test_every_override_is_in_the_shop(self):
        keys = {category.key for category in tables.shop_categories()}
        for place, name in tables.type_names().items():
            self.assertIn(name.shop_category, keys | {"", "-"}, place)

    def test_every_type_belongs_to_an_aisle(self):
        known = set(tables.aisles())
        self.assertEqual({category for category, _ in tables.type_names()} - known, set())

    def test_no_row_is_there_twice(self):
        for file, columns in (("shop.tsv", ["key"]), ("aisles.tsv", ["grocer_category"]), ("types.tsv", ["grocer_category", "type"])):
            places = Counter(tuple(row[column] for column in columns) for row in tables.rows(file))
            self.assertEqual([place for place, times in places.items() if times > 1], [], file)

    def test_parents_stand_before_children(self):
        seen = set()
        for category in tables.shop_categories():
            self.assertIn(category.parent, seen | {None})
            seen.add(category.key)

    def test_both_languages_are_there_and_spelled_out(self):
        for text in every_text():
            for words in (text.en, text.fr):
                self.assertTrue(words.strip() == words and words, text)
                self.assertEqual(abbreviations(words), [], words)
                self.assertNotRegex(words, r"\s{2}|[*%&]{2}|'", words)

    def test_french_is_not_english_left_over(self):
        suspicious = re.compile(r"\b(?:the|and|with|for|chicken|cheese|fresh|bread|frozen|milk|water)\b", re.I)
        for text in every_text():
            self.assertNotRegex(text.fr.replace("cottage cheese", ""), suspicious)


def every_text():
    yield from (category.name for category in tables.shop_categories())
    yield from (aisle.name for aisle in tables.aisles().values())
    yield from (name.name for name in tables.type_names().values())


class Branding(unittest.TestCase):
    def test_the_maker_stands_where_each_language_puts_it(self):
        name = names.branded(Text("soda, large bottle", "soda, grande bouteille"), "Fernmere")
        self.assertEqual(name, Text("Fernmere soda, large bottle", "Soda Fernmere, grande bouteille"))

    def test_without_a_maker_the_name_stands_alone(self):
        self.assertEqual(names.branded(Text("bananas", "bananes"), None), Text("Bananas", "Bananes"))

    def test_diets_come_from_the_name(self):
        for english, found in (
            ("organic milk", "organic"), ("decaf ground coffee", "decaf"), ("light hot dogs", "light"),
            ("soy drink", "plant-based"), ("tofu", "meatless"), ("frozen dinner", None), ("light bulbs", None),
        ):  # fmt: skip
            self.assertEqual(names.diet(english), found, english)

    def test_slugs_are_plain(self):
        self.assertEqual(products.slug("Œufs, beurre & margarine d’été"), "oeufs-beurre-margarine-d-ete")


class Makers(unittest.TestCase):
    def test_no_two_makers_share_a_name(self):
        words = list(makers.words())
        self.assertEqual(len(words), len(set(words)))
        self.assertGreaterEqual(len(words), 6471)

    def test_what_has_no_maker_has_no_brand(self):
        self.assertIsNone(makers.brand(2, False, "PRODUCE", {}))
        self.assertIsNone(makers.brand(4314, False, "MEAT", {4314: "Fernmere"}))
        self.assertEqual(makers.brand(69, True, "MEAT", {}), "Amazoff")
        self.assertEqual(makers.brand(5, False, "GROCERY", {5: "Fernmere"}), "Fernmere")


if __name__ == "__main__":
    unittest.main()
