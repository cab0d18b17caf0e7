"""The reviewed tables beside this package: what the grocer's words mean, in English and in French."""

import csv
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "tables"


@dataclass(frozen=True)
class Text:
    """A name in both languages, as it stands in the middle of a sentence."""

    en: str
    fr: str

    def as_dict(self):
        return {"en": self.en, "fr": self.fr}


@dataclass(frozen=True)
class ShopCategory:
    """A category that shoppers see."""

    key: str
    illustration: str
    name: Text

    @property
    def parent(self):
        return self.key.rpartition("/")[0] or None


@dataclass(frozen=True)
class Aisle:
    """One of the grocer's own categories, and the shop category that holds it (None: never on sale)."""

    name: Text
    shop_category: str | None


@dataclass(frozen=True)
class TypeName:
    """What one product type is called; `shop_category` is empty when the aisle's own is right, `-` if it is not sold."""

    name: Text
    shop_category: str

    def placed(self, aisles_own):
        return None if self.shop_category == "-" else self.shop_category or aisles_own


def rows(file):
    with (FOLDER / file).open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)


def shop_categories():
    return [ShopCategory(r["key"], r["illustration"], Text(r["english"], r["french"])) for r in rows("shop.tsv")]


def aisles():
    return {
        r["grocer_category"]: Aisle(
            Text(r["english"], r["french"]), None if r["shop_category"] == "-" else r["shop_category"]
        )
        for r in rows("aisles.tsv")
    }


def type_names():
    """(grocer category, type) → TypeName."""
    return {
        (r["grocer_category"], r["type"]): TypeName(Text(r["english"], r["french"]), r["shop_category"] or "")
        for r in rows("types.tsv")
    }
