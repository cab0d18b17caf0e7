"""Reads the grocer's package sizes ("12 PK/12 OZ", "HALF GAL", "L     8 OZ") into quantities, and writes them tidily.

A label serves both languages, as a package does: "12 oz (340 g)". The French text gives the metric size alone.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

GRAMS_PER_OUNCE = 28.3495
MILLILITERS_PER_OUNCE = 29.5735
SQUARE_METERS_PER_SQUARE_FOOT = 0.092903


@dataclass(frozen=True)
class Size:
    """`count` pieces of `amount` `unit` each. A plain count has the unit "piece" and the amount 1."""

    count: int
    amount: float
    unit: str

    @property
    def total(self):
        """How much there is in all, in grams, milliliters, pieces …: orders sizes of one kind."""
        return self.count * self.amount * BASE[self.unit][1]

    @property
    def kind(self):
        return BASE[self.unit][0]

    @property
    def label(self):
        if self.unit == "piece":
            return f"×{self.count}"
        if self.unit in ("ml", "l", "g", "kg"):
            return self._times(self._plain())
        return self._times(f"{self._plain()} ({self._metric()})")

    @property
    def english(self):
        if self.unit == "piece":
            return f"pack of {self.count}"
        return self._times(self._plain())

    @property
    def french(self):
        if self.unit == "piece":
            return f"lot de {self.count}"
        metric = self._plain() if self.unit in ("ml", "l", "g", "kg") else self._metric()
        return self._times(metric.replace(".", ","))

    def _times(self, text):
        return text if self.count == 1 else f"{self.count} × {text}"

    def _plain(self):
        return f"{number(self.amount)} {SIGNS[self.unit]}"

    def _metric(self):
        base = self.amount * BASE[self.unit][1]
        match self.kind:
            case "weight":
                return f"{number(rounded(base))} g" if base < 1000 else f"{number(round(base / 1000, 1))} kg"
            case "volume":
                return f"{number(rounded(base))} ml" if base < 1000 else f"{number(round(base / 1000, 1))} L"
            case "area":
                return f"{number(round(base, 1))} m²"
            case _:
                return f"{number(round(base))} cm" if base < 100 else f"{number(round(base / 100, 1))} m"


BASE = {
    "g": ("weight", 1.0),
    "kg": ("weight", 1000.0),
    "oz": ("weight", GRAMS_PER_OUNCE),
    "lb": ("weight", GRAMS_PER_OUNCE * 16),
    "ml": ("volume", 1.0),
    "l": ("volume", 1000.0),
    "fl oz": ("volume", MILLILITERS_PER_OUNCE),
    "pt": ("volume", MILLILITERS_PER_OUNCE * 16),
    "qt": ("volume", MILLILITERS_PER_OUNCE * 32),
    "gal": ("volume", MILLILITERS_PER_OUNCE * 128),
    "sq ft": ("area", SQUARE_METERS_PER_SQUARE_FOOT),
    "in": ("length", 2.54),
    "ft": ("length", 30.48),
    "piece": ("count", 1.0),
}
OUNCES = {"oz": 1, "lb": 16, "fl oz": 1, "pt": 16, "qt": 32, "gal": 128}
SIGNS = {unit: {"l": "L"}.get(unit, unit) for unit in BASE}

WORDS = {
    "OZ": "oz", "OZS": "oz", "Z": "oz", "FL OZ": "fl oz", "FLOZ": "fl oz",
    "LB": "lb", "LBS": "lb", "G": "g", "GM": "g", "GR": "g", "KG": "kg",
    "ML": "ml", "L": "l", "LT": "l", "LTR": "l", "LRT": "l", "LITER": "l",
    "PT": "pt", "QT": "qt", "GA": "gal", "GAL": "gal",
    "SQ FT": "sq ft", "SQFT": "sq ft", "IN": "in", "INCH": "in", "FT": "ft",
    "CT": "piece", "CNT": "piece", "PK": "piece", "PKS": "piece", "PC": "piece", "PCS": "piece", "P": "piece",
    "ROLL": "piece", "ROLLS": "piece", "STEM": "piece", "STEMS": "piece", "CUP": "piece", "SHEETS": "piece",
    "LOAD": "piece", "LOADS": "piece", "LD": "piece", "LDS": "piece", "USE": "piece", "USES": "piece",
    "DZ": "dozen", "DOZ": "dozen", "DZN": "dozen",
}  # fmt: skip
UNIT = "|".join(sorted((re.escape(w) for w in WORDS), key=len, reverse=True))
NUMBER = r"\d+\s+\d/\d|\d+/\d(?=\s*(?:GAL|LB|GA|OZ|PT|L)\b)|\d*\.\d+|\d+"
PART = re.compile(rf"({NUMBER})\s*({UNIT})\b")
MULTIPLE = re.compile(rf"^(\d+)\s*/\s*({NUMBER})\s*({UNIT})\b")
POUNDS_AND_OUNCES = re.compile(r"^(\d+) ?LB (\d*\.?\d+) ?OZ\b")
BARE = {"GAL": Size(1, 1, "gal"), "PT": Size(1, 1, "pt"), "QT": Size(1, 1, "qt"), "DZ": Size(12, 1, "piece"),
        "DOZ": Size(12, 1, "piece"), "HALF GAL": Size(1, 0.5, "gal"), "LB": Size(1, 1, "lb")}  # fmt: skip
# Totals of a drinks pack that are told as one number of ounces: 405.6 OZ is 24 bottles of 16.9 oz.
BOTTLES = (16.9, 12.0, 20.0, 8.0, 6.75)


def parse(text, liquid=False):
    """The size that `text` tells, or None where it tells none. `liquid` says that ounces are fluid ounces."""
    text = tidy(text)
    if text in BARE:
        return plausible(BARE[text])
    if match := POUNDS_AND_OUNCES.match(text):
        return plausible(Size(1, int(match[1]) * 16 + float(match[2]), "oz"))
    if " X " in text or "X" in text and re.search(r"\dX|X\d|X \d", text):
        return None  # the width and length of a sheet or a pan
    if (match := MULTIPLE.match(text)) and int(match[1]) > 1:
        if WORDS[match[3]] not in ("piece", "dozen"):
            return plausible(Size(int(match[1]), value(match[2]), fluid(WORDS[match[3]], liquid)))
    parts = [(value(n), WORDS[u]) for n, u in PART.findall(text)]
    if not parts:
        return None
    counts = [n for n, unit in parts if unit == "piece"]
    measures = [(n, unit) for n, unit in parts if unit not in ("piece", "dozen")]
    if measures:
        amount, unit = measures[0]
        unit = fluid(unit, liquid)
        if counts and counts[0] > 1:
            return plausible(Size(int(counts[0]), amount, unit))
        return plausible(split_pack(Size(1, amount, unit)))
    amount, unit = parts[0]
    count = amount * 12 if unit == "dozen" else amount
    return plausible(Size(int(count), 1, "piece"))


def tidy(text):
    """Without stray letters in front ("L     8 OZ"), case numbers ("(600) 4 LB"), stars and ranges ("48-54 CT")."""
    text = re.sub(r"\(.*?\)|[*#]", " ", (text or "").upper())
    text = re.sub(r"(\d)-LB", r"\1 LB", text)
    text = re.sub(r"^\s*(?:[A-Z]{1,3}|ALL)\s+(?=[\d.])", "", text)
    text = re.sub(r"\b\d+\s*-\s*(\d+)(?=\s*(?:CT|STEM|OZ|LB)\b)", r"\1", text)
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"(\d)\.(?=\s|$)", r"\1", text)


def value(text):
    return float(sum(Fraction(part) for part in text.split()))


def fluid(unit, liquid):
    return "fl oz" if unit == "oz" and liquid else unit


def split_pack(size):
    """Tells a pack of bottles as such: one container of more than 130 fluid ounces is not a bottle."""
    if size.unit != "fl oz" or size.amount <= 70:
        return size
    for bottle in BOTTLES:
        count = size.amount / bottle
        if abs(count - round(count)) < 0.02 and round(count) in (6, 8, 10, 12, 15, 18, 20, 24, 28, 30, 32, 35, 36):
            return size if size.amount in (96.0, 128.0, 160.0) else Size(round(count), bottle, "fl oz")
    return size


def plausible(size):
    """None for what is a stock number in the wrong column ("974246 PK") or nothing at all ("1 CT")."""
    if size.count < 1 or size.amount <= 0 or size.count > 1500 or size.amount > 1500:
        return None
    if size.unit == "piece" and size.count == 1:
        return None
    return alike(size)


def alike(size):
    """One way to tell one size, so that a shopper who filters by "16 oz" finds "1 lb" too."""
    ounces = size.amount * OUNCES.get(size.unit, 0)
    if not ounces or abs(ounces - round(ounces)) > 0.001:
        return size
    small, large, limit = ("oz", "lb", 48) if size.kind == "weight" else ("fl oz", "gal", 128)
    many = OUNCES[large]
    if ounces >= limit and ounces % (many / 2) == 0:
        return Size(size.count, ounces / many, large)
    return Size(size.count, float(round(ounces)), small) if ounces < limit else size


def rounded(number_):
    """To the gram or milliliter, small amounts to a tenth."""
    return round(number_, 1) if number_ < 10 else round(number_)


def number(value_):
    return f"{value_:.2f}".rstrip("0").rstrip(".") if value_ != int(value_) else str(int(value_))
