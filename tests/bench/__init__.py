"""Benchmarks: `python -m tests.bench` measures the budgets of the README's table. Ratios of one run, no verdict."""
