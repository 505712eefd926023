"""Mutated answers and parameters, ours against botocore's: `make fuzz`, and the corpus in every run of the tests."""
