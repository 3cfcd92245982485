"""Block storage v3: volumes, snapshots, types and attachments."""
