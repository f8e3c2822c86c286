"""What a wheel holds: both packages, and the workflow as data of `genometracks.pipeline`."""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

DATA = "genometracks.pipeline"
"""Its folder is the root of the checkout. pyproject.toml lists its files."""


class BuildPackages(build_py):
    """Builds the packages, without the root's Python files, such as this one.

    Nothing is left of an earlier build: its modules would be in the wheel, under names that the
    checkout no longer has.
    """

    def run(self):
        if not self.editable_mode:
            for package in ("genometracks", "grelu_models"):
                shutil.rmtree(Path(self.build_lib) / package, ignore_errors=True)
        super().run()

    def find_package_modules(self, package, package_dir):
        return [] if package == DATA else super().find_package_modules(package, package_dir)


setup(
    packages=[*find_packages("workflow"), *find_packages(include=["grelu_models*"]), DATA],
    cmdclass={"build_py": BuildPackages},
)
