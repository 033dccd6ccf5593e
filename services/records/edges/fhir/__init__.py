"""FHIR R4 as clients speak it: what is valid, what a Bundle asks for, how searches read and how answers look."""
