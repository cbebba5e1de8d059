"""The CloudFormation API: so far what guests need, the URLs to which they send signals.

api       the application
signals   the two routes, and how a request proves who sends it
front     the parts of the process that the routes use
answers   XML, or JSON where it is asked for
errors    which error has which code
"""
