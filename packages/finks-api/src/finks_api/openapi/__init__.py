"""The documents that describe the API: OpenAPI 3.1 for readers and clients, 3.0 for API Gateway."""
