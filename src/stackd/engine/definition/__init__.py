"""The definition of a stack: documents, types and references, evaluated."""
