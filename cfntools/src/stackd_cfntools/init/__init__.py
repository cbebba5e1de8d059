"""What AWS::CloudFormation::Init asks for.

config_sets     which configs are run, and in which order
run             one config, section by section
context         what the sections share: machine, web, authentication, what was changed
versions        the order of versions
packages        packages: what is installed, chosen and compared
managers        the package managers, one by one
accounts        groups and users
archives        tar, zip and compressed files, unpacked inside a directory
sources         archives from URLs
files           files and symbolic links
mustache        templates in the contents of files
authentication  credentials for downloads
downloads       what is fetched from elsewhere
commands        commands
services        services that run, and are restarted when what they depend on has changed
"""
