"""Records owns who the patients are, their visits, every clinical statement about them, and the directory of carers.

It exists so that each clinical fact has one place, one history and one author; the timeline grows out of it.
"""
