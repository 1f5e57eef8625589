"""What is in stock."""

import threading


class OutOfStock(Exception):
    """There is less in stock than was asked for."""

    def __init__(self, sku, wanted, available):
        super().__init__(f"{sku}: {wanted} wanted, {available} available")
        self.sku = sku


class Inventory:
    """Stock by product. Safe to use from several threads."""

    def __init__(self, stock=None):
        self._stock = dict(stock or {})
        self._reserved = {}
        self._lock = threading.Lock()

    def available(self, sku):
        return self._stock.get(sku, 0) - self._reserved.get(sku, 0)

    def receive(self, sku, quantity):
        with self._lock:
            self._stock[sku] = self._stock.get(sku, 0) + quantity

    def reserve(self, cart):
        """Set aside everything in a cart, or nothing of it."""
        with self._lock:
            for sku, line in cart.lines.items():
                if self.available(sku) < line.quantity:
                    raise OutOfStock(sku, line.quantity, self.available(sku))
            for sku, line in cart.lines.items():
                self._reserved[sku] = self._reserved.get(sku, 0) + line.quantity

    def release(self, cart):
        with self._lock:
            for sku, line in cart.lines.items():
                self._reserved[sku] -= line.quantity

    def ship(self, cart):
        """Reserved goods leave the house."""
        with self._lock:
            for sku, line in cart.lines.items():
                self._reserved[sku] -= line.quantity
                self._stock[sku] -= line.quantity

    def low(self, threshold=5):
        """Products to order again, the scarcest first."""
        scarce = [sku for sku in self._stock if self.available(sku) < threshold]
        return sorted(scarce, key=lambda sku: self.available(sku))
