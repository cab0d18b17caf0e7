"""The importer against a stand-in for the shop."""

import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tests.shop import Shop

LOAD = Path(__file__).parent.parent / "load"


class Load(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.write("categories", [{"key": "tea"}, {"key": "tea/green"}])
        self.write("products", [{"key": f"p-{number}"} for number in range(1, 34)])

    def write(self, name, rows):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (self.folder / f"{name}.ndjson").write_text(text, encoding="utf-8")

    def load(self, shop, *more):
        environment = {**os.environ, "AMAZOFF_TOKEN": "secret"}
        return subprocess.run(
            [sys.executable, str(LOAD), "--url", shop.url, "--data", str(self.folder), *more],
            capture_output=True, text=True, timeout=60, check=False, env=environment,
        )  # fmt: skip

    def test_sends_categories_then_products(self):
        with Shop() as shop:
            done = self.load(shop)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((len(shop.rows["categories"]), len(shop.rows["products"])), (2, 33))
        self.assertEqual(shop.lines_seen[:2], [("categories", 1), ("categories", 2)])
        self.assertEqual(set(shop.tokens), {"Bearer secret"})
        self.assertIn("35 rows", done.stdout)
        self.assertNotIn("\r", done.stdout)

    def test_goes_on_from_the_last_durable_line_after_a_lost_connection(self):
        with Shop(cut_after=[12, 27]) as shop:
            done = self.load(shop)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(shop.rows["products"]), 33)
        products = [line for kind, line in shop.lines_seen if kind == "products"]
        self.assertEqual(products, [*range(1, 13), *range(11, 28), *range(26, 34)])
        self.assertIn("33 loaded, 0 rejected", done.stdout)
        self.assertIn("2 connections lost", done.stdout)

    def test_notices_at_once_that_the_connection_was_lost_while_it_waits(self):
        self.write("products", [{"key": f"p-{number:060}"} for number in range(20_000)])
        with Shop(breaks_after=1_000, batch=500) as shop:
            done = self.load(shop)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(shop.rows["products"]), 20_000)

    def test_names_each_rejected_row_and_fails(self):
        with Shop(reject=["p-7", "p-30"], cut_after=[8]) as shop:
            done = self.load(shop)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("rejected line 7 p-7 name.fr: is missing", done.stdout)
        self.assertEqual(done.stdout.count("line 7 "), 1, "a row that is rejected again after a resume is told once")
        self.assertIn("31 loaded, 2 rejected", done.stdout)

    def test_never_runs_far_ahead_of_what_the_shop_has_reported(self):
        loader = importlib.machinery.SourceFileLoader("load", str(LOAD))
        load = importlib.util.module_from_spec(importlib.util.spec_from_loader("load", loader))
        loader.exec_module(load)
        load.SILENCE_S = 0.05  # The shop falls silent after some 9,000 lines.
        self.write("products", [{"key": f"p-{number:060}"} for number in range(20_000)])
        state = load.Import("products", 20_000)

        class Wire:
            lines = 0

            def sendall(self, chunk):
                self.lines += chunk.count(b"\n") - chunk.count(b"\r\n")
                if self.lines >= state.reported_line + 3_000 and self.lines < 9_000:
                    state.report(self.lines)

        wire = Wire()
        load.send(wire, self.folder / "products.ndjson", state)
        self.assertLess(wire.lines, 9_000 + load.LINES_AHEAD + 2_000)

    def test_says_what_a_refusal_means(self):
        with Shop(refuse=403) as shop:
            done = self.load(shop)
        self.assertEqual(done.returncode, 2)
        self.assertIn("403: Not allowed. The token does not permit it.", done.stderr)
        self.assertIn("catalog:write", done.stderr)

    def test_says_which_file_is_missing(self):
        (self.folder / "products.ndjson").unlink()
        with Shop() as shop:
            done = self.load(shop)
        self.assertEqual(done.returncode, 2)
        self.assertIn("products.ndjson", done.stderr)


if __name__ == "__main__":
    unittest.main()
