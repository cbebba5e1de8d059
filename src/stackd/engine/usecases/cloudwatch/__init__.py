"""Metrics and alarms, as the actions of the CloudWatch API: one implementation for all of its protocols.

actions   name of an action → shape of its request, and the function that answers it
shapes    requests of any protocol as typed values
requests  the shapes of all requests
pushing   samples that come
reading   statistics of metrics, lists of metrics
alarms    alarms: made, changed, shown, deleted
history   what happened to alarms
tags      tags of alarms
paging    tokens of lists that go on
delivery  what alarms have to do, done
deliveries what is under way of that
worker    the task that evaluates, delivers and tidies
"""
