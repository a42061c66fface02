"""The zero-trust rules as a Pulumi policy pack: what no stack may be, on every preview and update.

Of `components` it knows the table of flows and the naming rules, and no more: a rule that read what a
component does would agree with every mistake in it.
"""
