"""Composes the rows that the shop imports: categories, and products with their variants."""

import re
import statistics
from collections import defaultdict
from dataclasses import dataclass

from grocer import makers, names, prices, sizes, tables
from grocer.tables import Text

# Where an ounce is a fluid ounce. The rest is weighed.
LIQUID_SHOP_CATEGORIES = {
    "drinks/soft-drinks", "drinks/water", "drinks/juice", "drinks/beer-wine", "dairy/milk",
}  # fmt: skip
LIQUID_NAME = re.compile(
    r"\b(?:drink|juice|milk|water|liquid|oil|vinegar|bleach|shampoo|conditioner|mouthwash|lotion|wash|cleaner|syrup"
    r"|dish soap|softener|soy sauce|hand soap|detergent|rinse aid|broth|ice cream|sherbet|dressing|eggnog|buttermilk"
    r"|coffee creamer|hot sauce|marinade|wine|cider|shake|body wash|gel|refresher|lighter fluid|egg substitute)\b"
)
NOT_LIQUID_NAME = re.compile(r"\b(?:powder|mix|dry|bars?|sandwich|cones?|tablets|sheets|concentrated block|canned)\b")
CHILLED = {"dairy", "deli", "meat-fish", "produce/salads"}
KEEPS = re.compile(r"\b(?:shelf-stable|jerky|canned)\b")
# Sold as a pack: a size that tells one can only says nothing about the pack.
PACK = re.compile(r"(?:multipack|pack) of (?:cans|bottles)|drink, multipack|\bbeer\b")
WEIGHED = {"PRODUCE", "MEAT", "MEAT-PCKGD", "DELI", "SEAFOOD", "SEAFOOD-PCKGD", "SALAD BAR"}
FROZEN = re.compile(r"FRZN|FROZEN|IQF|ICE CREAM/")
# What the grocer's own type says about how many cans there are ("SOFT DRINKS 12/18&15PK CAN"), by the shop's name.
CANS = {
    "soda, multipack of cans": (12, 15, 18),
    "soda, party pack of cans": (20, 24),
    "soda, small pack of cans": (4, 6, 8),
}
MULTIPACK = re.compile(r"\b(?:multipack|pack of|variety pack)\b")
MOST_VARIANTS = 6
BY_WEIGHT = Text(
    "Sold by weight: the price is that of a typical piece or pack.",
    "Vendu au poids\u00a0: le prix est celui d’une pièce ou d’un paquet type.",
)
# French sets numbers and punctuation off with spaces at which no line breaks.
SPACE, NARROW = "\u00a0", "\u202f"
MONTHS = Text(
    "January February March April May June July August September October November December",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
)


@dataclass
class Article:
    """An item with all that the tables say about it."""

    item: object
    name: Text
    shop_category: str | None
    by_hand: bool
    brand: str | None
    size: sizes.Size | None
    cents: int
    compare_cents: int | None

    @property
    def baskets(self):
        return self.item.baskets


def articles(items):
    """Every item of the source, named, placed, sized and priced."""
    lookup = names.Names()
    maker_names = makers.names(by_sales(items))
    fallback = Fallback(items)
    result = []
    for item in items:
        name, shop_category, by_hand = lookup.of(item.category, item.type)
        brand = makers.brand(item.manufacturer, item.private, item.department, maker_names)
        cents = prices.cents(fallback.price(item))
        result.append(
            Article(
                item,
                name,
                shop_category,
                by_hand,
                brand,
                size_of(item, name, shop_category, cents),
                max(1, cents),
                compare_cents(item, cents),
            )
        )
    check_sizes(result)
    return result


def typical_packs(found):
    """name → what a milliliter costs in the packs whose number of cans is told."""
    costs = defaultdict(list)
    for article in found:
        if article.size and article.size.count > 1 and article.size.kind == "volume" and article.item.sales:
            costs[article.name].append(article.cents / article.size.total)
    return {name: statistics.median(told) for name, told in costs.items()}


