"""What records decides: patients, encounters, entries and the directory, each with its own life cycle."""
