"""Device profiles, one TOML file a device, named after its board or watch."""
