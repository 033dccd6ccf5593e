"""Referrals over its own log and documents, spoken to through its doors; other topics are told by hand."""
