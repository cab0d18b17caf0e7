"""Chooses the sample: about 500 products that together look like a real shop."""

from collections import defaultdict

from grocer import articles, names, products

PRODUCTS = 470
MOST_VARIANTS = 6
LEAST_IN_CATEGORY, MOST_IN_CATEGORY = 7, 15


def choose(found):
    """(shop category, articles that are its variants) in the order of the tree, best sellers first."""
    groups = defaultdict(list)
    for article in found:
        if article.shop_category and article.by_hand and article.item.sales:
            groups[article.shop_category, article.name, article.brand].append(article)
    candidates = defaultdict(list)
    for (category, _, _), members in groups.items():
        candidates[category].append(variants(members))
    order = [row["key"] for row in products.category_rows()]
    for category, wanted in quotas(candidates).items():
        assert category in order, category
        for group in pick(candidates[category], wanted):
            yield category, group


def variants(members):
    """The best seller of each size, smallest first, where a larger size is never cheaper than a smaller one."""
    members = sorted(members, key=lambda article: (-article.baskets, article.item.id))
    sized = [article for article in members if article.size]
    known = sum(article.baskets for article in sized)
    if not sized or known * 6 < sum(article.baskets for article in members) and not articles.is_pack(sized[0]):
        return members[:1]
    chosen = [sized[0]]
    for article in sized[1:]:
        if len(chosen) == MOST_VARIANTS or article.baskets < max(5, sized[0].baskets // 40):
            break
        if all(fits(article, other) for other in chosen):
            chosen.append(article)
    return sorted(chosen, key=lambda article: (article.size.total, article.item.id))


def fits(article, other):
    if article.size.kind != other.size.kind:
        return False
    ratio = article.size.total / other.size.total
    if 0.97 < ratio < 1.03:
        return False
    return (article.cents > other.cents) == (ratio > 1) and article.cents != other.cents


def quotas(candidates):
    """Shares the sample out by the square root of what a category sells, so that small ones are still shops."""
    weight = {c: sum(sold(group) for group in groups) ** 0.5 for c, groups in candidates.items()}
    keys = [row["key"] for row in products.category_rows() if row["key"] in candidates]
    total = sum(weight.values())
    return {
        key: min(MOST_IN_CATEGORY, max(LEAST_IN_CATEGORY, round(PRODUCTS * weight[key] / total)))
        for key in keys
    }


def pick(groups, wanted):
    """Best sellers first, each further maker of the same thing counting for less, and a diet to filter by for more."""
    left, chosen, same = list(groups), [], defaultdict(int)
    while left and len(chosen) < wanted:
        best = max(left, key=lambda group: (appeal(group, same), -group[0].item.id))
        left.remove(best)
        same[best[0].name] += 1
        if sold(best) >= 5:
            chosen.append(best)
    return sorted(chosen, key=lambda group: (-sold(group), group[0].item.id))


def appeal(group, same):
    liked = (1.5 if len(group) > 1 else 1.0) * (2.5 if names.diet(group[0].name.en) else 1.0)
    return sold(group) * liked / (1 + 2 * same[group[0].name] ** 2)


def sold(group):
    return sum(article.baskets for article in group)


def rows(found):
    """(category rows, product rows, sku → article)."""
    chosen = list(choose(found))
    product_rows = [products.product_row(group, category) for category, group in chosen]
    used = {category for category, _ in chosen}
    by_sku = {str(a.item.id): a for _, group in chosen for a in group}
    return list(products.category_rows(used)), product_rows, by_sku
