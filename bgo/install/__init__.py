"""Living unattended: what makes cron, systemd, launchd or Termux run bgo regularly, written and taken away again.

Text is made by pure functions, one module for each of the four; `files.py` and `tools.py` alone have effects.
"""
