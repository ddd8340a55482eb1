"""Durability: the flows that bring each event to its decision, and the store that both survive a crash in.

Flows are short and end; waiting is a status in the store, so a deploy strands nothing. Meets the rooms below it only
through the ports of `core`.
"""
