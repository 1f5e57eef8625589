"""A small shop: carts, prices, stock, orders, payments, customers, reports."""
