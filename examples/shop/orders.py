"""An order from the cart to the door."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from .cart import Cart
from .payments import Payment, PaymentFailed
from .pricing import Quote, quote

RETURN_PERIOD = timedelta(days=14)


class State(Enum):
    NEW = "new"
    PAID = "paid"
    SHIPPED = "shipped"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class WrongState(Exception):
    """The order is past the point where that was possible."""


@dataclass
class Order:
    id: str
    cart: Cart
    quote: Quote
    placed_at: datetime
    state: State = State.NEW
    payment: Payment = None
    shipped_at: datetime = None
    notes: list = field(default_factory=list)


class Shop:
    """Takes orders through their states."""

    def __init__(self, inventory, payments, storage):
        self._inventory = inventory
        self._payments = payments
        self._storage = storage

    def place(self, order_id, cart, token, country="DE", express=False):
        """Reserve, charge, save. Nothing stays reserved when the payment fails."""
        if cart.is_empty():
            raise ValueError("the cart is empty")
        self._inventory.reserve(cart)
        order = Order(order_id, cart, quote(cart, country, express), datetime.now())
        try:
            order.payment = self._payments.charge(order_id, order.quote.total, token)
        except PaymentFailed:
            self._inventory.release(cart)
            order.state = State.CANCELLED
            raise
        order.state = State.PAID
        self._storage.save(order)
        return order

    def ship(self, order):
        if order.state != State.PAID:
            raise WrongState(f"{order.id} is {order.state.value}")
        self._inventory.ship(order.cart)
        order.state = State.SHIPPED
        order.shipped_at = datetime.now()
        self._storage.save(order)

    def cancel(self, order):
        """Before it is shipped: the money goes back, the goods into stock."""
        if order.state not in (State.NEW, State.PAID):
            raise WrongState(f"{order.id} is {order.state.value}")
        if order.payment:
            self._payments.refund(order.payment)
        self._inventory.release(order.cart)
        order.state = State.CANCELLED
        self._storage.save(order)

    def take_back(self, order, now=None):
        """Within the return period after shipping."""
        now = now or datetime.now()
        if order.state != State.SHIPPED:
            raise WrongState(f"{order.id} is {order.state.value}")
        if now - order.shipped_at > RETURN_PERIOD:
            raise WrongState(f"{order.id} was shipped too long ago")
        self._payments.refund(order.payment)
        for sku, line in order.cart.lines.items():
            self._inventory.receive(sku, line.quantity)
        order.state = State.RETURNED
        self._storage.save(order)
