"""GitHub, on PyGithub: a façade (`github`), one door for all requests (`clients`), a file for each kind of thing."""
