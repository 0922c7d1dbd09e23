"""The carrier simulator: a process of its own that speaks Twilio's message API over HTTP.

It stands where Twilio and the carriers stand, so that the product runs its real gateway code in
the demo and in tests. Nothing in the product imports it, it imports nothing of the product but
the segment counter, and it starts only when KAIROS_MODE is `demo` or `test`. See README.md.
"""
