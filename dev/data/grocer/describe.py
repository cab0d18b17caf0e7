"""Descriptions: a few whole sentences, all of them true."""

from grocer import makers, names
from grocer.articles import is_weighed
from grocer.tables import Text

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


def describe(group, best):
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
