"""What servers and `flask` load: the portal, or only its commands where a command is run."""

from __future__ import annotations

import os
import sys

if os.environ.get("FLASK_RUN_FROM_CLI") == "true" and not {"run", "routes", "shell"} & set(sys.argv[1:2]):
    from govservice.cli import command_app

    app = command_app()
else:
    from govservice.app import create_app

    from config import from_env

    app = create_app(from_env())
