"""Linux bridges and namespaces with dnsmasq and nftables."""
