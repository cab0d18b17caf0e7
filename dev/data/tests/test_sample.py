"""The committed sample, row by row, against what the catalog takes and what reads well."""

import hashlib
import json
import os
import re
import subprocess
import tempfile
import unittest
from collections import Counter
from pathlib import Path

from grocer.__main__ import made_of
from tests.test_names import abbreviations

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "sample"
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
LARGEST = 1_500_000


def read(name):
    with (SAMPLE / f"{name}.ndjson").open(encoding="utf-8") as handle:
        return [json.loads(line) for line in handle]


class Sample(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.categories, cls.products, cls.baskets = read("categories"), read("products"), read("baskets")
        cls.keys = [category["key"] for category in cls.categories]

    def test_is_small_enough_to_be_committed(self):
        self.assertLess(sum(file.stat().st_size for file in SAMPLE.iterdir()), LARGEST)

    def test_is_a_whole_shop(self):
        self.assertGreaterEqual(len(self.products), 450)
        self.assertGreaterEqual(sum(len(product["variants"]) > 1 for product in self.products), 150)
        departments = {product["category"].split("/")[0] for product in self.products}
        self.assertGreaterEqual(len(departments), 12)

    def test_categories_are_a_tree_in_order(self):
        self.assertEqual(len(self.keys), len(set(self.keys)))
        seen, siblings = set(), Counter()
        for category in self.categories:
            self.assertRegex(category["key"], rf"^{SLUG.pattern}(?:/{SLUG.pattern})*$")
            self.assertEqual(category["parent"], category["key"].rpartition("/")[0] or None)
            self.assertIn(category["parent"], seen | {None})
            seen.add(category["key"])
            siblings[category["parent"], category["position"]] += 1
            for language in ("en", "fr"):
                self.assertTrue(SLUG.fullmatch(category["slug"][language]), category)
                self.assertTrue(category["name"][language])
        self.assertEqual([place for place, times in siblings.items() if times > 1], [])

    def test_siblings_have_addresses_of_their_own(self):
        for language in ("en", "fr"):
            places = Counter((category["parent"], category["slug"][language]) for category in self.categories)
            self.assertEqual([place for place, times in places.items() if times > 1], [])

    def test_every_drawing_is_in_the_readme(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        for category in self.categories:
            self.assertIn(f"`{category['illustration']}`", readme)

    def test_no_category_holds_a_single_product(self):
        held = Counter(product["category"] for product in self.products)
        leaves = [key for key in self.keys if not any(other.startswith(key + "/") for other in self.keys)]
        self.assertEqual([key for key in leaves if held[key] < 5], [])
        self.assertEqual(set(held) - set(leaves), set())

    def test_keys_skus_and_names_are_unique(self):
        for values in (
            [product["key"] for product in self.products],
            [variant["sku"] for product in self.products for variant in product["variants"]],
            [product["name"]["en"] for product in self.products],
            [product["name"]["fr"] for product in self.products],
        ):
            self.assertEqual([value for value, times in Counter(values).items() if times > 1], [])

    def test_products_have_the_fields_of_the_contract(self):
        fields = {"key", "status", "name", "description", "category", "brand", "attributes", "options", "variants", "images"}
        for product in self.products:
            self.assertEqual(set(product), fields)
            self.assertEqual(product["status"], "published")
            for name, value in product["attributes"].items():
                self.assertRegex(name, r"^[a-z][a-z0-9_]{0,39}$")
                self.assertTrue(0 < len(value) <= 100)

    def test_variants_differ_in_their_options(self):
        for product in self.products:
            self.assertTrue(product["variants"])
            for variant in product["variants"]:
                self.assertEqual(list(variant["options"]), product["options"], product["key"])
            options = [json.dumps(variant["options"]) for variant in product["variants"]]
            self.assertEqual(len(options), len(set(options)), product["key"])

    def test_prices_are_above_zero_and_discounts_below_what_they_compare_to(self):
        for product in self.products:
            for variant in product["variants"]:
                now = {price["currency"]: price["amount"] for price in variant["prices"]}
                self.assertEqual(set(now), {"USD", "EUR"}, variant)
                self.assertGreater(min(now.values()), 0, variant)
                for before in variant.get("compare_at", []):
                    self.assertGreater(before["amount"], now[before["currency"]], variant)

    def test_a_larger_size_costs_more(self):
        for product in self.products:
            amounts = [variant["prices"][0]["amount"] for variant in product["variants"]]
            self.assertEqual(amounts, sorted(set(amounts)), product["name"]["en"])

    def test_texts_are_there_in_both_languages_without_abbreviations(self):
        for product in self.products:
            for field in ("name", "description"):
                for language in ("en", "fr"):
                    text = product[field][language]
                    self.assertTrue(text.strip())
                    self.assertEqual(abbreviations(text), [], text)
                    self.assertNotRegex(text, r"  |'| ,|\.\.", text)
            self.assertLessEqual(len(product["name"]["fr"]), 90)
            self.assertNotEqual(product["name"]["en"], product["name"]["fr"] + "?")

    def test_names_start_with_a_capital(self):
        for product in self.products:
            for language in ("en", "fr"):
                first = product["name"][language][0]
                self.assertTrue(first.isupper() or first.isdigit(), product["name"])

    def test_baskets_hold_only_what_the_sample_sells(self):
        skus = {variant["sku"] for product in self.products for variant in product["variants"]}
        self.assertGreaterEqual(len(self.baskets), 300)
        self.assertEqual(len({basket["basket_id"] for basket in self.baskets}), len(self.baskets))
        for basket in self.baskets:
            self.assertRegex(basket["at"], r"^201[78]-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertTrue(basket["lines"])
            for line in basket["lines"]:
                self.assertIn(line["sku"], skus)
                self.assertGreater(line["quantity"], 0)
                self.assertGreater(line["price"]["amount"], 0)


class Made(unittest.TestCase):
    def test_the_sample_is_made_of_these_tables_and_this_code(self):
        told = (SAMPLE / "made-of").read_text(encoding="utf-8").strip()
        self.assertEqual(told, made_of(), "run dev/data/prepare and commit what it writes")

    @unittest.skipUnless(os.environ.get("CHECK_SOURCE"), "CHECK_SOURCE=1 makes the sample again, which takes half a minute")
    def test_the_same_source_gives_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([ROOT / "prepare", "--out", folder], capture_output=True, check=True)
            self.assertEqual(digests(Path(folder)), digests(SAMPLE))


def digests(folder):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.glob("*.ndjson"))}


if __name__ == "__main__":
    unittest.main()
