"""The door: verify a delivery's raw bytes, then translate its payload into one typed event of `core`.

Nothing inside the house sees a payload again. Imports only `core`.
"""
