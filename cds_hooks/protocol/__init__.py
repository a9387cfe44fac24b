"""CDS Hooks on the wire: requests in, cards out, discovery and feedback (version 2.0.1 of the standard)."""
