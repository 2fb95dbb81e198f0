"""Where the C headers are that an extension of one's own is compiled against."""

from os.path import dirname, isdir, join


def get_include() -> str:
    """The folder for an extension's `include_dirs`, in which `netcore/capi.h` and the other public headers lie.

    The declarations for Cython (`from netcore._core.capi cimport nc_capi`) are found without it, as every `.pxd` is. What
    extensions do with them is in docs/embedding.md. Not in Node.
    """
    here = dirname(__file__)
    installed = join(here, "include")
    return installed if isdir(installed) else join(dirname(here), "csrc", "include")
