"""Resource types that stackd itself stands behind: groups, values, wait conditions."""
