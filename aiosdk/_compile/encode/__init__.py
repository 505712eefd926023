"""From parameters to what botocore says of a request, by protocol, checking them on the way."""
