"""``python -m mtorsim`` is the command ``mtorsim``, also where the latter is not on the path."""

from mtorsim.cli import main

if __name__ == "__main__":
    main()
