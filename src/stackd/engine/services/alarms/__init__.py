"""Alarms: when metrics mean that something is to be done.

statistics     numbers of the samples of a period; percentiles
expressions    arithmetic over metrics
configuration  what an alarm is asked to be, checked
rules          an alarm's configuration as what is evaluated
evaluation     points of a metric → a state. Pure, as are those above
matching       which metrics are an alarm's
samples        what was measured, within bounds
states         an alarm in a new state, as changes to write
targets        the resources that actions mean
evaluator      takes what is due, reads what was measured, stores what follows
clock          when it looks next
"""
