"""AWS on a laptop, without Docker or an account: an emulator beside an Athena endpoint that runs real SQL."""
