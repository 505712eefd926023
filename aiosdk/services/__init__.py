"""What boto3 adds by hand to the services, in a folder for each, and the classes of their clients and resources."""
