"""The topics: `relay` writes them from the log, `consumer` reads them for projections and reactions."""
