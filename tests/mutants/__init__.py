"""The code with one thing wrong, and who finds out: a mistake that nothing notices would be noticed by a user.

`mutation` changes a function while something runs, `catalogue` has the mistakes, `judging` looks for who finds them.
"""
