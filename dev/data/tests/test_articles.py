"""What is made of an item: its size, its price, its words."""

import unittest
from datetime import datetime

from grocer import articles, products
from grocer.source import Item, Sales


def item(number=1, maker=5, department="GROCERY", category="YOGURT", type_="YOGURT MULTI-PACKS", size="6 OZ", price=1.0, **sales):
    told = {"lines": 100, "baskets": 90, "households": 50, "returning": 20, "list_price": price, "discounted": 0.0, "varied": 0.01}
    told |= {"first": datetime(2017, 1, 2)} | sales
    return Item(number, maker, department, category, type_, size, False, Sales(price=price, **told) if price else None)


def made(*items):
    return articles.articles(list(items))


class Sizes(unittest.TestCase):
    def test_a_total_told_as_the_size_of_one_is_divided(self):
        singles = [item(number, size="6 OZ", price=0.6) for number in range(1, 5)]
        pack = made(*singles, item(9, size="8 PK/24.8 OZ", price=3.29))[-1]
        self.assertEqual(pack.size.label, "8 × 3.1 oz (88 g)")

    def test_the_size_of_one_bottle_is_not_that_of_a_pack(self):
        beer = item(category="BEERS/ALES", type_="BEERALEMALT LIQUORS", size="12 OZ", price=8.49)
        self.assertIsNone(made(beer)[0].size)

    def test_cans_are_counted_by_type_and_price(self):
        soda = {"category": "SOFT DRINKS", "type_": "SOFT DRINKS 12/18&15PK CAN CAR"}
        told, untold = made(item(1, size="12 PK/12 OZ", price=3.0, **soda), item(2, size="12 OZ", price=4.4, **soda))
        self.assertEqual((told.size.count, untold.size.count), (12, 18))

    def test_the_case_is_not_the_size_of_a_piece(self):
        bananas = item(maker=2, department="PRODUCE", category="TROPICAL FRUIT", type_="BANANAS", size="40 LB", price=0.94)
        self.assertIsNone(made(bananas)[0].size)


class Prices(unittest.TestCase):
    def test_what_was_never_sold_costs_what_its_like_costs(self):
        sold = [item(1, price=1.0), item(2, price=2.0), item(3, price=5.0)]
        self.assertEqual(made(*sold, item(4, price=None))[-1].cents, 200)

    def test_a_discount_is_shown_only_where_it_was_usual_and_real(self):
        for discounted, list_price, shown in ((0.9, 3.0, 300), (0.3, 3.0, None), (0.9, 2.1, None), (0.9, 9.0, None)):
            found = made(item(price=2.0, list_price=list_price, discounted=discounted))[0]
            self.assertEqual(found.compare_cents, shown, (discounted, list_price))


class Words(unittest.TestCase):
    def test_a_stray_article_goes_where_its_type_is_at_home(self):
        stray = made(item(category="FROZEN PIZZA", type_="TOOTHPASTE"))[0]
        self.assertEqual((stray.name.en, stray.shop_category), ("toothpaste", "beauty/oral"))

    def test_a_description_tells_what_is_known(self):
        group = made(item(1, size="6 OZ", price=0.6), item(2, size="32 OZ", price=2.0, baskets=10))
        row = products.product_row(group, "dairy/yogurt")
        maker = row["brand"]
        self.assertEqual(
            row["description"]["en"],
            f"Yogurt by {maker}, multipack, in 2 sizes: 6 oz and 32 oz. 100 purchases in 2017;"
            " 40% of the households that tried the 6 oz size bought it again.",
        )
        self.assertEqual(
            row["description"]["fr"],
            f"Yaourts de la marque {maker}, en lot, en 2 formats\u00a0: 170 g et 907 g. 100 achats en 2017\u202f;"
            " 40\u00a0% des foyers qui ont essayé le format 170 g l’ont racheté.",
        )


if __name__ == "__main__":
    unittest.main()
