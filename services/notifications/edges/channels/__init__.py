"""The channels that carry letters, behind the port that `domain.letter` declares: an SMTP server, or a folder."""
