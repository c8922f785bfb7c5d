"""The programs ``mtorsim``, also ``python -m mtorsim``, and ``biosimulators-mtorsim``."""

import signal

if hasattr(signal, "pthread_sigmask"):  # Ctrl-C waits until everything is imported that answers it
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def main() -> None:
    """Run the command line and exit with its status; see `mtorsim.cli`."""
    from mtorsim.cli import main as carry_out

    carry_out()


def biosimulators() -> None:
    """Run the command line that BioSimulators expects; see `mtorsim.cli.biosimulators`."""
    from mtorsim.cli.biosimulators import main as carry_out

    carry_out()


if __name__ == "__main__":
    main()
