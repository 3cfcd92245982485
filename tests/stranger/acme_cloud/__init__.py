"""Drivers of a stranger: a filter, a hypervisor on paper and a network of string."""
