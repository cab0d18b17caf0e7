"""Prices: what shoppers really paid, in whole cents."""

from decimal import ROUND_HALF_UP, Decimal

# A round rate declared here, so that the same input always gives the same prices. It is no market rate.
EUROS_PER_DOLLAR = Decimal("0.92")


def cents(dollars):
    return int((Decimal(str(dollars)) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def euros(dollar_cents):
    """Converted at the declared rate, then to a price that a shop would print.

    Below 20 cents the nearest cent; below 10 euros the nearest price that ends in 9; above, in 49 or 99.
    """
    exact = Decimal(dollar_cents) * EUROS_PER_DOLLAR
    if exact < 20:
        return max(1, int(exact.quantize(Decimal(1), ROUND_HALF_UP)))
    step = 10 if exact < 1000 else 50
    return int(((exact + 1) / step).quantize(Decimal(1), ROUND_HALF_UP)) * step - 1


def prices(dollar_cents):
    return [
        {"amount": dollar_cents, "currency": "USD"},
        {"amount": euros(dollar_cents), "currency": "EUR"},
    ]
