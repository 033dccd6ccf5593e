"""Consumer groups: who is in them and who reads what. Membership lives in memory only: after a restart members are
strangers, join again, and go on from their committed offsets."""
