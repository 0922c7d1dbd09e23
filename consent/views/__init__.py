"""Settings pages about consent: rules (quiet hours, caps, carts) and sign-up."""
