"""One of the two import names of the AWS SDK; the objects are those of the other."""
