"""Takes another system's FHIR Bundles over as history: `carelog import PATH`.

Said twice, a Bundle takes effect once: its hash is the Idempotency-Key. So nothing has to be remembered here, and an
import that was cut off is simply made again.
"""
