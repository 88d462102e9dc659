"""Being told to stop."""

import contextlib
import signal


class Stopped(KeyboardInterrupt):
    """Training was stopped by a signal, after a checkpoint; the same call goes on from there.

    Attributes:
        step: steps that were trained.
        signal: the `signal.Signals` that this process received, or None if another worker did.
    """

    def __init__(self, step: int, received: signal.Signals | None) -> None:
        reason = received.name if received else "another worker's signal"
        super().__init__(f"Stopped by {reason} after step {step}.")
        self.step = step
        self.signal = received


class StopRequest:
    """Whether SIGINT or SIGTERM came; a second SIGINT interrupts at once, as always."""

    def __init__(self):
        self.received = None

    @contextlib.contextmanager
    def listening(self):
        """Takes the signals while the block runs. Only a main thread can."""
        before = {}

        def receive(number, _):
            self.received = signal.Signals(number)
            signal.signal(signal.SIGINT, signal.default_int_handler)

        with contextlib.suppress(ValueError):
            for number in (signal.SIGINT, signal.SIGTERM):
                before[number] = signal.signal(number, receive)
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
