"""Every sentence that Honk posts, as functions of values. Facts come from state; what the model or a program wrote is
made harmless first (`text.prose`)."""
