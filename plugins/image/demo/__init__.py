"""The demo image: a small guest made of the distribution's kernel, busybox and dropbear."""
