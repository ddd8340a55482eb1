"""Greetings."""


def greet(name):
    """A greeting for somebody."""
    return f"Hello, {name}!"


def may_deploy(user, admins):
    """Whether a user may deploy: admins alone."""
    return user in admins
