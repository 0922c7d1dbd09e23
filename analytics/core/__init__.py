"""Pure rules of what is measured."""
