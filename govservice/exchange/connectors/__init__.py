"""How the portal talks to registries: one connector per protocol, all behind `base.Connector`."""
