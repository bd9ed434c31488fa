"""What keeps a lake well between the runs: replay of the quarantine, maintenance, backup and restore, checks."""
