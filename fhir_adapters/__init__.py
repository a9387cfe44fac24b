"""FHIR in and out: from a hook call's order and record to a ``Case``, and from a regimen back to an order.

::

    read_order (order.py)                     the order in question          → OrderReading
    gather (gather.py)                        prefetch, then the FHIR server → PatientChart
      reading.py                              every resource on its own, with findings
        patient  labs  genomics  conditions   who, measurements and levels, genes, states
        medications  product  dosage          what was given and what is ordered
    to_case (intake.py)                       chart and order                → Case, without identity
    with_regimen, lab_request (writeback.py)  what goes back to the EHR

Reading is tolerant and narrow: what has the expected shape, state, unit and time becomes a fact, everything
else a finding in words. Codes, units and words are data in ``terminology/``. Nothing here logs what a
record says.
"""