def pack_of_cans(article, cost):
    """The number of cans that the type allows and the price makes likely; None where the price fits none."""
    if cost is None or article.name.en not in CANS:
        return None
    estimate = article.cents / (cost * article.size.total)
    count = min(CANS[article.name.en], key=lambda cans: abs(cans - estimate))
    return sizes.Size(count, article.size.amount, article.size.unit) if 0.6 < estimate / count < 1.5 else None


def is_pack(article):
    return bool(PACK.search(article.name.en))


def check_sizes(found):
    """Compares what a gram or a milliliter costs with its like, and puts right what the grocer meant otherwise.

    "8 PK/24.8 OZ" of yogurt is 24.8 oz in all; "12 OZ" of beer for $8.49 is one bottle of a pack of unknown size.
    """
    like = defaultdict(list)
    for article in found:
        if article.size and article.size.count == 1 and article.item.sales:
            like[article.name, article.size.kind].append(article.cents / article.size.total)
    typical = {key: statistics.median(costs) for key, costs in like.items() if len(costs) >= 3}
    packs = typical_packs(found)
    for article in found:
        size = article.size
        if size is None:
            continue
        if is_pack(article) and size.kind == "volume":
            if size.count == 1 and size.total < 3000:
                article.size = pack_of_cans(article, packs.get(article.name))
            continue
        if article.shop_category == "drinks/water" and size.kind == "volume" and article.cents > 0.3 * size.total:
            article.size = None
            continue
        usual = typical.get((article.name, size.kind))
        if usual is None or size.kind not in ("weight", "volume"):
            continue
        cost = article.cents / size.total
        if size.count > 1 and cost < 0.45 * usual and cost * size.count < 3 * usual:
            article.size = sizes.Size(size.count, round(size.amount / size.count, 2), size.unit)
        elif cost > 4.5 * usual or cost < 0.12 * usual:
            article.size = None


def by_sales(items):
    baskets = defaultdict(int)
    for item in items:
        baskets[item.manufacturer] += item.baskets
    return sorted(baskets, key=lambda maker: (-baskets[maker], maker))


class Fallback:
    """A product that was never sold costs what its like costs: the median of its type, else of its category."""

    def __init__(self, items):
        by_type, by_category, everything = defaultdict(list), defaultdict(list), []
        for item in items:
            if item.sales:
                by_type[item.category, item.type].append(item.sales.price)
                by_category[item.category].append(item.sales.price)
                everything.append(item.sales.price)
        self.by_type = {key: statistics.median(found) for key, found in by_type.items()}
        self.by_category = {key: statistics.median(found) for key, found in by_category.items()}
        self.overall = statistics.median(everything) if everything else 1.0

    def price(self, item):
        if item.sales:
            return item.sales.price
        typical = self.by_type.get((item.category, item.type))
        return typical or self.by_category.get(item.category) or self.overall


def compare_cents(item, cents):
    """The price without the discount, where most lines of a product that sold well had a real one of a sixth or more."""
    sales = item.sales
    if sales is None or sales.lines < 60 or sales.discounted < 0.75:
        return None
    before = prices.cents(sales.list_price)
    return before if before * 100 >= cents * 120 and before <= cents * 2 else None


def size_of(item, name, shop_category, cents):
    """None too for loose fruit and the like, whose size is that of the grocer's case ("40 LB" of bananas for $1)."""
    size = sizes.parse(item.size, liquid=is_liquid(name.en, shop_category))
    if size is None:
        return None
    if item.department in WEIGHED:
        if item.manufacturer == makers.NO_MAKER and size.kind in ("count", "weight") and size.unit != "oz":
            return None
        if size.kind == "weight" and cents * sizes.GRAMS_PER_OUNCE * 16 < 25 * size.total:
            return None
        if size.kind == "count" and size.count > 12 and item.department == "PRODUCE":
            return None
    return size


