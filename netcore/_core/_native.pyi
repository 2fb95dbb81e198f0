capi: object
