"""The files that say how Carelog is run: image, compose set-up, Kubernetes manifests, and what documents promise."""
