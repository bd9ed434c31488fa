"""The documentation page: plain HTML and CSS, made from the OpenAPI document; no script, nothing from elsewhere."""
