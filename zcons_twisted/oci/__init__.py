"""
Containers as zones: what the C{oci} driver is made of.

 - What runs beside each container imports the standard library alone, and nothing of
   the package's own C{__init__}: L{shim<zcons_twisted.oci.shim>} is its program, with
   C{config}, C{processes}, C{runtime}, C{terminal} and C{telling}.
 - What the server has of it: L{OciDriver<zcons_twisted.oci.driver.OciDriver>}, with
   C{life}, C{hearing} and C{ending}.
"""
