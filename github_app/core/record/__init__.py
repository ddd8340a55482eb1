"""The record of what was done and on whose word: what it says, how it hangs together, and what is made of it."""
