"""The pipeline that the same libraries' documentation leads to: commands, events, topic, documents.

- `application`: an `eventsourcing` application with its PostgreSQL recorder. Sixteen threads give the commands, and the
  connection pool is as large, so that none of them waits for a connection.
- `following`: the library's `ProjectionRunner` follows the application; its projection publishes each event with a
  FastStream publisher, waits for the acknowledgement of all replicas, and records the position, as the library's
  examples do for each event that they process.
- `showing`: a FastStream subscriber with its defaults, one `INSERT ... ON CONFLICT` of a JSONB document an event. Its
  default acknowledges before the handler has run; anything safer is slower.

The three parts run in three processes, as ours do; payload, partitions, server and broker are the same. What it leaves
out (envelopes, access, guarded writes, a read model that survives duplicates) makes it faster, not slower.
"""
