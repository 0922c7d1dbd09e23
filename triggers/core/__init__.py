"""The pure part of triggers: no database, no framework, no clock. Sets in, sets out."""
