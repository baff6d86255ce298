"""hgn-explore: the page on which trained HGNs are played with."""
