"""Builds the compiled kernels: sources in Cython/, modules in station_ctl/kernel/."""

from Cython.Build import cythonize
from setuptools import Extension, setup

KERNELS = ("interlock",)

setup(
    ext_modules=cythonize(
        [
            Extension(f"station_ctl.kernel.{name}", [f"Cython/{name}.pyx"], extra_compile_args=["-Wall", "-Wextra"])
            for name in KERNELS
        ],
        compiler_directives={"embedsignature": True},
    )
)
