"""Definitions of services: read strictly, checked, compiled once, published under their hash. No web, no SQL."""
