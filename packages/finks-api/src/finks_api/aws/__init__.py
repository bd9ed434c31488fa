"""The API in AWS Lambda behind API Gateway: its handler, and the package that is uploaded."""
