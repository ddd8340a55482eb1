"""What is in a change set that must be looked at: paths, sizes, and tests that say less than before."""
