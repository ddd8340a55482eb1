"""The commands of `honk` that are about sessions and about what is on record, as words of a command line."""
