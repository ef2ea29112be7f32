"""
The house rules that no tool off the shelf knows: small questions to the syntax tree, each with a reason.

`python -m tools.lint [paths]` asks them all. A rule's docstring is what it teaches whoever breaks it.
"""
