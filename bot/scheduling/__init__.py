"""Requests that are handed in again and again, or later: the book they are kept in, and who follows it."""
