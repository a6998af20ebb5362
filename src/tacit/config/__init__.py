"""The cluster file: read, checked key by key, overridden by the environment, written anew.

What needs pydantic is imported where a file is read: help and `tacit certs` do without.
"""
