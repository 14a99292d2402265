"""Stand-ins that several tests share; each passes the contract suite of the port it stands for."""
