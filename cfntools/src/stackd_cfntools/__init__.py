"""The tools in guests: they configure a machine by its resource's metadata, and send signals and metrics.

Standard library only, and nothing that Python 3.6 does not have: old images have no more.

system           the machine: files below a root, commands, users, time
places           where the files are that the tools share with images and templates
errors           what ends a program, and with which exit code
signing          signatures of requests, versions 2 and 4
retries, web     requests over HTTP, repeated with growing pauses
credentials      the access key, from the usual places
endpoints        the URLs of the two APIs, from the usual places
query            calls of the Query APIs; their errors
cloudformation   DescribeStackResource and SignalResource
metadata         metadata from the server or the machine, and the copies that are kept of it
instance         who this server is, as Nova says
init/            what AWS::CloudFormation::Init asks for
hup/             hooks that run when metadata changes
stats/           measurements of the machine
programs/        the commands
"""
