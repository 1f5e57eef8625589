import pytest

from shop.cart import Cart
from shop.pricing import Product

TEA = Product("TEA", "Green tea", 12.5, weight=0.25, category="food")
PRESS = Product("PRESS", "French press", 29.0, weight=0.9)


def test_adding_twice_raises_the_quantity():
    cart = Cart("C1")
    cart.add(TEA)
    cart.add(TEA, 2)
    assert cart.count() == 3
    assert len(cart.lines) == 1


def test_subtotal():
    cart = Cart("C1")
    cart.add(TEA, 2)
    cart.add(PRESS)
    assert cart.subtotal() == 54.0


def test_quantity_must_be_positive():
    with pytest.raises(ValueError):
        Cart("C1").add(TEA, 0)


def test_remove_all():
    cart = Cart("C1")
    cart.add(TEA, 2)
    cart.remove("TEA")
    assert cart.is_empty()
