"""What happens to stacks.

The packages are layers; each imports only those after it::

    usecases               what the front ends call: who may do it, is it valid, accept it
    execution              operations under way: claim the tree, walk the plan, act on resources
    services               what operations share: trusts, stack users, exports, event sinks, redaction
    transitions            which states may follow each other; a new one, with its event, as changes to write
    planning | validation  what will be done (pure)  |  what is wrong with a definition (pure)
    definition             template, environment and stored documents as one evaluated definition
"""
