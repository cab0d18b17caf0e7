"""Items with all that the tables and the sales say about them: name, place in the shop, brand, size, price."""

import re
import statistics
from collections import defaultdict
from dataclasses import dataclass

from grocer import makers, names, prices, sizes
from grocer.tables import Text

# Where an ounce is a fluid ounce. The rest is weighed.
LIQUID_SHOP_CATEGORIES = {"drinks/soft-drinks", "drinks/water", "drinks/juice", "drinks/beer-wine", "dairy/milk"}
LIQUID_NAME = re.compile(
    r"\b(?:drink|juice|milk|water|liquid|oil|vinegar|bleach|shampoo|conditioner|mouthwash|lotion|wash|cleaner|syrup"
    r"|dish soap|softener|soy sauce|hand soap|detergent|rinse aid|broth|ice cream|sherbet|dressing|eggnog|buttermilk"
    r"|coffee creamer|hot sauce|marinade|wine|cider|shake|body wash|gel|refresher|lighter fluid|egg substitute)\b"
)
NOT_LIQUID_NAME = re.compile(r"\b(?:powder|mix|dry|bars?|sandwich|cones?|tablets|sheets|canned)\b")
# Where goods are cut, and the size of the grocer's case stands where that of a piece should.
WEIGHED = {"PRODUCE", "MEAT", "MEAT-PCKGD", "DELI", "SEAFOOD", "SEAFOOD-PCKGD", "SALAD BAR"}
# Sold as a pack: a size that tells one can only says nothing about the pack.
PACK = re.compile(r"(?:multipack|pack) of (?:cans|bottles)|drink, multipack|\bbeer\b")
# In cents a milliliter: above it, the size is that of one bottle and the price that of a pack.
DEAREST_WATER = 0.3
# What the grocer's own type says about how many cans there are ("SOFT DRINKS 12/18&15PK CAN"), by the shop's name.
CANS = {
    "soda, multipack of cans": (12, 15, 18),
    "soda, party pack of cans": (20, 24),
    "soda, small pack of cans": (4, 6, 8),
}


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
    """Compares what a gram or a milliliter costs with its like, and puts right what the grocer meant otherwise."""
    like = defaultdict(list)
    for article in found:
        if article.size and article.size.count == 1 and article.item.sales:
            like[article.name, article.size.kind].append(article.cents / article.size.total)
    usual = {key: statistics.median(costs) for key, costs in like.items() if len(costs) >= 3}
    packs = typical_packs(found)
    for article in found:
        if article.size and article.size.kind in ("weight", "volume"):
            article.size = corrected(article, usual.get((article.name, article.size.kind)), packs.get(article.name))


def corrected(article, usual, usual_in_packs):
    """The article's size, or what its price shows it to be; None where the price fits no reading."""
    size = article.size
    cost = article.cents / size.total
    if is_pack(article) and size.kind == "volume":
        # "12 OZ" of beer for $8.49 is one bottle of a pack of unknown size.
        return pack_of_cans(article, usual_in_packs) if size.count == 1 and size.total < 3000 else size
    if article.shop_category == "drinks/water" and cost > DEAREST_WATER:
        return None
    if usual is None:
        return size
    if size.count > 1 and cost < 0.45 * usual and cost * size.count < 3 * usual:
        # "8 PK/24.8 OZ" of yogurt is 24.8 oz in all.
        return sizes.Size(size.count, round(size.amount / size.count, 2), size.unit)
    return size if 0.12 * usual <= cost <= 4.5 * usual else None


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


def is_weighed(article):
    """Sold by the pound: next to no two lines of it cost the same."""
    sales = article.item.sales
    return bool(article.item.department in WEIGHED and sales and sales.lines >= 10 and sales.varied > 0.25)
