"""Words on their way in and out: what people can see of them, what they may do, and what must not be in them."""
