"""Operations under way: from the claim of a tree of stacks to the stored outcome."""
