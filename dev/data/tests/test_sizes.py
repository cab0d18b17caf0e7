"""Package sizes as the grocer writes them."""

import unittest

from grocer import sizes


class Sizes(unittest.TestCase):
    def check(self, text, label, french, liquid=False):
        size = sizes.parse(text, liquid)
        self.assertIsNotNone(size, text)
        self.assertEqual((size.label, size.french), (label, french), text)

    def test_weights(self):
        self.check("12 OZ", "12 oz (340 g)", "340 g")
        self.check("2 LB 8 OZ", "40 oz (1.1 kg)", "1,1 kg")
        self.check("8 1/2 OZ", "8.5 oz (241 g)", "241 g")
        self.check(".16 OZ", "0.16 oz (4.5 g)", "4,5 g")
        self.check("5-LB BAG", "5 lb (2.3 kg)", "2,3 kg")
        self.check("(600) 4 LB", "4 lb (1.8 kg)", "1,8 kg")
        self.check("14.0 OZ", "14 oz (397 g)", "397 g")

    def test_volumes(self):
        self.check("1 GA", "1 gal (3.8 L)", "3,8 L")
        self.check("HALF GAL", "64 fl oz (1.9 L)", "1,9 L")
        self.check("1/2 GAL", "64 fl oz (1.9 L)", "1,9 L")
        self.check("PT", "16 fl oz (473 ml)", "473 ml")
        self.check("2 L", "2 L", "2 L")
        self.check(".5 L", "0.5 L", "0,5 L")
        self.check("750 ML", "750 ml", "750 ml")
        self.check("16.9OZ", "16.9 fl oz (500 ml)", "500 ml", liquid=True)
        self.check("L    16 OZ", "16 fl oz (473 ml)", "473 ml", liquid=True)

    def test_packs(self):
        self.check("12 PK/12 OZ", "12 × 12 fl oz (355 ml)", "12 × 355 ml", liquid=True)
        self.check("12 OZ/12 PK", "12 × 12 fl oz (355 ml)", "12 × 355 ml", liquid=True)
        self.check("10/6.75 OZ", "10 × 6.75 fl oz (200 ml)", "10 × 200 ml", liquid=True)
        self.check("405.6 OZ", "24 × 16.9 fl oz (500 ml)", "24 × 500 ml", liquid=True)
        self.check("128 OZ", "1 gal (3.8 L)", "3,8 L", liquid=True)
        self.check("6 PK", "×6", "lot de 6")
        self.check("1 DZ", "×12", "lot de 12")
        self.check("32 LOADS", "×32", "lot de 32")

    def test_areas_and_lengths(self):
        self.check("83.5 SQ FT", "83.5 sq ft (7.8 m²)", "7,8 m²")
        self.check("4 IN POT", "4 in (10 cm)", "10 cm")
        self.check("75 FT", "75 ft (22.9 m)", "22,9 m")

    def test_one_size_has_one_name(self):
        for one, other in (("16 OZ", "1 LB"), ("48 OZ", "3 LB"), ("40 OZ", "2.5 LB"), ("PT", "1 PT"), ("128 OZ", "GAL"), ("32 OZ", "QT")):
            self.assertEqual(sizes.parse(one, "T" in other or "GAL" in other).label, sizes.parse(other).label)

    def test_tells_nothing_from_what_is_no_size(self):
        for text in ("974246  PK", "CTN", "LARGE", "", None, "1 CT", "10 X 12 IN", "9X13 IN", "0 OZ"):
            self.assertIsNone(sizes.parse(text), text)

    def test_orders_sizes_of_one_kind(self):
        texts = ["2 L", "12 PK/12 OZ", "20 OZ", "1 L"]
        found = sorted((sizes.parse(text, liquid=True) for text in texts), key=lambda size: size.total)
        self.assertEqual([size.label for size in found], ["20 fl oz (591 ml)", "1 L", "2 L", "12 × 12 fl oz (355 ml)"])


if __name__ == "__main__":
    unittest.main()
