"""Taking and giving back money."""

import logging
import time
from dataclasses import dataclass

log = logging.getLogger(__name__)


class PaymentFailed(Exception):
    """The provider did not take the money."""


@dataclass
class Payment:
    order_id: str
    amount: float
    reference: str
    refunded: float = 0.0


class Payments:
    """Payments through a provider: anything with `charge(amount, token)` and `refund(reference, amount)`."""

    def __init__(self, provider, attempts=3, pause=0.5):
        self._provider = provider
        self._attempts = attempts
        self._pause = pause

    def charge(self, order_id, amount, token):
        """Take the money, trying again when the provider does not answer."""
        for attempt in range(self._attempts):
            try:
                reference = self._provider.charge(amount, token)
                return Payment(order_id, amount, reference)
            except:
                log.warning("charging %s failed, attempt %d", order_id, attempt + 1)
                time.sleep(self._pause)
        raise PaymentFailed(order_id)

    def refund(self, payment, amount=None):
        """Give money back, all of what is left by default."""
        left = payment.amount - payment.refunded
        amount = left if amount is None else amount
        if amount > left:
            raise ValueError(f"only {left} of {payment.amount} is left to refund")
        self._provider.refund(payment.reference, amount)
        payment.refunded += amount
        return payment


def is_settled(payment):
    """Whether everything was given back."""
    return payment.refunded == payment.amount
