"""The Query APIs: CloudFormation's, and the URLs to which guests send signals.

api             the application, made of a table of actions
cloudformation  the actions of CloudFormation
dispatch        the way of a request for an action
actions         what a row of the table is, and a call
params          parameters: decoding and reading
senders         who sends a request: by signature or by token
signals         the two routes of signals
answers         XML, or JSON where it is asked for
codes, errors   AWS codes, and which error has which
versions        what there is outside of the versions
front           the parts of the process that the routes use
"""
