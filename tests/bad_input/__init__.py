"""What a hostile or broken client sends to all five services, and what they must answer: never a 5xx, never a trace."""
