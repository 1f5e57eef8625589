"""The same plans through other task queues. Nothing of the product is imported here, and nothing of it imports this."""
