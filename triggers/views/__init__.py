"""Pages of flows, and the contact's page, which needs flows, texts and consent together."""
