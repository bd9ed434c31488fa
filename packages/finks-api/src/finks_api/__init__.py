"""The Data API: Gold and Silver over HTTP, the same app on a laptop and in Lambda."""
