"""Prices in cents, and in euros at the declared rate."""

import unittest

from grocer import prices


class Prices(unittest.TestCase):
    def test_rounds_half_a_cent_up(self):
        self.assertEqual(prices.cents(1.005), 101)
        self.assertEqual(prices.cents(2.49), 249)

    def test_euros_end_as_a_shop_prints_them(self):
        for dollars, euros in ((2, 2), (17, 16), (33, 29), (100, 89), (199, 179), (349, 319), (1099, 999), (2599, 2399)):
            self.assertEqual(prices.euros(dollars), euros, dollars)

    def test_euros_are_never_nothing_and_never_far_off(self):
        for dollars in range(1, 5000):
            euros = prices.euros(dollars)
            self.assertGreater(euros, 0)
            self.assertLessEqual(abs(euros - dollars * 0.92), 25 if dollars > 1000 else 6)

    def test_a_dearer_thing_never_costs_fewer_euros(self):
        euros = [prices.euros(dollars) for dollars in range(1, 5000)]
        self.assertEqual(euros, sorted(euros))


if __name__ == "__main__":
    unittest.main()
