"""The five services. None imports another: they meet on the bus, through `shared.contracts`."""
