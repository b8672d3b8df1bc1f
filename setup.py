"""Builds the compiled kernels: sources in Cython/, modules in station_ctl/kernel/."""

import importlib
import importlib.util
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

KERNELS = ("interlock", "thermal", "soc")
FLAGS = {"soc": ("-O3", "-fno-math-errno")}
TABLES = ("station_ctl.safety.table", "station_ctl.charging.table")
"""Rooms with a cause-and-effect table: what their `load` refuses at the start is not built either."""


class CheckedBuild(build_ext):
    """Builds the kernels, then loads every table with them. Needs nothing but the standard library."""

    def run(self) -> None:
        super().run()
        sys.path.insert(0, str(Path(__file__).parent))
        kernel = "station_ctl.kernel.interlock"
        spec = importlib.util.spec_from_file_location(kernel, self.get_ext_fullpath(kernel))
        if spec is None or spec.loader is None:
            raise ImportError(f"{kernel} was not built")
        sys.modules[kernel] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for room in TABLES:
            importlib.import_module(room).load()


setup(
    ext_modules=cythonize(
        [
            Extension(
                f"station_ctl.kernel.{name}",
                [f"Cython/{name}.pyx"],
                depends=[str(room) for room in sorted(Path("Cython").glob(f"{name}_*.pxd"))],
                extra_compile_args=["-Wall", "-Wextra", *FLAGS.get(name, ())],
            )
            for name in KERNELS
        ],
        compiler_directives={"embedsignature": True},
        include_path=["Cython"],
    ),
    cmdclass={"build_ext": CheckedBuild},
)
