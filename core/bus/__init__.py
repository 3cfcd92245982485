"""Messages between processes: casts, calls and events, and proxies of service interfaces."""
