"""Measurements of the machine.

data        one measurement, and the units
measures    memory, swap, disk and processor
haproxy     the load balancer on this machine
push        sends them
"""
