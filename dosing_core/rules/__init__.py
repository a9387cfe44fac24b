"""Published rules as speakers: what they read of a patient, what follows, and the answer that is made of it.

``facts`` reads the inputs, ``speak`` asks one rule, ``answer`` compares with the order and composes,
``otherwise`` says which input, if wrong, would change the dose.
"""
