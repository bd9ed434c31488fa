"""Which day a run is for, and when it is due: exchange calendars, cron, and a loop that needs no server."""
