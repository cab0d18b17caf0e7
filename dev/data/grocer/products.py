"""The rows that the shop imports: categories, and products with their variants."""

import re
from collections import defaultdict

from grocer import makers, names, prices, tables
from grocer.articles import is_weighed
from grocer.describe import describe

CHILLED = {"dairy", "deli", "meat-fish", "produce/salads"}
KEEPS = re.compile(r"\b(?:shelf-stable|jerky|canned)\b")
FROZEN = re.compile(r"FRZN|FROZEN|IQF|ICE CREAM/")
MULTIPACK = re.compile(r"\b(?:multipack|pack of|variety pack)\b")


def category_rows(used=None):
    """The shop's tree, parents before children; with `used`, only what holds something."""
    positions = defaultdict(int)
    for category in tables.shop_categories():
        if used is not None and not any(key == category.key or key.startswith(category.key + "/") for key in used):
            continue
        positions[category.parent] += 1
        yield category_row(category.key, category.name, positions[category.parent], category.illustration)


def category_row(key, name, position, illustration):
    return {
        "key": key,
        "parent": key.rpartition("/")[0] or None,
        "name": name.as_dict(),
        "slug": {"en": slug(name.en), "fr": slug(name.fr)},
        "position": position,
        "illustration": illustration,
    }


def slug(text):
    text = text.lower().replace("œ", "oe").replace("æ", "ae").replace("’", "-").replace("&", " ")
    for plain, accented in {"a": "àâä", "e": "éèêë", "i": "îï", "o": "ôö", "u": "ùûü", "c": "ç", "n": "ñ"}.items():
        text = re.sub(f"[{accented}]", plain, text)
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")


def product_row(group, category, status="published", name=None):
    """One product whose variants are the articles of `group`."""
    best = best_seller(group)
    name = name or names.branded(best.name, best.brand)
    variants = [variant(article) for article in group]
    sized = all(article.size for article in group)
    return {
        "key": f"cj-{best.item.id}",
        "status": status,
        "name": name.as_dict(),
        "description": describe(group, best).as_dict(),
        "category": category,
        "brand": best.brand,
        "attributes": attributes(group, best, category),
        "options": ["size"] if sized else [],
        "variants": variants,
        "images": [],
    }


def best_seller(group):
    return max(group, key=lambda article: (article.baskets, -article.item.id))


def variant(article):
    row = {
        "sku": str(article.item.id),
        "options": {"size": article.size.label} if article.size else {},
        "prices": prices.prices(article.cents),
    }
    if article.compare_cents:
        before = prices.prices(article.compare_cents)
        if all(old["amount"] > new["amount"] for old, new in zip(before, row["prices"], strict=True)):
            row["compare_at"] = before
    return row


def attributes(group, best, category):
    found = {"brand_type": "store" if best.brand == makers.STORE_BRAND else "national"}
    if best.brand is None:
        found["brand_type"] = "unbranded"
    if diet := names.diet(best.name.en):
        found["diet"] = diet
    found["storage"] = storage(best, category)
    if is_weighed(best):
        found["sold_by"] = "weight"
    if MULTIPACK.search(best.name.en) or any(a.size and a.size.count > 1 and a.size.unit != "piece" for a in group):
        found["pack"] = "multipack"
    if len(group) == 1 and best.size:
        found["size"] = best.size.label
    return found


def storage(article, category):
    if FROZEN.search(article.item.category) or category.startswith("frozen/") or "frozen" in article.name.en:
        return "frozen"
    if KEEPS.search(article.name.en):
        return "ambient"
    return "chilled" if CHILLED & {category, category.split("/")[0]} else "ambient"
