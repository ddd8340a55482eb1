"""The way out of a sandbox: a listener in its network, a proxy that lets allowed names through, a registry mirror."""
