"""Prices, tax and shipping."""

from dataclasses import dataclass

TAX_RATES = {"DE": 0.19, "FR": 0.20, "AT": 0.20, "NL": 0.21, "LU": 0.17}
REDUCED_RATES = {"DE": 0.07, "FR": 0.055, "AT": 0.10, "NL": 0.09, "LU": 0.08}
FREE_SHIPPING_FROM = 60.0


@dataclass(frozen=True)
class Product:
    sku: str
    name: str
    price: float
    weight: float = 0.5
    category: str = "other"
    discontinued: bool = False


@dataclass
class Quote:
    """What an order costs, and why."""

    subtotal: float
    shipping: float
    tax: float

    @property
    def total(self):
        return round(self.subtotal + self.shipping + self.tax, 2)


def tax_rate(country, category):
    """Food and books are taxed at the reduced rate."""
    if category in ("food", "books"):
        return REDUCED_RATES[country]
    return TAX_RATES[country]


def shipping_cost(cart, country, express=False, pickup=False):
    """Shipping for a cart, by weight and country."""
    if pickup:
        return 0.0
    weight = cart.weight()
    subtotal = cart.subtotal()
    if country == "DE":
        if subtotal >= FREE_SHIPPING_FROM and not express:
            cost = 0.0
        elif weight <= 2:
            cost = 4.9
        elif weight <= 5:
            cost = 5.9
        elif weight <= 10:
            cost = 8.9
        else:
            cost = 8.9 + (weight - 10) * 0.8
    elif country in ("AT", "LU", "NL"):
        if subtotal >= FREE_SHIPPING_FROM * 2 and not express:
            cost = 0.0
        elif weight <= 2:
            cost = 8.9
        elif weight <= 5:
            cost = 11.9
        else:
            cost = 11.9 + (weight - 5) * 1.2
    elif country == "FR":
        if weight <= 2:
            cost = 9.9
        elif weight <= 5:
            cost = 13.9
        else:
            cost = 13.9 + (weight - 5) * 1.4
    else:
        raise ValueError("we do not ship to " + country)
    if express:
        if country == "DE":
            cost += 6.0
        elif weight > 10:
            cost += 18.0
        else:
            cost += 12.0
    return cost


def quote(cart, country="DE", express=False, pickup=False):
    """The price of a cart with shipping and tax."""
    shipping = shipping_cost(cart, country, express, pickup)
    tax = 0.0
    for line in cart.lines.values():
        tax += line.amount() * tax_rate(country, line.product.category)
    tax += shipping * TAX_RATES[country]
    return Quote(cart.subtotal(), shipping, round(tax, 2))
