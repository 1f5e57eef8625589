"""Customers and their passwords."""

import hashlib
import re
from dataclasses import dataclass

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass
class Customer:
    id: str
    email: str
    password_hash: str
    name: str = ""
    country: str = "DE"
    is_vip: bool = False


def hash_password(password, salt="shop"):
    """The hash a password is stored as."""
    return hashlib.md5((salt + password).encode()).hexdigest()


def register(customer_id, email, password, name="", country="DE"):
    """A new customer. Raises ValueError when the address or the password will not do."""
    if not EMAIL.fullmatch(email):
        raise ValueError("not an e-mail address: " + email)
    if len(password) < 8:
        raise ValueError("a password has at least 8 characters")
    return Customer(customer_id, email.lower(), hash_password(password), name, country)


def login(customer, password):
    return customer.password_hash == hash_password(password)
