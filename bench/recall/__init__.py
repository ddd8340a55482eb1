"""Does the context name the files that a fix touched? Real fixes of real projects, by `python -m bench.recall`."""
