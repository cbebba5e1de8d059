"""The commands.

program                  what all commands do: log, end with an exit code
options                  options that several commands have
clients                  the clients of the two APIs, by these options
cfn_init, cfn_hup, cfn_signal, cfn_get_metadata, cfn_push_stats, cfn_create_aws_symlinks
"""
