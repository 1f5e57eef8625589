import pytest

from shop.cart import Cart
from shop.inventory import Inventory, OutOfStock
from shop.pricing import Product

TEA = Product("TEA", "Green tea", 12.5)


def test_reserving_more_than_there_is():
    cart = Cart("C1")
    cart.add(TEA, 3)
    inventory = Inventory({"TEA": 2})
    with pytest.raises(OutOfStock):
        inventory.reserve(cart)
    assert inventory.available("TEA") == 2


def test_shipping_takes_from_stock():
    cart = Cart("C1")
    cart.add(TEA, 2)
    inventory = Inventory({"TEA": 5})
    inventory.reserve(cart)
    inventory.ship(cart)
    assert inventory.available("TEA") == 3
