"""Pure: texts of YAML that people keep, rewritten without losing what they wrote.

Comments, quotes, order and styles stay. Nothing here reads or writes files.
"""
