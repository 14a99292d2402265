"""The actions, one a file, with effect and policy defaults declared beside each."""
