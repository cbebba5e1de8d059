"""How fast stackd is: `python -m bench`.

Server, simulated cloud and load generators are processes of their own. Everything is bounded in count and
time.
"""
