"""Stand-ins for technologies that are whole enough to be judged by the contract suites of the real ones."""
