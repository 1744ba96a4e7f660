"""npm packages by name, installed once below ~/.cache/sallyport/npm."""
import pathlib
import shutil
import subprocess

from .suite import Skip

CACHE = pathlib.Path.home() / ".cache/sallyport/npm"
PG_VERSION = "8.13.1"


def pg():
    """The program node, and the folder that NODE_PATH must name for `require('pg')`."""
    node = shutil.which("node")
    modules = CACHE / f"pg-{PG_VERSION}/node_modules"
    if not modules.exists():
        modules.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["npm", "install", "--no-save", "--prefix", str(modules.parent), f"pg@{PG_VERSION}"], text=True,
                              capture_output=True, timeout=300)
        if not node or done.returncode:
            shutil.rmtree(modules, ignore_errors=True)
            raise Skip(f"npm could not install pg: {done.stderr.strip().splitlines()[-1:]}")
    return node, modules
