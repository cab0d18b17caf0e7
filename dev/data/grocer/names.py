"""Names that people can read, from the grocer's types, and the few words in them that shoppers filter by."""

import re

from grocer import tables
from grocer.tables import Text

# Types that mean something only together with their category, so that a name may not be borrowed from another one.
AMBIGUOUS = {
    "MISCELLANEOUS", "OTHER", "PREMIUM", "SEASONAL", "DECOR", "CONES", "EXTERNAL", "INTERNAL", "FRESH", "ECONOMY",
    "BETTER FOR YOU", "VALUE", "MISC", "COOKED", "MARINATED", "RIBS", "POULTRY", "HAM", "KITS", "PRIMAL", "LEAN",
    "DRY", "CORN", "PEARS", "PINEAPPLE", "PEACHES", "ASPARAGUS", "BEETS", "CARROTS", "SALADS", "SOUPS", "CUPS",
    "MICROWAVE", "OVEN", "WRAP", "TAPE", "NATURAL", "MAINSTREAM", "TRADITIONAL", "KIDS", "SPECIALTY", "PROMO",
    "PROMOTIONAL", "CANDY", "JUICE", "NUTS", "POPCORN", "YOGURT", "BREAD", "BEVERAGE", "CONTINUITY", "RED",
}  # fmt: skip

DIETS = [
    ("organic", re.compile(r"\borganic\b", re.I)),
    ("decaf", re.compile(r"\bdecaf", re.I)),
    ("gluten-free", re.compile(r"\bgluten.free\b", re.I)),
    ("sugar-free", re.compile(r"\bsugar.free\b", re.I)),
    ("unsweetened", re.compile(r"\bunsweetened\b", re.I)),
    ("alcohol-free", re.compile(r"\balcohol-free\b", re.I)),
    ("kosher", re.compile(r"\bkosher\b", re.I)),
    ("meatless", re.compile(r"\b(?:meatless|vegetarian|tofu|vegan)\b", re.I)),
    ("plant-based", re.compile(r"\b(?:soy|rice) drink|\bsoy (?:& rice milk|infant)", re.I)),
    ("light", re.compile(r"\b(?:light(?! bulb)|healthy|diet)\b", re.I)),
]


class Names:
    """Looks up the name of a type: by its own row, then by the row of the category where it is at home."""

    def __init__(self):
        self.aisles = tables.aisles()
        self.types = tables.type_names()
        self.homes = {}
        for (category, type_), name in self.types.items():
            self.homes.setdefault(type_, (category, name))

    def of(self, category, type_):
        """(name, shop category or None, whether it was written by hand for this very category)."""
        type_ = type_.strip()
        aisle = self.aisles.get(category)
        if aisle is None:
            return Text("Unclassified article", "Article non classé"), None, False
        own = self.types.get((category, type_))
        if own:
            return own.name, own.placed(aisle.shop_category), True
        if type_ not in AMBIGUOUS and type_ in self.homes and aisle.shop_category:
            home, name = self.homes[type_]
            return name.name, name.placed(self.aisles[home].shop_category), False
        return lowered(aisle.name), aisle.shop_category, False


def lowered(text):
    """An aisle's name in the middle of a sentence."""
    return Text(text.en[0].lower() + text.en[1:], text.fr[0].lower() + text.fr[1:])


def branded(name, brand):
    """ "Fernmere soda, large bottle" and "Soda Fernmere, grande bouteille"."""
    if brand is None:
        return Text(capital(name.en), capital(name.fr))
    head, comma, tail = name.fr.partition(", ")
    return Text(f"{brand} {name.en}", f"{capital(head)} {brand}{comma}{tail}")


def capital(text):
    return text[:1].upper() + text[1:]


def diet(english):
    return next((word for word, pattern in DIETS if pattern.search(english)), None)
