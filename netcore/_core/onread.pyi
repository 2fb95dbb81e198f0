from typing_extensions import disjoint_base

# What the module is made of; not for users.

@disjoint_base
class OnRead: ...
