"""The lab's side of AWS: what is deployed there, examined before it is."""
