"""A small world in which everything can go wrong, on a clock of its own, over the real `domain.progress.step`.

Processes are generators that say how long they wait; a crash drops one wherever it waits. The database is atomic,
the broker loses, repeats, reorders and forgets. The same seed gives the same world.
"""
