"""Real baskets: what was bought together, by which household, when, and for how much."""

from grocer import prices

SAMPLE_BASKETS = 400
FEWEST_LINES = 4


def sample_rows(transactions, by_sku):
    """Baskets with at least four lines of the sample's products, spread evenly over the year."""
    wanted = transactions[transactions.product_id.isin({int(sku) for sku in by_sku})]
    found = [row for row in rows(wanted) if len(row["lines"]) >= FEWEST_LINES]
    step = max(1, len(found) // SAMPLE_BASKETS)
    return found[::step][:SAMPLE_BASKETS]


def rows(transactions):
    """In the order of time. `price` is the price of one piece, in cents of a dollar."""
    sold = transactions[(transactions.quantity > 0) & (transactions.sales_value > 0)]
    sold = sold.sort_values(["transaction_timestamp", "basket_id", "product_id"], kind="stable")
    basket, lines = None, []
    for row in sold.itertuples():
        if basket is None or basket["basket_id"] != str(row.basket_id):
            if lines:
                yield basket
            lines = []
            basket = {
                "basket_id": str(row.basket_id),
                "household": str(row.household_id),
                "at": row.transaction_timestamp.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "lines": lines,
            }
        cents = max(1, prices.cents(row.sales_value / row.quantity))
        lines.append({"sku": str(row.product_id), "quantity": int(row.quantity), "price": {"amount": cents, "currency": "USD"}})
    if lines:
        yield basket
