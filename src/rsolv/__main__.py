"""
Run the command line as `python -m rsolv`.
"""

from rsolv.cli import main

main()
