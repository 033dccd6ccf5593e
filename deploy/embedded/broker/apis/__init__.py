"""The requests that are answered, a module for each or for a few that belong together: the messages as Kafka's protocol
guide has them, then the answer. `table.py` lists them all."""
