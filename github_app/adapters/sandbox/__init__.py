"""Where untrusted commands run, and how what they wrote is read: bubblewrap, its filter, limits and checks."""
