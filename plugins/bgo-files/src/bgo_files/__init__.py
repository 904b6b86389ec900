"""File handlers for bgo: `files.hash`, `files.compress`, `files.copy`."""
