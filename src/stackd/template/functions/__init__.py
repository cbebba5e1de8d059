"""The functions of the template language, one small piece each."""
