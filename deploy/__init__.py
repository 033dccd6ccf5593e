"""How the five services are put together and run: one machine, containers, Kubernetes, the operator's command."""
