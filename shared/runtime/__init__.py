"""All plumbing, driven by a `Service` record: log, relay, consumers, documents, HTTP, access, telemetry, settings."""
