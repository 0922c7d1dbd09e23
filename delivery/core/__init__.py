"""Pure: no database, framework, clock or network."""
