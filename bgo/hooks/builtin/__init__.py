"""The handlers every bgo has. Each module is a plugin like any other: it implements `bgo_register_handlers`."""

MODULES = ("bgo.hooks.builtin.echo", "bgo.hooks.builtin.shell", "bgo.hooks.builtin.sleep")