def is_liquid(english, shop_category):
    if NOT_LIQUID_NAME.search(english):
        return False
    return shop_category in LIQUID_SHOP_CATEGORIES or bool(LIQUID_NAME.search(english))


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
    """One product whose variants are the articles of `group`, the best seller first among equals."""
    best = max(group, key=lambda article: (article.baskets, -article.item.id))
    name = name or names.branded(best.name, best.brand)
    variants = [variant(article) for article in group]
    sized = all(article.size for article in group)
    return {
        "key": f"cj-{best.item.id}",
        "status": status,
        "name": name.as_dict(),
        "description": describe(group, best, category).as_dict(),
        "category": category,
        "brand": best.brand,
        "attributes": attributes(group, best, category),
        "options": ["size"] if sized else [],
        "variants": variants,
        "images": [],
    }


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


def is_weighed(article):
    """Sold by the pound: next to no two lines of it cost the same."""
    sales = article.item.sales
    return bool(article.item.department in WEIGHED and sales and sales.lines >= 10 and sales.varied > 0.25)


def describe(group, best, category):
    """What is known, in whole sentences: kind, maker, sizes, how it is sold, how often it was bought."""
    sentences = [kind_sentence(group, best)]
    if is_weighed(best):
        sentences.append(BY_WEIGHT)
    if bought := bought_sentence(group, best):
        sentences.append(bought)
    return Text(" ".join(text.en for text in sentences), " ".join(text.fr for text in sentences))


def kind_sentence(group, best):
    maker = Text("", "")
    if best.brand == makers.STORE_BRAND:
        maker = Text(" from our own brand", " de notre propre marque")
    elif best.brand:
        maker = Text(f" by {best.brand}", f" de la marque {best.brand}")
    sold = sizes_clause([article.size for article in group if article.size])
    return Text(
        names.capital(inserted(best.name.en, maker.en)) + sold.en + ".",
        names.capital(inserted(best.name.fr, maker.fr)) + sold.fr + ".",
    )


def inserted(name, words):
    """ "soda by Fernmere, large bottle": behind the thing itself."""
    head, comma, tail = name.partition(", ")
    return head + words + comma + tail


def sizes_clause(known):
    match known:
        case []:
            return Text("", "")
        case [only]:
            return Text(f", {only.english}", f", {only.french}")
        case [small, large]:
            return Text(f", in 2 sizes: {small.english} and {large.english}", f", en 2 formats{SPACE}: {small.french} et {large.french}")
    first, last = known[0], known[-1]
    if all(size.unit == "piece" for size in known):
        return Text(
            f", in {len(known)} sizes from {first.count} to {last.count} pieces",
            f", en {len(known)} formats de {first.count} à {last.count} pièces",
        )
    return Text(
        f", in {len(known)} sizes from {first.english} to {last.english}",
        f", en {len(known)} formats, de {first.french} à {last.french}",
    )


def bought_sentence(group, best):
    times = sum(article.baskets for article in group)
    if times < 2:
        return None
    sales = best.item.sales
    en, fr = f"{grouped(times, ',')} purchases in 2017", f"{grouped(times, NARROW)} achats en 2017"
    if sales.households >= 40:
        share = round(100 * sales.returning / sales.households)
        what = tried(best.size) if len(group) > 1 else Text("it", "l’ont essayé")
        en += f"; {share}% of the households that tried {what.en} bought it again"
        fr += f"{NARROW}; {share}{SPACE}% des foyers qui {what.fr} l’ont racheté"
    if sales.first.month > 2 and sales.first.year == 2017:
        month = sales.first.month - 1
        en += f". First sold in {MONTHS.en.split()[month]} 2017"
        fr += f". En vente depuis {MONTHS.fr.split()[month]} 2017"
    return Text(en + ".", fr + ".")


def tried(size):
    """The best seller of several sizes, which is the one that is counted."""
    if size.unit == "piece":
        return Text(f"the {size.english}", f"ont essayé le {size.french}")
    return Text(f"the {size.english} size", f"ont essayé le format {size.french}")


def grouped(number, separator):
    return f"{number:,}".replace(",", separator)
