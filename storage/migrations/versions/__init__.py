"""One file per step; the newest is what `storage.tables` says."""
