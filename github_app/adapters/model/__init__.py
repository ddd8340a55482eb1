"""The language model, and what it costs."""
