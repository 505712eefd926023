"""The only room that reaches into botocore and aiobotocore.

Their internals are used through the smallest seams there are: `http_session_cls`, registered components, the
emitter handed to a session, constructor arguments. Nothing is patched and no upstream function is copied.
"""
