"""Every product of the source as a product of its own, in a tree one level deeper: the grocer's own categories."""

from collections import defaultdict

from grocer import names, products, sample, tables
from grocer.tables import Text

# Goods that an online shop does not sell: fuel, tobacco, coupons, services. They are kept, but not shown.
HIDDEN = Text("Not sold online", "Hors vente en ligne")


def rows(articles):
    """(category rows, product rows), both lazily."""
    return categories(), product_rows(for_a_shop_with_the_sample(articles))


def for_a_shop_with_the_sample(articles):
    """Such an order that a shop that holds the sample takes every row.

    First the best sellers, under whose keys the sample has their other sizes too: they let go of those SKUs. Last the
    products that these SKUs belong to here.
    """
    groups = [group for _, group in sample.choose(articles)]
    best = {products.best_seller(group).item.id for group in groups}
    others = {article.item.id for group in groups for article in group} - best
    place = {number: 0 for number in best} | {number: 2 for number in others}
    return sorted(articles, key=lambda article: (place.get(article.item.id, 1), article.item.id))


def categories():
    yield from products.category_rows()
    leaves = {category.key: category for category in tables.shop_categories()}
    positions = defaultdict(int)
    for aisle in sorted(tables.aisles().values(), key=lambda aisle: aisle.name.en):
        if aisle.shop_category is None:
            continue
        key = leaf(aisle)
        positions[aisle.shop_category] += 1
        yield products.category_row(
            key, aisle.name, positions[aisle.shop_category], leaves[aisle.shop_category].illustration
        )
    yield products.category_row("hidden", HIDDEN, 99, None)


def leaf(aisle):
    return f"{aisle.shop_category}/{products.slug(aisle.name.en)}"


def product_rows(articles):
    aisles = tables.aisles()
    seen = defaultdict(int)
    for article in articles:
        aisle = aisles.get(article.item.category)
        if article.shop_category is None:
            category, status = "hidden", "archived"
        elif aisle and aisle.shop_category == article.shop_category:
            category, status = leaf(aisle), "published"
        else:
            category, status = article.shop_category, "published"
        name = sized_name(article)
        variety = max(seen[name.en], seen[name.fr]) + 1
        seen[name.en] = seen[name.fr] = variety
        if variety > 1:
            name = Text(f"{name.en}, variety {variety}", f"{name.fr}, variété {variety}")
        yield products.product_row([article], category, status, name)


def sized_name(article):
    name = names.branded(article.name, article.brand)
    if article.size is None:
        return name
    return Text(f"{name.en}, {article.size.english}", f"{name.fr}, {article.size.french}")
