"""The words and decisions of Honk: frozen values, a closed set of events and effects, and one pure function
`decide`. Standard library only, no I/O. Every other room depends on this one; it depends on none.
Start reading at `machine.py`."""
