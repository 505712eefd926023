"""DynamoDB: items as Python values, conditions, and what its tables have beside what their definition says."""
