"""Password hash algorithms, each behind the one interface; all read what a Keystone database holds."""
