"""`prepare [--full]`: writes categories.ndjson, products.ndjson and baskets.ndjson."""

import argparse
import hashlib
import json
import os
import sys
import time
from pathlib import Path

from grocer import articles, baskets, full, sample, source

CACHE = Path(os.environ.get("AMAZOFF_CACHE", Path.home() / ".cache/amazoff"))
ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "sample"


def main():
    parser = argparse.ArgumentParser(prog="prepare", description="Turns the real retail data into what the shop imports.")
    parser.add_argument("--full", action="store_true", help="all 92,331 products instead of the sample")
    parser.add_argument("--out", type=Path, help="where to write (default: the cache with --full, else dev/data/sample)")
    arguments = parser.parse_args()
    out = arguments.out or (CACHE / "data/full" if arguments.full else SAMPLE)
    out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    say("reading the source")
    items, transactions = source.read()
    say(f"naming {len(items):,} items")
    found = articles.articles(items)
    if arguments.full:
        category_rows, product_rows = full.rows(found)
        basket_rows = baskets.rows(transactions)
    else:
        category_rows, product_rows, by_sku = sample.rows(found)
        basket_rows = baskets.sample_rows(transactions, by_sku)
    for name, rows in (("categories", category_rows), ("products", product_rows), ("baskets", basket_rows)):
        count, size = write(out / f"{name}.ndjson", rows)
        say(f"{out / name}.ndjson: {count:,} rows, {size / 1e6:.2f} MB")
    (out / "made-of").write_text(made_of() + "\n", encoding="utf-8")
    say(f"done in {time.monotonic() - started:.1f} s")


def write(path, rows):
    """Into a new file that takes the old one's place when it is whole. The same rows give the same bytes."""
    partial = path.with_suffix(".partial")
    count = 0
    with partial.open("w", encoding="utf-8", newline="\n") as handle:
        for row in rows:
            handle.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
            count += 1
    partial.replace(path)
    return count, path.stat().st_size


def made_of():
    """A digest of the tables and the code: a test sees by it, without the source, that somebody forgot to run this."""
    digest = hashlib.sha256()
    for file in sorted([*ROOT.glob("tables/*.tsv"), *ROOT.glob("grocer/*.py"), ROOT / "requirements.txt"]):
        digest.update(f"{file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def say(text):
    print(f"prepare: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
