import pytest

from shop.cart import Cart
from shop.pricing import Product, quote, shipping_cost, tax_rate

TEA = Product("TEA", "Green tea", 12.5, weight=0.25, category="food")
LAMP = Product("LAMP", "Desk lamp", 39.9, weight=1.8)


def cart_with(*products):
    cart = Cart("C1")
    for product in products:
        cart.add(product)
    return cart


def test_reduced_rate_for_food():
    assert tax_rate("DE", "food") == 0.07
    assert tax_rate("DE", "home") == 0.19


def test_shipping_is_free_from_sixty():
    assert shipping_cost(cart_with(LAMP), "DE") == 4.9
    assert shipping_cost(cart_with(LAMP, LAMP), "DE") == 0.0


def test_no_shipping_abroad():
    with pytest.raises(ValueError):
        shipping_cost(cart_with(TEA), "US")


def test_total():
    assert quote(cart_with(TEA)).total == 19.21
